from __future__ import annotations

from fractions import Fraction
from itertools import combinations_with_replacement, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.contract import RESOLUTION
from shoal.program.facts.domains import (
    domain_of,
    group_close,
)
from shoal.program.facts.means import means
from shoal.rasp.values import canonical_key

DYADIC = st.integers(-12, 12).map(lambda n: n / 4)
SMALL = st.integers(-5, 5) | st.booleans() | DYADIC
VALUES = SMALL | st.text(max_size=1)


@given(st.lists(SMALL, max_size=4), st.integers(0, 5))
def test_means_are_the_means_of_all_multisets_that_differ(values: list[float], widest: int) -> None:
    far = [value if type(value) is bool else value * 10**9 for value in values]
    for numbers in (values, far):  # sums as bits of one number, and sums as a set
        expected = {
            float(sum(map(Fraction, chosen)) / width)
            for width in range(2, widest + 1)
            for chosen in combinations_with_replacement(numbers, width)
            if len({canonical_key(value) for value in chosen}) > 1
        }
        assert means(numbers, widest, budget=10_000) == sorted(expected)


def test_equal_numbers_of_different_types_have_a_mean() -> None:
    assert means([1, True], 3, budget=100) == [1.0]
    assert means([2**53 + 1], 3, budget=100) == []
    assert means([2, 2.0, 4], 2, budget=100) == [2.0, 3.0]


def test_means_give_up_at_their_budget() -> None:
    assert means(range(100), 50, budget=1000) is None


def test_means_of_thirds_are_listed() -> None:
    found = means([1 / 3, 1.0], 3, budget=10_000)
    assert found == pytest.approx([5 / 9, 2 / 3, 7 / 9])


@given(st.lists(st.floats(-1e3, 1e3) | st.sampled_from([1, 1 + 1e-9, True, 1 + 1e-8]), max_size=12))
def test_close_numbers_share_a_group_and_others_do_not(numbers: list[float]) -> None:
    groups = group_close(numbers)
    assert sorted(x for group in groups for x in group) == sorted(numbers)
    for group in groups:
        assert max(group) - min(group) <= RESOLUTION * max(1, abs(min(group)))
    for before, after in pairwise(groups):
        assert min(after) - min(before) > RESOLUTION * max(1, abs(min(before)))


@given(st.lists(st.lists(VALUES, min_size=1, max_size=3), max_size=8))
def test_a_value_set_joins_overlapping_groups(groups: list[list[object]]) -> None:
    values = domain_of(groups)
    of = {v: values.class_of[v] for v in values.class_of}
    assert set(of) == {canonical_key(v) for group in groups for v in group}
    for group in groups:
        assert len({of[canonical_key(v)] for v in group}) == 1
    connected = [{canonical_key(v) for v in group} for group in groups]
    for _ in connected:  # join until nothing changes
        connected = [a.union(*(b for b in connected if a & b)) for a in connected]
    assert len({frozenset(part) for part in connected}) == len(values)


@given(st.lists(VALUES, max_size=8), st.randoms())
def test_the_order_of_classes_is_canonical(values: list[object], random: object) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert domain_of([v] for v in values).class_of == domain_of([v] for v in shuffled).class_of
