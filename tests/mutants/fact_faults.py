"""Faults in what is known about a program before it is lowered."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from shoal.program.facts import by_length, together
from shoal.program.facts.by_length import _Select
from tests.mutants.planting import Fault, Function, fault, has

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


FACT_FAULTS: tuple[Fault, ...] = tuple(_FAULTS)
"""Faults in what is known."""
