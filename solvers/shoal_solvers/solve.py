"""One door to all solvers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from shoal_solvers.allocation import Allocation
from shoal_solvers.bounds import layers_bound
from shoal_solvers.checker import check
from shoal_solvers.engines.effort import Effort
from shoal_solvers.errors import InfeasibleError
from shoal_solvers.exact.fewest_layers import NothingFoundError
from shoal_solvers.exact.infeasible import explain
from shoal_solvers.exact.lexicographic import LexicographicSearch
from shoal_solvers.exact.searching import Engine
from shoal_solvers.identity import problem_identity
from shoal_solvers.objectives import LAYERS, OBJECTIVES, Objective
from shoal_solvers.options import (
    HEURISTICS,
    Wish,
    chosen_objectives,
    require_limits,
    usable_starts,
)
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.result import ObjectiveResult, Result, Status

TIME_LIMIT = 30.0
"""Deterministic seconds for all objectives together, unless the caller says otherwise."""


def solve(
    problem: AllocationProblem,
    solver: str = "cp-sat",
    *,
    objectives: Sequence[Wish] = OBJECTIVES,
    starts: Sequence[Allocation] = (),
    time_limit: float | None = None,
    wall_clock_limit: float | None = None,
    workers: int = 1,
    progress: Callable[[ObjectiveResult], None] | None = None,
    on_solution: Callable[[str, int, int], None] | None = None,
    log: Callable[[str], None] | None = None,
    parameters: Mapping[str, object] | None = None,
) -> Result:
    """Allocate, check, and report what is proven.

    The same problem and arguments give the same result on every machine, unless a wall-clock
    limit or Ctrl-C ends the search. Ctrl-C returns the best allocation so far, with
    ``Result.interrupted`` set. The heuristics ignore limits and workers.

    Args:
        problem: what to allocate.
        solver: one of ``KNOWN_SOLVERS``. "milp" is HiGHS on the same rows; it has no deterministic
            clock, so its ``time_limit`` counts seconds.
        objectives: what to minimise, one after the other; names of ``OBJECTIVES``, or weighted
            sums of some as in ``{"width": 2, "neurons": 1}`` (not of layers).
        starts: allocations that the exact solvers may begin with. The result is never worse.
        time_limit: CP-SAT's deterministic seconds for the search, about a second each; they count
            work instead of time, so results do not depend on the machine. None takes
            ``TIME_LIMIT``, or as many as ``wall_clock_limit`` if that is more. To explain
            infeasible budgets as much again may be used.
        wall_clock_limit: wall-clock seconds for the search; None for no such limit.
        workers: threads of ``cp-sat``.
        progress: called after each objective of an exact solver with what is known about it. A
            KeyboardInterrupt that it raises ends the search like Ctrl-C.
        on_solution: called whenever a search of ``cp-sat`` finds something better, with what is
            minimised, its value, and its bound.
        log: takes the log of the searches, line by line.
        parameters: fields of CP-SAT's ``SatParameters``, or options of HiGHS, set last.

    Raises:
        InvalidProblemError: the solver or an objective is unknown, or a limit makes no sense.
        InfeasibleError: an exact solver found no allocation within the budgets; the message says
            which budget is in the way, what would do, and what is proven.
        InvalidAllocationError: a heuristic's allocation breaks a budget, or a start breaks a rule
            and cannot be mended.
    """
    require_limits(solver, time_limit, wall_clock_limit, workers)
    order = chosen_objectives(objectives)
    if solver in HEURISTICS:
        return _solve_heuristically(problem, solver, order)
    start = time.perf_counter()
    if time_limit is None:
        time_limit = max(TIME_LIMIT, wall_clock_limit or 0.0)
    effort = Effort(wall_clock_limit, time_limit, workers)
    engine = Engine(solver, parameters or {}, on_solution, log)
    begin = usable_starts(problem, starts)
    search = LexicographicSearch(problem, effort, order, engine, begin, progress)
    try:
        allocation = search.run()
    except NothingFoundError as error:
        raise InfeasibleError(
            explain(problem, error.answer, error.bounds, effort, engine)
        ) from None
    return Result(
        solver=solver,
        allocation=allocation,
        costs=check(problem, allocation),
        objectives=tuple(search.objectives),
        seconds=time.perf_counter() - start,
        interrupted=search.interrupted,
        problem=problem_identity(problem),
        certificate=search.certificate,
    )


def lower_bound_on_layers(problem: AllocationProblem) -> int:
    """No allocation has fewer layers: the outputs are not ready earlier (critical path)."""
    return layers_bound(problem)


def _solve_heuristically(
    problem: AllocationProblem, solver: str, order: Sequence[Objective]
) -> Result:
    start = time.perf_counter()
    allocation = HEURISTICS[solver](problem)
    costs = check(problem, allocation)
    seconds = time.perf_counter() - start
    results = []
    for objective in order:
        value = objective.measure(costs)
        bound = layers_bound(problem) if objective is LAYERS else 0
        status = Status.OPTIMAL if value == bound else Status.HEURISTIC
        results.append(ObjectiveResult(objective.name, value, bound, status, seconds))
    identity = problem_identity(problem)
    return Result(solver, allocation, costs, tuple(results), seconds, problem=identity)
