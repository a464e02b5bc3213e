"""What must be erased, against all choices of erasures."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from shoal_solvers.forced_erasures import covering_knapsack, relaxed_knapsack

items = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), max_size=8)


@given(items, st.integers(-2, 20))
def test_the_covering_knapsack_is_the_best_of_all_choices(
    items: list[tuple[int, int]], columns: int
) -> None:
    costs = [
        sum(cost for (_, cost), taken in zip(items, choice, strict=True) if taken)
        for choice in product((False, True), repeat=len(items))
        if sum(width for (width, _), taken in zip(items, choice, strict=True) if taken) >= columns
    ]
    found = covering_knapsack(items, columns)
    if costs:
        assert found == min(costs)
    else:
        assert found == sum(cost for width, cost in items if width)


@given(items, st.integers(-2, 20))
def test_its_relaxation_is_no_more(items: list[tuple[int, int]], columns: int) -> None:
    assert relaxed_knapsack(items, columns) <= covering_knapsack(items, columns)
