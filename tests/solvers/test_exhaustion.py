"""Trying everything finds the fewest layers that CP-SAT proves, within limits on each layer."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shoal_solvers import AllocationProblem, Budgets, InfeasibleError, solve
from shoal_solvers.exhaustion import Exhausted, exhaust
from tests.solvers.problems import chain, fan, problems

LIMITS = st.none() | st.integers(1, 4)
MOST_LAYERS = 5


@settings(max_examples=150, deadline=None)
@given(problems(), LIMITS, LIMITS)
def test_it_finds_what_cp_sat_proves(
    problem: AllocationProblem, heads: int | None, neurons: int | None
) -> None:
    limited = problem.with_budgets(
        Budgets(max_layers=MOST_LAYERS, max_heads=heads, max_neurons=neurons)
    )
    found = exhaust(limited, MOST_LAYERS)
    assert found.is_complete
    try:
        wanted = solve(limited, objectives=["layers"]).costs.layers
    except InfeasibleError:
        wanted = None
    assert found.layers == wanted


FEW = Budgets(max_neurons=6)
"""Under which the second layer of a chain is needed."""


def test_it_says_how_much_it_tried() -> None:
    assert exhaust(chain(), 9).layers == 1
    assert exhaust(chain(FEW), 1) == Exhausted(None, exhaust(chain(FEW), 9).steps, True)
    assert exhaust(chain(FEW), 9).layers == 2
    assert exhaust(chain(FEW), 9).steps > 0


def test_heads_that_are_shared_are_counted_once() -> None:
    few = Budgets(max_heads=2)
    assert exhaust(fan(few), 9).layers == 1
    assert exhaust(fan(few, sharing=None), 9).layers == 3


def test_it_ends_when_it_has_tried_enough() -> None:
    assert exhaust(chain(FEW), 9, most_steps=1) == Exhausted(None, 1, False)


def test_a_budget_of_layers_is_kept() -> None:
    for most, layers in ((1, None), (2, 2)):
        limited = chain(Budgets(max_layers=most, max_neurons=6))
        assert exhaust(limited, 9).layers == layers
