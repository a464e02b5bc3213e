"""Which values differ at different positions, and which are ranks."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.program.facts.infer import infer
from shoal.program.trace import trace
from shoal.rasp import (
    Comparison,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    tokens,
)

UNIQUE = SequenceMap(lambda x, i: 10 * x + i, tokens, indices)
RANK = SelectorWidth(Select(UNIQUE, UNIQUE, Comparison.LT))
VOCAB, LONGEST = (0, 1, 2), 4


def facts_of(program: SOp, causal: bool = False):  # type: ignore[no-untyped-def]
    traced = trace(program, causal=causal)
    return infer(traced, VOCAB, LONGEST).sops[traced.root]


@pytest.mark.parametrize(
    ("program", "is_distinct", "ranks_from"),
    [
        (indices, True, 0),
        (tokens, False, None),
        (UNIQUE, True, None),
        (Map(lambda i: -i, indices), True, None),
        (Map(lambda i: i % 2, indices), False, None),
        (SequenceMap(lambda x, i: x + i, tokens, indices), False, None),
        (RANK, True, 0),
        (SelectorWidth(Select(UNIQUE, UNIQUE, Comparison.GEQ)), True, 1),
        (SelectorWidth(Select(tokens, tokens, Comparison.LT)), False, None),
        (SelectorWidth(Select(UNIQUE, UNIQUE, Comparison.EQ)), False, None),
        (Map(lambda n: 3 - n, RANK), True, None),
        (Map(lambda n: n > 1, RANK), False, None),
        (SequenceMap(lambda n, x: (n, x), RANK, tokens), True, None),
    ],
)
def test_known_programs(program: SOp, is_distinct: bool, ranks_from: int | None) -> None:
    facts = facts_of(program)
    assert (facts.distinct, facts.ranks_from) == (is_distinct, ranks_from)


def test_under_a_causal_mask_nothing_is_a_rank() -> None:
    assert facts_of(RANK, causal=True).ranks_from is None
    assert facts_of(indices, causal=True).ranks_from == 0


ELEMENTS = st.sampled_from([indices, UNIQUE, RANK, tokens])
FUNCTIONS = st.sampled_from([lambda x: x % 3, lambda x: -x, lambda x: x * x - x, lambda x: x // 2])


@given(ELEMENTS, FUNCTIONS, st.sampled_from(list(Comparison)), st.booleans())
def test_facts_hold_on_all_inputs(
    element: SOp, function: object, comparison: Comparison, causal: bool
) -> None:
    mapped = Map(function, element)  # type: ignore[arg-type]
    for program in (mapped, SelectorWidth(Select(mapped, mapped, comparison))):
        facts = facts_of(program, causal)
        for n in range(1, LONGEST + 1):
            for xs in product(VOCAB, repeat=n):
                values = program(list(xs), causal=causal)
                assert not facts.distinct or len(set(values)) == n
                if facts.ranks_from is not None:
                    assert sorted(values) == list(range(facts.ranks_from, facts.ranks_from + n))


@given(ELEMENTS, ELEMENTS, FUNCTIONS, st.sampled_from(list(Comparison)), st.booleans())
def test_bounds_on_widths_hold_on_all_inputs(
    key: SOp, query: SOp, function: object, comparison: Comparison, causal: bool
) -> None:
    width = SelectorWidth(Select(key, Map(function, query), comparison))  # type: ignore[arg-type]
    traced = trace(width, causal=causal)
    inferred = infer(traced, VOCAB, LONGEST)
    bounds = inferred.widths[traced.node(traced.root).inputs[0]]
    for n in range(1, LONGEST + 1):
        for xs in product(VOCAB, repeat=n):
            for position, found in enumerate(width(list(xs), causal=causal)):
                keys = position + 1 if causal else n
                assert bounds.low <= found <= bounds.high
                assert bounds.low_of_complement <= keys - found <= bounds.high_of_complement


FIRST = SelectorWidth(
    Select(indices, indices, Comparison.LT) & Select(tokens, tokens, Comparison.EQ)
)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("program", "occurs"),
    [
        (FIRST, [3, 2, 1, 1]),
        (Map(lambda n: n == 0, FIRST), [4, 3]),
        (Map(lambda n: n > 1, FIRST), [4, 2]),
        (SequenceMap(lambda n, x: (n, x), FIRST, tokens), [3] * 3 + [2] * 3 + [1] * 6),
        (indices, [1, 1, 1, 1]),
    ],
)
def test_a_rank_among_equals_is_one_for_each(program: SOp, occurs: list[int], causal: bool) -> None:
    found = facts_of(program, causal).occurs
    assert found is not None
    assert found.tolist() == occurs


def test_what_comes_later_is_no_rank_under_a_causal_mask() -> None:
    later = Select(indices, indices, Comparison.GT) & Select(tokens, tokens, Comparison.EQ)
    assert facts_of(SelectorWidth(later)).occurs is not None
    assert facts_of(SelectorWidth(later), causal=True).occurs is None


GROUPS = st.sampled_from([tokens, Map(lambda x: x // 2, tokens), indices, FIRST])
PREDICATES = st.sampled_from(
    [*Comparison, lambda k, q: k // 2 == q // 2, lambda k, q: abs(k - q) < 2]
)


@given(ELEMENTS, GROUPS, PREDICATES, PREDICATES, FUNCTIONS, st.booleans())
def test_no_value_occurs_more_often_than_is_said(
    ordered: SOp, group: SOp, order: object, alike: object, function: object, causal: bool
) -> None:
    selector = Select(ordered, ordered, order) & Select(group, group, alike)  # type: ignore[arg-type]
    rank = SelectorWidth(selector)
    for program in (rank, Map(function, rank), SequenceMap(lambda n, x: n + x, rank, tokens)):  # type: ignore[arg-type]
        facts = facts_of(program, causal)
        for n in range(1, LONGEST + 1):
            for xs in product(VOCAB, repeat=n):
                values = program(list(xs), causal=causal)
                for number, group_of in enumerate(facts.domain.classes):
                    times = sum(value in group_of for value in values)
                    assert facts.occurs is None or times <= facts.occurs[number]
