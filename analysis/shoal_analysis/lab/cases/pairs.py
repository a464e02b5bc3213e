"""Clean inputs and corrupted ones, which differ in what the program depends on."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shoal.contract import agrees
from shoal.errors import EvaluationError, InvalidInputError
from shoal.rasp.values import Value

Results = Callable[[list[Value]], list[Value]]

_TRIES = 40
"""Pairs that are drawn for one that is kept, at most."""


@dataclass(frozen=True)
class Pair:
    """Two inputs of one length with different results where the case looks.

    Attributes:
        clean: an input.
        corrupted: one that differs in a single token, or is drawn anew.
        wanted: what the program gives on the clean one, at the case's position.
        unwanted: what it gives on the corrupted one.
    """

    clean: tuple[Value, ...]
    corrupted: tuple[Value, ...]
    wanted: Value
    unwanted: Value


@dataclass(frozen=True)
class Drawn:
    """A pair that may become one, with all results."""

    clean: list[Value]
    corrupted: list[Value]
    results: list[Value]
    others: list[Value]


def draw_pairs(
    results: Results, vocab: Sequence[Value], length: int, count: int, seed: int, numerical: bool
) -> tuple[int, tuple[Pair, ...]]:
    """Pairs that differ at one position of the result, the same position for all of them.

    Half of them differ in one token, the others are unrelated; inputs that the interpreter refuses
    are left out.

    Args:
        results: what the program gives for an input.
        vocab: its tokens.
        length: of all inputs.
        count: how many pairs.
        seed: of the inputs.
        numerical: whether results are numbers.

    Returns:
        The position, the one at which most drawn pairs differ, and the last of several; and the
        pairs.

    Raises:
        InvalidInputError: no inputs of this length have different results anywhere.
    """
    draw = random.Random(seed)
    found: list[Drawn] = []
    for number in range(_TRIES * count):
        pair = _drawn(results, vocab, length, draw, one_token=number % 2 == 0)
        if pair is not None:
            found.append(pair)
        if number >= count and found and _enough(found, length, count, numerical):
            break
    differing = [_differing(found, position, numerical) for position in range(length)]
    most = max((len(pairs) for pairs in differing), default=0)
    if not found:
        raise InvalidInputError(
            f"the interpreter gives no result for {_TRIES * count} inputs of length {length}; run "
            "shoal.rasp.evaluate on one of them to see why"
        )
    if most == 0:
        raise InvalidInputError(
            f"in {len(found)} pairs of inputs of length {length} both have the same results: the "
            "program ignores its tokens, and a case needs inputs that differ in what it depends on"
        )
    position = max(
        p for p, pairs in enumerate(differing) if min(len(pairs), count) == min(most, count)
    )
    return position, tuple(
        Pair(tuple(d.clean), tuple(d.corrupted), d.results[position], d.others[position])
        for d in differing[position][:count]
    )


def _drawn(
    results: Results,
    vocab: Sequence[Value],
    length: int,
    draw: random.Random,
    one_token: bool,
) -> Drawn | None:
    clean = [draw.choice(vocab) for _ in range(length)]
    corrupted = list(clean)
    for place in (draw.randrange(length),) if one_token else range(length):
        corrupted[place] = draw.choice(vocab)
    try:
        return Drawn(clean, corrupted, results(clean), results(corrupted))
    except EvaluationError:
        return None


def _differing(found: Sequence[Drawn], position: int, numerical: bool) -> list[Drawn]:
    """The pairs whose results differ at a position; of numbers, those where both are there."""
    differing = []
    for drawn in found:
        one, other = drawn.results[position], drawn.others[position]
        is_there = not numerical or None not in (one, other)
        if is_there and not agrees(one, other, numerical=numerical):
            differing.append(drawn)
    return differing


def _enough(found: Sequence[Drawn], length: int, count: int, numerical: bool) -> bool:
    if len(found) % count:  # looking is not free
        return False
    return any(len(_differing(found, p, numerical)) >= count for p in range(length))
