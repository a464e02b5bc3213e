"""One run of CP-SAT: parameters, limits, and an end by Ctrl-C that keeps what was found."""

from __future__ import annotations

import math
import threading

from ortools.sat.python import cp_model

from shoal_solvers.cp_sat.effort import Answer, Effort
from shoal_solvers.cp_sat.model import AllocationModel

LARGE_MODEL = 600
"""Booleans from which on a portfolio of searches beats a single one."""

PORTFOLIO = ("max_lp", "quick_restart_no_lp")
"""One search that proves bounds by the linear relaxation, one that finds allocations by learning;
large neighbourhood searches join them. Interleaved in a fixed order they are deterministic."""


def run(model: AllocationModel, effort: Effort) -> Answer:
    """Solve the model as it stands; the same model and effort give the same answer.

    (Unless a wall-clock limit or Ctrl-C ends the search.)
    """
    solver = cp_model.CpSolver()
    set_parameters(solver, model, effort)
    status, interrupted = solve_interruptibly(solver, model.model)
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    has_objective = model.model.has_objective()
    bound = solver.best_objective_bound if has_objective and status != cp_model.INFEASIBLE else 0.0
    return Answer(
        allocation=model.extract(solver.value) if found else None,
        bound=max(0, math.ceil(bound - 1e-6)),
        infeasible=status == cp_model.INFEASIBLE,
        interrupted=interrupted,
        work=solver.response_proto.deterministic_time,
    )


def set_parameters(solver: cp_model.CpSolver, model: AllocationModel, effort: Effort) -> None:
    """Limits and strategy. Everything here is deterministic but ``wall_clock_limit``."""
    parameters = solver.parameters
    parameters.random_seed = 0
    parameters.max_deterministic_time = max(effort.time_limit, 1e-3)
    if effort.wall_clock_limit is not None:
        parameters.max_time_in_seconds = max(effort.wall_clock_limit, 1e-3)
    parameters.catch_sigint_signal = False
    parameters.linearization_level = 2
    if model.num_booleans < LARGE_MODEL:
        parameters.num_workers = 1
    else:
        parameters.num_workers = effort.workers
        parameters.interleave_search = True
        parameters.subsolvers.extend(PORTFOLIO)


def solve_interruptibly(
    solver: cp_model.CpSolver, model: cp_model.CpModel
) -> tuple[cp_model.CpSolverStatus, bool]:
    """Solve in a thread, so that Ctrl-C reaches this one at once; whether it did.

    (CP-SAT can catch the signal itself, but then the caller does not learn of it. A thread whose
    ``join`` is interrupted is taken for finished by Python 3.11, so an event says when it is.)
    """
    answers: list[cp_model.CpSolverStatus | BaseException] = []
    done = threading.Event()

    def work() -> None:
        try:
            answers.append(solver.solve(model))
        except BaseException as error:  # noqa: BLE001 - it is raised again by whoever waits
            answers.append(error)
        finally:
            done.set()

    threading.Thread(target=work, daemon=True).start()
    interrupted = False
    try:
        done.wait()
    except KeyboardInterrupt:
        interrupted = True
        while not done.wait(0.05):  # a stop before the search has begun is lost, so repeat it
            solver.stop_search()
    answer = answers[0]
    if isinstance(answer, BaseException):
        raise answer
    return answer, interrupted
