"""Structural bounds never exceed the optimum."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from shoal_solvers import AllocationProblem, Alternative
from shoal_solvers.bounds import heads_bound, layers_bound, total_bound
from shoal_solvers.objectives import LEXICOGRAPHIC
from shoal_solvers.windows import compute_windows
from tests.solvers.brute_force import choices, optimum, schedules
from tests.solvers.problems import fan, problems


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(problems())
def test_bounds_hold(problem: AllocationProblem) -> None:
    best = optimum(problem, most_layers=5)
    assert best is not None
    assert layers_bound(problem) == best[0]
    windows = compute_windows(problem, best[0])
    for objective, value in zip(LEXICOGRAPHIC, best, strict=True):
        assert objective.bound(problem, windows, None) <= value
        assert objective.bound(problem, windows, best[1]) <= value


@settings(max_examples=60, deadline=None)
@given(problems(most_operations=4))
def test_windows_lose_no_schedule(problem: AllocationProblem) -> None:
    for num_layers in (layers_bound(problem), layers_bound(problem) + 1):
        windows = compute_windows(problem, num_layers)
        assert windows.feasible
        for choice, _ in choices(problem):
            for times in schedules(problem, choice, num_layers):
                assert windows.required <= set(times)
                for name, half_layer in times.items():
                    earliest = windows.earliest[name, choice[name]]
                    assert earliest <= half_layer // 2 <= windows.latest[name]


def test_shared_heads_count_once_unless_they_cannot_meet() -> None:
    problem = fan()
    assert heads_bound(problem, compute_windows(problem, 1)) == 2
    assert total_bound(problem, compute_windows(problem, 1)) == 3
    first, second, third, last = problem.operations
    later = replace(third, alternatives=(Alternative(("b",), 2),))
    problem = replace(problem, operations=(first, second, later, last))
    assert total_bound(problem, compute_windows(problem, 2)) == 5
