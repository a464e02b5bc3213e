"""Compile options, checked before any work is done."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from shoal.errors import InvalidOptionError, comes_from_outside
from shoal.limits import Limits
from shoal.lowering.context import RESULT_CODES
from shoal.lowering.rules.registry import OPTIONAL
from shoal.lowering.rules.result_scores import RESULT_SCORES
from shoal.narrowing.narrow import JOINT, NARROW
from shoal.program.look_ups import LOOK_UPS
from shoal.program.passes import PASSES, VARIANTS
from shoal.rasp.promised_inputs import InputPromise, promise_of
from shoal.rasp.values import (
    Value,
    canonical_key,
    canonical_order,
    is_same,
    normalise,
    show_value,
    why_unusable,
)
from shoal_solvers import (
    KNOWN_SOLVERS,
    MOST_BUDGET,
    MOST_SECONDS,
    MOST_WORKERS,
    SOLVERS,
    Budgets,
)
from shoal_solvers import OBJECTIVES as OBJECTIVES_OF_SOLVERS

T = TypeVar("T")

MOST_POSITIONS = 10**12
"""The greatest length that can be asked for; limits on tables and weights come much earlier."""

PASS_NAMES = (LOOK_UPS, *PASSES, *VARIANTS, *OPTIONAL, NARROW, JOINT)
"""All passes over the program, rules of lowering that can be switched on, and passes over what is
lowered, in their order."""

ALL = (
    LOOK_UPS,
    *PASSES,
    *VARIANTS,
    *(name for name, rule in OPTIONAL.items() if rule.by_default),
    NARROW,
)
"""What "all" stands for: some have to be asked for by name."""

SMALLEST = (*ALL, JOINT)
"""What "smallest" stands for."""

PASS_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"all": ALL, "none": (), "smallest": SMALLEST}
)
"""Words for passes."""

PARAMETERS = "parameters"
"""The objective that the number of parameters be small."""

USUAL_OBJECTIVES = OBJECTIVES_OF_SOLVERS
"""What is minimised unless something else is asked for, in this order."""

OBJECTIVES = (*USUAL_OBJECTIVES, PARAMETERS)
"""What can be asked to be small."""

HEURISTICS = SOLVERS[:-1]
"""Allocators that look at no objective and no budget."""

PER_LAYER = MappingProxyType({"max_heads": "heads_per_layer", "max_neurons": "neurons_per_layer"})
"""The budgets that are of one layer, each with the limit that bounds the same."""

ONE_HOT_RESULT = "one-hot"
RESULTS = ("code", ONE_HOT_RESULT)
"""How a result of classes can be asked for."""


@dataclass(frozen=True)
class CompileOptions:
    """What a program is compiled for.

    Whatever ``shoal.compile`` takes is accepted; it is checked, and put into canonical form, when
    the options are made.

    Attributes:
        vocab: the tokens in canonical order.
        max_seq_len: the greatest number of tokens, BOS not counted.
        causal: whether positions see only earlier ones.
        bos: the token that every input sequence begins with.
        pad: the token that fills sequences up.
        passes: names of the passes over the program and rules of lowering, in their order.
        allocator: the solver that places operations.
        reuse: whether residual columns are cleared and used again.
        budget: upper limits.
        time_limit: deterministic seconds for the allocator.
        wall_clock_limit: wall-clock seconds for it besides, if any.
        workers: threads of the allocator.
        limits: what the compilation may take.
        result: how a result of classes is held: "code" for as narrow as the passes make it, or
            "one-hot", which leaves out the pass "result-codes".
        objective: what is to be small, the most important first. What is not named comes after
            what is, in its usual order, but for the parameters.
        inputs: which inputs are promised; None for all.

    Raises:
        InvalidOptionError: an option makes no sense; the message says which and why.
    """

    vocab: tuple[Value, ...]
    max_seq_len: int
    causal: bool = False
    bos: Value = "BOS"
    pad: Value = "PAD"
    passes: tuple[str, ...] = ALL
    allocator: str = SOLVERS[-1]
    reuse: bool = True
    budget: Budgets = field(default_factory=Budgets)
    time_limit: float = 10.0
    wall_clock_limit: float | None = None
    workers: int = 1
    limits: Limits = field(default_factory=Limits)
    result: str = RESULTS[0]
    objective: tuple[str, ...] = USUAL_OBJECTIVES
    inputs: InputPromise | None = None

    def __post_init__(self) -> None:
        limits = _one_of(self.limits, Limits, "limits", "shoal.Limits(fused_neurons=..., ...)")
        canonical = {
            "limits": limits,
            "budget": _one_of(self.budget, Budgets, "budget", _SOME_BUDGETS),
            "vocab": _check_vocab(self.vocab, limits.most_pairs),
            "bos": normalise(self.bos),
            "pad": normalise(self.pad),
            "passes": _passes_for(self.passes, self.result),
            "causal": _truth("causal", self.causal),
            "reuse": _truth("reuse", self.reuse),
            "objective": _objective_of(self.objective),
            "inputs": promise_of(self.inputs),
        }
        for name, content in canonical.items():
            object.__setattr__(self, name, content)
        self._check_special_tokens()
        if not _is_count(self.max_seq_len, MOST_POSITIONS):
            raise InvalidOptionError(
                f"max_seq_len is {show_value(self.max_seq_len)}; it is the greatest number of "
                f"tokens, from 1 to {MOST_POSITIONS:,}"
            )
        object.__setattr__(self, "max_seq_len", int(self.max_seq_len))
        self._check_allocator()

    @property
    def within(self) -> Budgets:
        """The budgets, and the limits of each layer where these are stricter."""
        given = {budget: getattr(self.limits, limit) for budget, limit in PER_LAYER.items()}
        limited = {
            budget: limit
            for budget, limit in given.items()
            if limit is not None and limit < (getattr(self.budget, budget) or MOST_BUDGET)
        }
        return replace(self.budget, **limited)

    def _check_special_tokens(self) -> None:
        _check_tokens([self.bos, self.pad])
        keys = {canonical_key(token) for token in self.vocab}
        numbers = {token for token in self.vocab if isinstance(token, int | float)}
        for what, token in (("bos", self.bos), ("pad", self.pad)):
            is_equal = isinstance(token, int | float) and token in numbers  # as 1 and True are
            if canonical_key(token) in keys or is_equal:
                raise InvalidOptionError(
                    f"the {what} token {show_value(token)} is in the vocab; choose another, "
                    f"{what}=..."
                )
        if canonical_key(self.bos) == canonical_key(self.pad):
            raise InvalidOptionError(
                f"bos and pad are both {show_value(self.bos)}; they must differ"
            )

    def _check_allocator(self) -> None:
        if not isinstance(self.allocator, str) or self.allocator not in KNOWN_SOLVERS:
            known = ", ".join(KNOWN_SOLVERS)
            raise InvalidOptionError(
                f"there is no allocator {show_value(self.allocator)}; known: {known}"
            )
        if self.allocator in HEURISTICS and self.objective != USUAL_OBJECTIVES:
            raise InvalidOptionError(
                f"{self.allocator} does not look at the objective; leave it out, or compile with "
                'allocator="cp-sat"'
            )
        if not _is_positive(self.time_limit):
            raise InvalidOptionError(
                f"time_limit is {show_value(self.time_limit)}; give a number of seconds above 0, "
                f"up to {MOST_SECONDS:,.0f}"
            )
        if self.wall_clock_limit is not None and not _is_positive(self.wall_clock_limit):
            raise InvalidOptionError(
                f"wall_clock_limit is {show_value(self.wall_clock_limit)}; give a number of "
                "seconds above 0, or None"
            )
        for name, limit in self.budget.limits().items():
            if not _is_count(limit, MOST_BUDGET):
                raise InvalidOptionError(
                    f"the budget {name} is {show_value(limit)}; give a whole number from 1 to "
                    f"{MOST_BUDGET:,}, or None for no limit"
                )
        if not _is_count(self.workers, MOST_WORKERS):
            raise InvalidOptionError(
                f"workers is {show_value(self.workers)}; give a number of threads from 1 to "
                f"{MOST_WORKERS:,}"
            )


_SOME_BUDGETS = "shoal.Budgets(max_layers=..., max_width=..., max_neurons=..., max_heads=...)"


def _one_of(given: object, kind: type[T], name: str, example: str) -> T:
    """What was given, or the usual one where it is None."""
    if given is None:
        return kind()
    if not isinstance(given, kind):
        raise InvalidOptionError(f"{name} is {show_value(given)}; give {example}")
    return given


def _is_positive(seconds: object) -> bool:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return is_number and 0 < seconds <= MOST_SECONDS  # type: ignore[operator]


def _truth(name: str, value: object) -> bool:
    try:
        return bool(value)
    except Exception as error:
        if comes_from_outside(error):
            raise
        raise InvalidOptionError(
            f"{name} is {show_value(value)}, which is neither true nor false; give True or False"
        ) from error


def _is_count(number: object, most: int) -> bool:
    is_whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
    return is_whole and 1 <= number <= most  # type: ignore[operator]


def _check_vocab(vocab: Iterable[Value], most: int) -> tuple[Value, ...]:
    if isinstance(vocab, str | bytes):
        raise InvalidOptionError(
            f"vocab is the string {show_value(vocab)}; give a collection of tokens, such as "
            "{'a', 'b'}"
        )
    try:
        tokens = [normalise(token) for token in islice(vocab, most + 1)]
    except TypeError:
        raise InvalidOptionError(
            f"vocab is {show_value(vocab)}; give a collection of tokens"
        ) from None
    if len(tokens) > most:
        raise InvalidOptionError(
            f"the vocab has more than {most:,} tokens; give fewer, or allow more by "
            "limits=shoal.Limits(table_entries=...)"
        )
    if not tokens:
        raise InvalidOptionError("the vocab is empty; give at least one token")
    _check_tokens(tokens)
    different = {canonical_key(token): token for token in tokens}
    for token in tokens:
        if not is_same(token, different[canonical_key(token)]):
            raise InvalidOptionError(
                f"two different tokens both read {show_value(token)}; give their types names and "
                "reprs that tell them apart"
            )
    return canonical_order(tokens)


def _check_tokens(tokens: Iterable[Value]) -> None:
    for token in tokens:
        reason = why_unusable(token)
        if token is None:
            reason = "means that nothing was selected; choose another"
        if reason is not None:
            raise InvalidOptionError(f"the token {show_value(token)} cannot be used: it {reason}")


def _objective_of(given: object) -> tuple[str, ...]:
    """The objectives in their order, those that are not named after those that are."""
    known = ", ".join(OBJECTIVES)
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, tuple | list) or not names:
        raise InvalidOptionError(
            f"objective is {show_value(given)}; give what is to be small in its order, such as "
            f'("layers", "parameters"), of: {known}'
        )
    chosen = [name.strip() if isinstance(name, str) else name for name in names]
    for number, name in enumerate(chosen):
        if name not in OBJECTIVES:
            raise InvalidOptionError(f"there is no objective {show_value(name)}; known: {known}")
        if name in chosen[:number]:
            raise InvalidOptionError(f"the objective {name!r} is there twice; once does")
    return (*chosen, *(name for name in USUAL_OBJECTIVES if name not in chosen))


_FOR_DECODER = (RESULT_CODES, RESULT_SCORES)
"""Passes by which a result is held as nothing but the decoder reads it."""


def _passes_for(passes: str | Collection[str], result: str) -> tuple[str, ...]:
    """The passes for a way to hold the result."""
    if not isinstance(result, str) or result not in RESULTS:
        raise InvalidOptionError(
            f"result is {show_value(result)}; give one of {', '.join(RESULTS)}"
        )
    names = pass_names(passes)
    return names if result != ONE_HOT_RESULT else tuple(n for n in names if n not in _FOR_DECODER)


def rules_alone(passes: str | Collection[str]) -> tuple[str, ...]:
    """The same as ``pass_names`` but for look-ups: what no rule computes is refused."""
    return tuple(name for name in pass_names(passes) if name != LOOK_UPS)


def pass_names(passes: str | Collection[str]) -> tuple[str, ...]:
    """The passes that a word, one name or a list of names stands for, in their order.

    The words are "all", "none", and "smallest", which gives names up for columns. A list may have
    words in it, for what they stand for and others besides.

    Raises:
        InvalidOptionError: a pass is not known, or one is missing that another one builds on.
    """
    try:
        given = {passes} if isinstance(passes, str) else set(passes)
        chosen = {one for name in given for one in PASS_WORDS.get(name, (name,))}
    except TypeError:
        raise InvalidOptionError(
            f'passes is {show_value(passes)}; give "all", "none", "smallest", a pass, or a list of '
            "passes: " + ", ".join(PASS_NAMES)
        ) from None
    unknown = sorted(str(name) for name in chosen - set(PASS_NAMES))
    if unknown:
        raise InvalidOptionError(
            f"there is no pass {', '.join(unknown)}; known: {', '.join(PASS_NAMES)}; or give "
            '"all", "none" or "smallest"'
        )
    if JOINT in chosen and NARROW not in chosen:
        raise InvalidOptionError(
            f'the pass "{JOINT}" is for narrow variables; give "{NARROW}" as well, or "smallest"'
        )
    return tuple(name for name in PASS_NAMES if name in chosen)
