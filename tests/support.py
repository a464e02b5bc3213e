"""What tests share."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product
from typing import Any

from shoal.errors import EvaluationError
from shoal.rasp.expressions import SOp


def same_results(expected: Sequence[Any], actual: Sequence[Any]) -> bool:
    """Equal, None included; numbers that are floats within 1e-4, relative if large."""
    return len(expected) == len(actual) and all(map(_same, expected, actual))


def _same(expected: Any, actual: Any) -> bool:
    if expected == actual:
        return True
    if isinstance(expected, float) and isinstance(actual, int | float):
        return abs(expected - actual) <= 1e-4 * max(1, abs(expected))
    if isinstance(actual, float) and isinstance(expected, int | float):
        return abs(expected - actual) <= 1e-4 * max(1, abs(expected))
    return bool(expected == actual)


def all_sequences(vocab: Sequence[Any], longest: int) -> list[list[Any]]:
    """Every sequence of length 1 to ``longest``."""
    return [list(s) for n in range(1, longest + 1) for s in product(vocab, repeat=n)]


def random_sequences(
    vocab: Sequence[Any], shortest: int, longest: int, count: int, seed: int = 0
) -> list[list[Any]]:
    """Random sequences of random lengths."""
    generator = random.Random(seed)
    return [
        [generator.choice(vocab) for _ in range(generator.randint(shortest, longest))]
        for _ in range(count)
    ]


def interpreted(
    program: SOp, sequences: Sequence[Sequence[Any]], causal: bool = False
) -> list[tuple[list[Any], list[Any]]]:
    """(sequence, result) for every sequence on which the interpreter returns."""
    results = []
    for sequence in sequences:
        try:
            results.append((list(sequence), program(sequence, causal=causal)))
        except EvaluationError:
            continue
    return results
