"""The exercises, as functions in Python that say what each program has to give.

``check("previous", program)`` compares a program with one of them: by the interpreter on all short
inputs, and compiled on those as well. It raises where they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import shoal
from shoal.contract import agrees
from shoal.rasp import SOp, is_numerical


@dataclass(frozen=True)
class Exercise:
    """What a program has to give.

    Attributes:
        wanted: from tokens to what is wanted at each position.
        vocab: the tokens.
        longest: inputs have up to so many tokens.
        most_layers: the model may have so many; None for any number.
        most_columns: the same for the residual stream.
    """

    wanted: Callable[[Sequence[Any]], list[Any]]
    vocab: tuple[Any, ...] = ("a", "b", "c")
    longest: int = 5
    most_layers: int | None = None
    most_columns: int | None = None


def _latest(xs: Sequence[Any], i: int) -> Any:
    earlier = [j for j in range(i) if xs[j] == xs[i]]
    return xs[earlier[-1] + 1] if earlier else None


def _balanced(xs: Sequence[Any]) -> bool:
    depths = [xs[: i + 1].count("(") - xs[: i + 1].count(")") for i in range(len(xs))]
    return min(depths) >= 0 and depths[-1] == 0


def _counts_of_two(xs: Sequence[Any]) -> list[int]:
    counts = [xs.count(x) for x in xs]
    return [now + before for now, before in zip(counts, [0, *counts], strict=False)]


EXERCISES = {
    "previous": Exercise(lambda xs: [None, *xs[:-1]]),
    "first": Exercise(lambda xs: [xs[0]] * len(xs)),
    "last": Exercise(lambda xs: [xs[-1]] * len(xs)),
    "mirrored": Exercise(lambda xs: [x == y for x, y in zip(xs, xs[::-1], strict=True)]),
    "begins_run": Exercise(lambda xs: [i == 0 or xs[i] != xs[i - 1] for i in range(len(xs))]),
    "count_so_far": Exercise(lambda xs: [xs[: i + 1].count("a") for i in range(len(xs))]),
    "majority": Exercise(lambda xs: [2 * xs.count("a") > len(xs)] * len(xs)),
    "different": Exercise(lambda xs: [len(set(xs))] * len(xs)),
    "ascending": Exercise(lambda xs: [list(xs) == sorted(xs)] * len(xs), vocab=(1, 2, 3)),
    "balanced": Exercise(lambda xs: [_balanced(xs)] * len(xs), vocab=("(", ")"), longest=6),
    "induction": Exercise(lambda xs: [_latest(xs, i) for i in range(len(xs))], vocab=("a", "b")),
    "narrow": Exercise(_counts_of_two, longest=6, most_columns=7),
}


def check(name: str, program: SOp | None) -> None:
    """Hold a program to an exercise.

    Args:
        name: one of ``EXERCISES``.
        program: your answer.

    Raises:
        AssertionError: says on which input it is wrong, or what of the model is too large.
    """
    exercise = EXERCISES[name]
    assert isinstance(program, SOp), f"{name}: the answer is to be an s-op, not {program!r}"
    lengths = range(1, exercise.longest + 1)
    inputs = [list(xs) for n in lengths for xs in product(exercise.vocab, repeat=n)]
    for xs in inputs:
        _require(name, exercise, program, xs, program(xs), "the program")
    model = shoal.compile(program, vocab=set(exercise.vocab), max_seq_len=exercise.longest)
    for xs, given in zip(inputs, model.run_batch(inputs), strict=True):
        _require(name, exercise, program, xs, given, "the model")
    for size, most, what in (
        (model.num_layers, exercise.most_layers, "layers"),
        (model.d_model, exercise.most_columns, "columns"),
    ):
        assert most is None or size <= most, f"{name}: {size} {what}, and {most} would do"
    print(f"{name}: right on {len(inputs)} inputs; {model}")


def _require(
    name: str, exercise: Exercise, program: SOp, xs: list[Any], given: list[Any], who: str
) -> None:
    wanted = exercise.wanted(xs)
    numerical = is_numerical(program)
    same = [agrees(w, g, numerical=numerical) for w, g in zip(wanted, given, strict=True)]
    assert all(same), f"{name}: on {xs} {who} gives {given}, and wanted is {wanted}"
