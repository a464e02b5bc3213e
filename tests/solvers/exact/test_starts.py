"""Allocations to begin with, and who listens to a search."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.random_instances import InstanceShape, random_instance
from shoal_solvers import (
    Budgets,
    InvalidAllocationError,
    Placement,
    check,
    solve,
)
from tests.solvers.problems import chain


def test_a_start_is_never_lost() -> None:
    problem = random_instance(InstanceShape(100), 3)
    best = solve(problem, objectives=("layers", "width")).allocation
    again = solve(problem, objectives=("layers", "width"), starts=[best], time_limit=1e-3)
    width = check(problem, best).width
    assert again.costs.width == width < solve(problem, "critical-path").costs.width


def test_a_start_that_breaks_a_rule_is_mended() -> None:
    problem = random_instance(InstanceShape(40), 1)
    good = solve(problem, "critical-path").allocation
    broken = replace(
        good,
        placements={name: Placement(0, p.alternative) for name, p in good.placements.items()},
        erasures={},
        columns={},
    )
    with pytest.raises(InvalidAllocationError):
        check(problem, broken)
    result = solve(problem, starts=[broken])
    assert result.proven
    assert check(problem, result.allocation) == result.costs


def test_a_start_that_cannot_be_mended_is_refused_with_the_rule() -> None:
    wide = solve(chain()).allocation
    problem = chain(Budgets(max_width=1))
    with pytest.raises(
        InvalidAllocationError, match=r"(?s)start 0 cannot be used or mended.*max_width is 1, but"
    ):
        solve(problem, starts=[wide])


@pytest.mark.parametrize("solver", ["cp-sat", "milp"])
def test_searches_write_a_log(solver: str) -> None:
    lines: list[str] = []
    solve(random_instance(InstanceShape(20), 1), solver, log=lines.append)
    assert any({"cp-sat": "CpSolverResponse", "milp": "HiGHS"}[solver] in line for line in lines)


def test_solutions_are_told_as_they_are_found() -> None:
    told: list[tuple[str, int, int]] = []
    problem = random_instance(InstanceShape(60), 1)
    result = solve(
        problem,
        objectives=("layers", "width"),
        on_solution=lambda words, value, bound: told.append((words, value, bound)),
    )
    widths = [value for words, value, _ in told if words == "width"]
    assert widths
    assert min(widths) == result.costs.width
    assert all(bound <= value for _, value, bound in told)


def test_ctrl_c_of_a_listener_ends_the_search_with_the_best_so_far() -> None:
    def stop(words: str, value: int, bound: int) -> None:
        raise KeyboardInterrupt

    problem = random_instance(InstanceShape(60), 1)
    result = solve(problem, on_solution=stop)
    assert result.interrupted
    assert check(problem, result.allocation) == result.costs


def test_parameters_are_passed_on() -> None:
    lines: list[str] = []
    problem = random_instance(InstanceShape(20), 1)
    solve(problem, log=lines.append, parameters={"random_seed": 4711})
    assert any("4711" in line for line in lines)
