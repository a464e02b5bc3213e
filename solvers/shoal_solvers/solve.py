"""One door to all solvers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from shoal_solvers.allocation import Allocation
from shoal_solvers.bounds import layers_bound
from shoal_solvers.checker import check
from shoal_solvers.cp_sat.effort import Effort
from shoal_solvers.cp_sat.lexicographic import LexicographicSearch, NothingFoundError
from shoal_solvers.errors import InfeasibleError, InvalidProblemError
from shoal_solvers.heuristics import critical_path, longest_path
from shoal_solvers.objectives import LAYERS, LEXICOGRAPHIC
from shoal_solvers.problem import AllocationProblem, is_whole, shown
from shoal_solvers.result import ObjectiveResult, Result, Status

HEURISTICS: Mapping[str, Callable[[AllocationProblem], Allocation]] = MappingProxyType(
    {"longest-path": longest_path, "critical-path": critical_path}
)
SOLVERS = (*HEURISTICS, "cp-sat")

MOST_SECONDS = 1e9
"""The largest limit on time, some thirty years."""

MOST_WORKERS = 1_000
"""Threads of the exact solver."""

TIME_LIMIT = 30.0
"""Deterministic seconds for all objectives together, unless the caller says otherwise."""


def solve(
    problem: AllocationProblem,
    solver: str = "cp-sat",
    *,
    time_limit: float | None = None,
    wall_clock_limit: float | None = None,
    workers: int = 1,
    progress: Callable[[ObjectiveResult], None] | None = None,
) -> Result:
    """Allocate, check, and report what is proven.

    The same problem and arguments give the same result on every machine, unless a wall-clock
    limit or Ctrl-C ends the search. Ctrl-C returns the best allocation so far, with
    ``Result.interrupted`` set. The heuristics ignore limits and workers.

    Args:
        problem: what to allocate.
        solver: one of ``SOLVERS``.
        time_limit: CP-SAT's deterministic seconds for the search, about a second each; they count
            work instead of time, so results do not depend on the machine. None takes
            ``TIME_LIMIT``, or as many as ``wall_clock_limit`` if that is more. To explain
            infeasible budgets as much again may be used.
        wall_clock_limit: wall-clock seconds for the search; None for no such limit.
        workers: threads of ``cp-sat``.
        progress: called after each objective of ``cp-sat`` with what is known about it.

    Raises:
        InvalidProblemError: the solver is unknown, or a limit makes no sense.
        InfeasibleError: ``cp-sat`` found no allocation within the budgets; the message says
            which budget is in the way, what would do, and what is proven.
        InvalidAllocationError: a heuristic's allocation breaks a budget.
    """
    _validate_options(solver, time_limit, wall_clock_limit, workers)
    if solver in HEURISTICS:
        return _solve_heuristically(problem, solver)
    start = time.perf_counter()
    if time_limit is None:
        time_limit = max(TIME_LIMIT, wall_clock_limit or 0.0)
    effort = Effort(wall_clock_limit, time_limit, workers)
    search = LexicographicSearch(problem, effort, progress)
    try:
        allocation = search.run()
    except NothingFoundError as error:
        from shoal_solvers.infeasible import explain  # with CP-SAT, which takes long to import

        raise InfeasibleError(explain(problem, error.answer, effort)) from None
    return Result(
        solver=solver,
        allocation=allocation,
        costs=check(problem, allocation),
        objectives=tuple(search.objectives),
        seconds=time.perf_counter() - start,
        interrupted=search.interrupted,
    )


def lower_bound_on_layers(problem: AllocationProblem) -> int:
    """No allocation has fewer layers: the outputs are not ready earlier (critical path)."""
    return layers_bound(problem)


def _solve_heuristically(problem: AllocationProblem, solver: str) -> Result:
    start = time.perf_counter()
    allocation = HEURISTICS[solver](problem)
    costs = check(problem, allocation)
    seconds = time.perf_counter() - start
    objectives = []
    for objective in LEXICOGRAPHIC:
        value = objective.measure(costs)
        bound = layers_bound(problem) if objective is LAYERS else 0
        status = Status.OPTIMAL if value == bound else Status.HEURISTIC
        objectives.append(ObjectiveResult(objective.name, value, bound, status, seconds))
    return Result(solver, allocation, costs, tuple(objectives), seconds)


def _validate_options(
    solver: str, time_limit: object, wall_clock_limit: object, workers: object
) -> None:
    if solver not in SOLVERS:
        raise InvalidProblemError(f"unknown solver {solver!r}; known: {', '.join(SOLVERS)}")
    if wall_clock_limit is not None and not _is_positive(wall_clock_limit):
        raise InvalidProblemError(
            f"wall_clock_limit is {shown(wall_clock_limit)}; give a number of seconds above 0, "
            "or None for no wall-clock limit"
        )
    if time_limit is not None and not _is_positive(time_limit):
        raise InvalidProblemError(
            f"time_limit is {shown(time_limit)}; give a finite number of "
            "deterministic seconds above 0"
        )
    if not is_whole(workers) or not 1 <= workers <= MOST_WORKERS:
        raise InvalidProblemError(
            f"workers is {shown(workers)}; give a number of threads, from 1 to {MOST_WORKERS:,}"
        )


def _is_positive(number: object) -> bool:
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    return is_number and 0 < number <= MOST_SECONDS  # type: ignore[operator]
