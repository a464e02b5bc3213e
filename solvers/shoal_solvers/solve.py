"""One door to all solvers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from shoal_solvers.allocation import OBJECTIVES, Allocation
from shoal_solvers.checker import check
from shoal_solvers.errors import InvalidProblemError
from shoal_solvers.heuristics import critical_path, earliest_half_layers, longest_path
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.result import ObjectiveResult, Result, Status

HEURISTICS: Mapping[str, Callable[[AllocationProblem], Allocation]] = MappingProxyType(
    {"longest-path": longest_path, "critical-path": critical_path}
)
SOLVERS = (*HEURISTICS,)


def solve(problem: AllocationProblem, solver: str = "critical-path") -> Result:
    """Allocate, check, and report what is proven.

    Args:
        problem: what to allocate.
        solver: one of ``SOLVERS``.

    Raises:
        InvalidProblemError: the solver is unknown.
        InvalidAllocationError: the solver's allocation breaks a rule or a budget.
    """
    if solver not in SOLVERS:
        raise InvalidProblemError(f"unknown solver {solver!r}; known: {', '.join(SOLVERS)}")
    start = time.perf_counter()
    allocation = HEURISTICS[solver](problem)
    costs = check(problem, allocation)
    seconds = time.perf_counter() - start
    bounds = {"layers": lower_bound_on_layers(problem)}
    objectives = []
    for name, value in zip(OBJECTIVES, costs.as_tuple(), strict=True):
        bound = bounds.get(name, 0)
        status = Status.OPTIMAL if value == bound else Status.HEURISTIC
        objectives.append(ObjectiveResult(name, value, bound, status, seconds))
    return Result(solver, allocation, costs, tuple(objectives), seconds)


def lower_bound_on_layers(problem: AllocationProblem) -> int:
    """No allocation has fewer layers: the outputs are not ready earlier (critical path)."""
    earliest, _ = earliest_half_layers(problem)
    return max(
        (
            earliest[problem.producer[v.name].name] // 2 + 1
            for v in problem.variables
            if v.is_output and v.name in problem.producer
        ),
        default=0,
    )
