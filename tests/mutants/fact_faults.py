"""Faults in what is known about a program before it is lowered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from shoal.program.facts import averages, by_length, infer, promised, together
from shoal.program.facts.by_length import _Select
from shoal_analysis.fuzzing.cases import Case
from tests.mutants.planting import Fault, Function, fault, has, of_program

_FAULTS: list[Fault] = []
_fault = partial(fault, _FAULTS)


# what length and position determine

_OF_POSITIONS = has(r"Select\((?:indices, indices|v\d+, indices|indices, v\d+)")


@_fault(
    by_length,
    "selections",
    "positions exchanged",
    "of selectors of positions keys are taken for queries, and queries for keys",
    can_show=_OF_POSITIONS,
)
def _positions_exchanged(correct: Function) -> Function:
    def selections(*arguments: Any) -> Any:
        found = correct(*arguments)
        return found and [chosen.T for chosen in found]

    return selections


@_fault(
    _Select,
    "at",
    "the last position is not there",
    "selectors of positions never select the last position",
    can_show=_OF_POSITIONS,
)
def _last_position_not_there(correct: Function) -> Function:
    def at(*arguments: Any) -> Any:
        found = correct(*arguments)
        if found is not None:
            found = found & (np.arange(len(found)) < max(1, len(found) - 1))
        return found

    return at


# means that go together

_TWO_MEANS = has(r"Aggregate\((s\d+), .*Aggregate\(\1, ")


@_fault(
    together,
    "_means",
    "means of long inputs forgotten",
    "two means by one selector are never taken over as many keys as there can be",
    can_show=_TWO_MEANS,
)
def _means_of_long_inputs_forgotten(correct: Function) -> Function:
    def means(vectors: Any, least: int, most: int, budget: int) -> Any:
        return correct(vectors, least, max(least, most - 1), budget)

    return means


@_fault(
    together,
    "_vectors",
    "the same at all positions",
    "what two means are of is taken to be the same pair at all positions",
    can_show=_TWO_MEANS,
)
def _same_at_all_positions(correct: Function) -> Function:
    def vectors(*arguments: Any) -> Any:
        found = correct(*arguments)
        return found and found[:1]

    return vectors


# promised inputs


def _promised(promise: str) -> Callable[[Case], Case]:
    """Cases under a promise, and for few inputs."""

    def adapted(case: Case) -> Case:
        options = replace(case.options, promise=promise, max_seq_len=4)
        return replace(case, vocab=case.vocab[:3], options=options)

    return adapted


@_fault(
    infer,
    "seen_on",
    "the longest promised inputs forgotten",
    "of promised inputs those of the greatest length are not looked at",
    can_show=has(r"Select\("),
    adapted=_promised("of_two_kinds"),
)
def _longest_promised_inputs_forgotten(correct: Function) -> Function:
    def seen_on(inputs: Any) -> Any:
        longest = max(map(len, inputs))
        return correct([xs for xs in inputs if len(xs) < longest] or inputs)

    return seen_on


@_fault(
    promised,
    "_widths",
    "one key at most under a promise",
    "no query is taken to select two keys on promised inputs",
    can_show=has(r"Select\("),
    adapted=_promised("of_two_kinds"),
)
def _one_key_at_most(correct: Function) -> Function:
    def widths(*arguments: Any) -> Any:
        low, high, own = correct(*arguments)
        return low, min(high, 1), own

    return widths


# equal ranks


_mean_of_two_ranks = of_program(
    """\
v1 = Map(as_number, tokens)
s2 = Select(v1, v1, Comparison.LT)
v3 = SelectorWidth(s2)
v4 = Map(always_seven, tokens)
s5 = Select(v3, v4, Comparison.LT)
v6 = Aggregate(s5, v1)
v7 = Map(rounded, v6)""",
    max_seq_len=3,
)
"""The mean of all tokens that have one of the first two ranks."""


@_fault(
    averages,
    "selects_one_value",
    "several ranks are one",
    "keys of different ranks are taken to have equal values",
    adapted=_mean_of_two_ranks,
)
def _several_ranks_are_one(correct: Function) -> Function:
    def selects_one_value(*arguments: Any) -> bool:
        return True

    return selects_one_value


FACT_FAULTS: tuple[Fault, ...] = tuple(_FAULTS)
"""Faults in what is known."""
