"""Compile options, checked before any work is done."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from shoal.errors import InvalidOptionError
from shoal.limits import Limits
from shoal.lowering.lower import LOWERING_PASSES
from shoal.program.passes import PASSES
from shoal.rasp.values import Value, canonical_key, canonical_order, normalise
from shoal_solvers import SOLVERS, Budgets

PASS_NAMES = (*PASSES, *LOWERING_PASSES)
"""All passes, in their order."""


@dataclass(frozen=True)
class CompileOptions:
    """What a program is compiled for.

    Attributes:
        vocab: the tokens in canonical order.
        max_seq_len: the greatest number of tokens, BOS not counted.
        causal: whether positions see only earlier ones.
        bos: the token that every input sequence begins with.
        pad: the token that fills sequences up.
        passes: names of the passes over the program, in their order.
        allocator: the solver that places operations.
        reuse: whether residual columns are cleared and used again.
        budget: upper limits.
        time_limit: deterministic seconds for the allocator.
        wall_clock_limit: wall-clock seconds for it besides, if any.
        workers: threads of the allocator.
        limits: what the compilation may take.
    """

    vocab: tuple[Value, ...]
    max_seq_len: int
    causal: bool
    bos: Value
    pad: Value
    passes: tuple[str, ...]
    allocator: str
    reuse: bool
    budget: Budgets
    time_limit: float
    wall_clock_limit: float | None
    workers: int
    limits: Limits


def check_options(
    *,
    vocab: Iterable[Value],
    max_seq_len: int,
    causal: bool,
    bos: Value,
    pad: Value,
    passes: str | Collection[str],
    allocator: str,
    reuse: bool,
    budget: Budgets | None,
    time_limit: float,
    wall_clock_limit: float | None,
    workers: int,
    limits: Limits | None,
) -> CompileOptions:
    """Options in canonical form.

    Raises:
        InvalidOptionError: an option makes no sense; the message says which and why.
    """
    tokens = _check_vocab(vocab)
    _check_tokens([bos, pad])
    for what, token in (("bos", bos), ("pad", pad)):
        if canonical_key(token) in {canonical_key(t) for t in tokens} or token in tokens:
            raise InvalidOptionError(
                f"the {what} token {token!r} is in the vocab; choose another, {what}=..."
            )
    if bos == pad:
        raise InvalidOptionError(f"bos and pad are both {bos!r}; they must differ")
    if (
        isinstance(max_seq_len, bool)
        or not isinstance(max_seq_len, int | np.integer)
        or max_seq_len < 1
    ):
        raise InvalidOptionError(
            f"max_seq_len is {max_seq_len!r}; it is the greatest number of tokens, at least 1"
        )
    if allocator not in SOLVERS:
        raise InvalidOptionError(
            f"there is no allocator {allocator!r}; known: {', '.join(SOLVERS)}"
        )
    if budget is not None and not isinstance(budget, Budgets):
        raise InvalidOptionError(
            f"budget is {budget!r}; give shoal.Budgets(max_layers=..., max_width=..., "
            "max_neurons=..., max_heads=...)"
        )
    if not _is_positive(time_limit):
        raise InvalidOptionError(f"time_limit is {time_limit!r}; give a number of seconds above 0")
    if limits is not None and not isinstance(limits, Limits):
        raise InvalidOptionError(f"limits is {limits!r}; give shoal.Limits(fused_neurons=..., ...)")
    if wall_clock_limit is not None and not _is_positive(wall_clock_limit):
        raise InvalidOptionError(
            f"wall_clock_limit is {wall_clock_limit!r}; give a number of seconds above 0, or None"
        )
    for name, limit in (budget or Budgets()).limits().items():
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise InvalidOptionError(
                f"the budget {name} is {limit!r}; give a whole number of at least 1, or None"
            )
    return CompileOptions(
        vocab=tokens,
        max_seq_len=int(max_seq_len),
        causal=bool(causal),
        bos=bos,
        pad=pad,
        passes=pass_names(passes),
        allocator=allocator,
        reuse=bool(reuse),
        budget=budget or Budgets(),
        time_limit=time_limit,
        wall_clock_limit=wall_clock_limit,
        workers=workers,
        limits=limits or Limits(),
    )


def _is_positive(seconds: object) -> bool:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return is_number and 0 < float(seconds) < float("inf")  # type: ignore[arg-type]


def _check_vocab(vocab: Iterable[Value]) -> tuple[Value, ...]:
    if isinstance(vocab, str | bytes):
        raise InvalidOptionError(
            f"vocab is the string {vocab!r}; give a collection of tokens, such as {{'a', 'b'}}"
        )
    try:
        tokens = [normalise(token) for token in vocab]
    except TypeError:
        raise InvalidOptionError(f"vocab is {vocab!r}; give a collection of tokens") from None
    if not tokens:
        raise InvalidOptionError("the vocab is empty; give at least one token")
    _check_tokens(tokens)
    return canonical_order(tokens)


def _check_tokens(tokens: Iterable[Value]) -> None:
    for token in tokens:
        try:
            equal = hash(token) is not None and token == token
        except TypeError:
            raise InvalidOptionError(
                f"the token {token!r} is not hashable; use a tuple instead of a list"
            ) from None
        if token is None or not equal:
            raise InvalidOptionError(
                f"the token {token!r} cannot be used: "
                + ("None means that nothing was selected" if token is None else "it is not itself")
            )


def pass_names(passes: str | Collection[str]) -> tuple[str, ...]:
    """The passes that "all", "none", one name or a list of names stands for, in their order.

    Raises:
        InvalidOptionError: a pass is not known.
    """
    if passes == "all":
        return PASS_NAMES
    if passes == "none":
        return ()
    try:
        chosen = {passes} if isinstance(passes, str) else set(passes)
    except TypeError:
        raise InvalidOptionError(
            f'passes is {passes!r}; give "all", "none", a pass, or a list of passes: '
            + ", ".join(PASS_NAMES)
        ) from None
    unknown = sorted(str(name) for name in chosen - set(PASS_NAMES))
    if unknown:
        raise InvalidOptionError(
            f"there is no pass {', '.join(unknown)}; known: {', '.join(PASS_NAMES)}; or give "
            '"all" or "none"'
        )
    return tuple(name for name in PASS_NAMES if name in chosen)
