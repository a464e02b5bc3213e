"""Faults in rules that know what a selector selects, and need not look at its operands."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from shoal.lowering.rules import argmax, histograms, length_gates, priority, whole_numbers
from shoal.program.facts import argmax as argmax_facts
from shoal_analysis.fuzzing.cases import Case
from tests.mutants.planting import Fault, Function, both, fault, has, has_pass, of_program

_FAULTS: list[Fault] = []
_fault = partial(fault, _FAULTS)


# histograms


_sorted_tokens = of_program(
    """\
v1 = Map(as_number, tokens)
v2 = LinearSequenceMap(v1, indices, 1, 0.001)
s3 = Select(v2, v2, Comparison.GT)
v4 = SelectorWidth(s3)
s5 = Select(v4, indices, Comparison.EQ)
v6 = Aggregate(s5, v1)""",
    passes="all",
)
"""Tokens in the order of their numbers, the largest first."""


@_fault(
    histograms,
    "by_class",
    "one token less before",
    "of the tokens that come before a value one is not counted",
    adapted=_sorted_tokens,
)
def _one_token_less_before(correct: Function) -> Function:
    def by_class(context: Any, tokens: Any, values: Any) -> Any:
        found = correct(context, tokens, values)
        found[np.flatnonzero(found)[-1]] = 0.0
        return found

    return by_class


@_fault(
    histograms,
    "_places_of",
    "places from one",
    "the place in the order that a query asks for is taken to be one later",
    adapted=_sorted_tokens,
)
def _places_from_one(correct: Function) -> Function:
    def places_of(*arguments: Any) -> Any:
        found = correct(*arguments)
        return None if found is None else found + 1

    return places_of


# argmax


_latest_equal = of_program(
    """\
s1 = Select(tokens, tokens, Comparison.EQ)
s2 = Select(indices, indices, Comparison.LT)
v3 = SelectorWidth(s1 & s2)
v4 = Map(one_before, v3)
s5 = Select(v3, v4, Comparison.EQ)
v6 = Aggregate(s1 & s5, indices)""",
    passes="all",
)
"""Where the latest token before is that is equal."""


@_fault(
    argmax,
    "_ranked",
    "a match weighs too little",
    "a key that does not match may score more than one that does, for its place",
    adapted=_latest_equal,
)
def _a_match_weighs_too_little(correct: Function) -> Function:
    def ranked(*arguments: Any) -> Any:
        term, steps = yield from correct(*arguments)
        return term, steps / 2

    return ranked


@_fault(
    argmax_facts,
    "_ranks",
    "the first for the last",
    "of the keys that match the farthest one is picked",
    adapted=_latest_equal,
)
def _the_first_for_the_last(correct: Function) -> Function:
    def ranks(order: Any, choice: Any) -> Any:
        return correct(order, replace(choice, is_last=not choice.is_last))

    return ranks


# length gates


_opposite_tokens = of_program(
    """\
v1 = SequenceMap(opposite, indices, length)
s2 = Select(indices, v1, Comparison.EQ)
v3 = Aggregate(s2, tokens)""",
    max_seq_len=4,
    passes=("all", "length-gates"),
)
"""What is at the opposite position, in one layer."""


@_fault(
    length_gates,
    "gates_for",
    "open at the next length",
    "a gate is open where the input is one token longer than it is to be",
    adapted=_opposite_tokens,
)
def _open_at_the_next_length(correct: Function) -> Function:
    def gates_for(positions: Any) -> Any:
        for gate in correct(positions):
            yield replace(gate, lengths=tuple(length + 1 for length in gate.lengths))

    return gates_for


@_fault(
    length_gates,
    "heads_for",
    "one position off",
    "the last of the heads fetches what is one position before",
    adapted=_opposite_tokens,
)
def _one_position_off(correct: Function) -> Function:
    def heads_for(positions: Any) -> Any:
        *others, last = correct(positions)
        return [*others, {query: max(0, position - 1) for query, position in last.items()}]

    return heads_for


# priorities


_PICKS = both(
    has_pass("priorities"), has(r"(s\d+) = Select\(indices, .*Aggregate\(\1, (?:tokens|indices)")
)
"""Cases in which an input is averaged over positions."""


def _of_the_last(case: Case) -> Case:
    """The case in which selectors of positions pick the last one."""
    return _of_positions(case, "Select(indices, length - 1, Comparison.EQ)")


def _of_positions(case: Case, selector: str) -> Case:
    """The case with another selector in place of those of positions."""
    sources = [re.sub(r"Select\(indices, .*\)$", selector, line.source) for line in case.lines]
    lines = zip(case.lines, sources, strict=True)
    return replace(case, lines=tuple(replace(line, source=source) for line, source in lines))


@_fault(
    priority,
    "_ranks",
    "the first that is there",
    "positions are ranked the other way round",
    can_show=_PICKS,
    adapted=_of_the_last,
)
def _first_that_is_there(correct: Function) -> Function:
    def ranks(*arguments: Any) -> Any:
        found = correct(*arguments)
        return None if found is None else found.max() + 1 - found

    return ranks


@_fault(
    priority,
    "_by_class",
    "positions of one rank",
    "the two best positions have the same rank",
    can_show=_PICKS,
    adapted=_of_the_last,
)
def _positions_of_one_rank(correct: Function) -> Function:
    def by_class(*arguments: Any) -> Any:
        found = correct(*arguments)
        return None if found is None else np.minimum(found, found.max() - 1)

    return by_class


# whole numbers


_PICKS_BY_COUNTS = both(
    has_pass("whole-numbers"),
    has_pass("linear-counts"),
    has(r"(s\d+) = Select\(indices, .*Aggregate\(\1, (?:tokens|indices)"),
)
"""Cases in which an input is averaged over positions, and heads write counts."""


def _of_the_opposite(case: Case) -> Case:
    """The case in which selectors of positions pick the opposite one."""
    return _of_positions(case, "Select(indices, length - 1 - indices, Comparison.EQ)")


@_fault(
    whole_numbers,
    "_weights",
    "whole number without its constant",
    "sums of counts and indices are read without what is added to them",
    can_show=_PICKS_BY_COUNTS,
    adapted=_of_the_opposite,
)
def _whole_number_without_its_constant(correct: Function) -> Function:
    def weights(*arguments: Any) -> Any:
        found = correct(*arguments)
        return found and (found[0], np.zeros_like(found[1]))

    return weights


@_fault(
    whole_numbers,
    "_parabola",
    "the next key",
    "a number that is no one-hot value picks the key after the one that it selects",
    can_show=_PICKS_BY_COUNTS,
    adapted=_of_the_opposite,
)
def _the_next_key(correct: Function) -> Function:
    def parabola(*arguments: Any) -> Any:
        found = correct(*arguments)
        return found and replace(found, start=found.start + 1.0)

    return parabola


SELECTION_FAULTS: tuple[Fault, ...] = tuple(_FAULTS)
"""Faults in rules that know what is selected."""
