"""What must be erased, against all choices of erasures."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from shoal_solvers.forced_erasures import Step, covering_knapsack, relaxed_knapsack

items = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), max_size=4)
steps = st.lists(st.tuples(items, st.integers(-2, 20)), max_size=3)


@given(steps)
def test_the_covering_knapsack_is_the_best_of_all_choices(drawn: list[Step]) -> None:
    every = [(item, number) for number, (items, _) in enumerate(drawn) for item in items]
    needs = []
    for number, (_, columns) in enumerate(drawn):
        there = sum(width for (width, _), step in every if step <= number)
        needs.append(min(columns, there))
    costs = [
        sum(cost for ((_, cost), _), taken in zip(every, choice, strict=True) if taken)
        for choice in product((False, True), repeat=len(every))
        if all(
            sum(w for ((w, _), step), t in zip(every, choice, strict=True) if t and step <= number)
            >= need
            for number, need in enumerate(needs)
        )
    ]
    assert covering_knapsack(drawn) == min(costs)


@given(steps)
def test_its_relaxation_is_no_more(drawn: list[Step]) -> None:
    assert relaxed_knapsack(drawn) <= covering_knapsack(drawn)
