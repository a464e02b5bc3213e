"""Changing one alternative at a time makes nothing worse, and finds what one change gives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shoal_solvers import (
    AllocationProblem,
    Alternative,
    Budgets,
    InvalidAllocationError,
    Kind,
    Operation,
    Variable,
    check,
    measure,
    solve,
)
from shoal_solvers.exact.starting import rank
from shoal_solvers.heuristics import as_early_as_possible
from shoal_solvers.local_search import improved
from shoal_solvers.objectives import LEXICOGRAPHIC
from tests.solvers.problems import budgets, problems


@settings(max_examples=60, deadline=None)
@given(problems(most_operations=8), st.just(Budgets()) | budgets())
def test_it_is_valid_and_never_worse(problem: AllocationProblem, limits: Budgets) -> None:
    limited = problem.with_budgets(limits)
    start = solve(problem, "critical-path").allocation
    try:
        before = check(limited, start)
    except InvalidAllocationError:
        return
    better = improved(limited, start, lambda a: rank(limited, LEXICOGRAPHIC, a))
    assert check(limited, better).as_tuple() <= before.as_tuple()


def test_it_takes_the_alternative_that_is_as_shallow_and_narrower() -> None:
    problem = AllocationProblem(
        variables=(
            Variable("x", 2, is_input=True, is_output=True),
            Variable("wide", 9),
            Variable("slim", 1),
            Variable("y", 1, is_output=True),
        ),
        operations=(
            Operation("widen", Kind.ATTENTION, ("wide",), (Alternative(("x",), 1),)),
            Operation("slim down", Kind.ATTENTION, ("slim",), (Alternative(("x",), 1),)),
            Operation(
                "decide",
                Kind.MLP,
                ("y",),
                (Alternative(("wide",), 1), Alternative(("slim",), 1)),
            ),
        ),
    )
    start = as_early_as_possible(problem, {"widen": 0, "slim down": 0, "decide": 0}, {})
    assert measure(problem, start).width == 12
    better = improved(problem, start, lambda a: rank(problem, LEXICOGRAPHIC, a))
    assert measure(problem, better).width == 4
    assert better.placements["decide"].alternative == 1
