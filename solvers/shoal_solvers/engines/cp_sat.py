"""CP-SAT: linear models as clauses and sums, and one run with its limits."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from ortools.sat.python import cp_model

from shoal_solvers.engines.effort import Answer, Effort
from shoal_solvers.engines.interruptible import run_interruptibly
from shoal_solvers.formulation.linear_model import NO_LIMIT, IntArray, LinearModel

LARGE_MODEL = 600
"""Columns from which on a portfolio of searches beats a single one.

Below, presolving and cuts take more time than they save.
"""

PORTFOLIO = ("max_lp", "quick_restart_no_lp")
"""One search that proves bounds by the linear relaxation, one that finds allocations by learning;
large neighbourhood searches join them. Interleaved in a fixed order they are deterministic."""

ROOT_LP_ITERATIONS = 10_000
"""Of the simplex at the root, five times the usual: the bounds of wide models need them."""

FIRST = 0.3
"""Deterministic seconds that one thread searches before several do.

CP-SAT 9.15 aborts the process (``heuristics.fixed_search != nullptr``) where several interleaved
threads load a model that is closed while it is loaded. One thread closes it without harm.
"""

_NO_LOWER = -(2**62)
"""What CP-SAT takes for a row without a lower limit; sums stay far above."""


class CpSat:
    """A linear model in CP-SAT; later searches may change objective, limits and start.

    Args:
        model: the rows.
    """

    def __init__(self, model: LinearModel) -> None:
        self._model = cp_model.CpModel()
        self._limits = model.column_lower, model.column_upper
        variables = self._model.proto.variables
        for least, most in zip(
            model.column_lower.tolist(), model.column_upper.tolist(), strict=True
        ):
            variables.add().domain.extend([least, most])
        _add_rows(self._model, model)

    def minimize(
        self,
        model: LinearModel,
        effort: Effort,
        start: IntArray | None = None,
        parameters: Mapping[str, object] | None = None,
        on_solution: Callable[[int, int], None] | None = None,
        log: Callable[[str], None] | None = None,
    ) -> Answer:
        """Search; the same arguments give the same answer.

        (Unless a wall-clock limit or Ctrl-C ends the search.)

        Args:
            model: the same rows, with the objective and the limits of columns that hold now.
            effort: how long.
            start: values of the columns to begin with.
            parameters: fields of CP-SAT's ``SatParameters`` that are set last.
            on_solution: called with value and bound whenever a better solution is found.
            log: takes CP-SAT's log, line by line.
        """
        began = time.perf_counter()
        first = effort
        if effort.workers > 1 and model.num_columns >= LARGE_MODEL:
            first = replace(effort, workers=1, time_limit=min(FIRST, effort.time_limit))
        more = parameters or {}
        answer, is_closed = self._search(model, first, start, more, on_solution, log)
        if first is effort or is_closed or answer.interrupted:
            return answer
        left = effort.wall_clock_limit
        if left is not None:
            left = max(0.0, left - (time.perf_counter() - began))
        rest = replace(effort, wall_clock_limit=left, time_limit=effort.time_limit - answer.work)
        start = start if answer.values is None else answer.values
        second, _ = self._search(model, rest, start, more, on_solution, log)
        return replace(
            second,
            values=answer.values if second.values is None else second.values,
            bound=max(answer.bound, second.bound),
            work=answer.work + second.work,
        )

    def _search(
        self,
        model: LinearModel,
        effort: Effort,
        start: IntArray | None,
        parameters: Mapping[str, object],
        on_solution: Callable[[int, int], None] | None,
        log: Callable[[str], None] | None,
    ) -> tuple[Answer, bool]:
        """One call of CP-SAT, and whether there is nothing left to search."""
        self._set(model, start)
        solver = cp_model.CpSolver()
        _set_parameters(solver, model, effort)
        for name, value in parameters.items():
            setattr(solver.parameters, name, value)
        if log is not None:
            solver.parameters.log_search_progress = True
            solver.parameters.log_to_stdout = False
            solver.log_callback = log
        status, interrupted = _solve_interruptibly(solver, self._model, on_solution)
        found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
        has_bound = bool(model.objective) and status != cp_model.INFEASIBLE
        bound = solver.best_objective_bound if has_bound else 0.0
        solution = solver.response_proto.solution
        answer = Answer(
            values=np.array(list(solution), np.int64) if found else None,
            bound=max(0, math.ceil(bound - 1e-6)),
            infeasible=status == cp_model.INFEASIBLE,
            interrupted=interrupted,
            work=solver.response_proto.deterministic_time,
        )
        return answer, status in (cp_model.OPTIMAL, cp_model.INFEASIBLE)

    def _set(self, model: LinearModel, start: IntArray | None) -> None:
        proto = self._model.proto
        lower, upper = model.column_lower, model.column_upper
        changed = (lower != self._limits[0]) | (upper != self._limits[1])
        for column in np.flatnonzero(changed).tolist():
            domain = proto.variables[column].domain
            domain[0], domain[1] = int(lower[column]), int(upper[column])
        self._limits = lower, upper
        proto.clear_objective()
        if model.objective:
            proto.objective.vars.extend(list(model.objective))
            proto.objective.coeffs.extend(list(model.objective.values()))
        proto.clear_solution_hint()
        if start is not None:
            proto.solution_hint.vars.extend(range(model.num_columns))
            proto.solution_hint.values.extend(start.tolist())


def _add_rows(target: cp_model.CpModel, model: LinearModel) -> None:
    """Each row as a clause where it is one, and as a sum where it is none."""
    starts = np.searchsorted(model.row, np.arange(model.num_rows + 1)).tolist()
    columns, coefficients = model.column.tolist(), model.coefficient.tolist()
    lower, upper = model.lower.tolist(), model.upper.tolist()
    is_unit = np.ones(model.num_rows, bool)
    boolean = (model.column_lower == 0) & (model.column_upper == 1)
    np.logical_and.at(is_unit, model.row, (np.abs(model.coefficient) == 1) & boolean[model.column])
    positives = np.zeros(model.num_rows, np.int64)
    np.add.at(positives, model.row, model.coefficient == 1)
    is_clause = is_unit & (model.lower == NO_LIMIT) & (model.upper == positives - 1)
    is_one = is_unit & (model.lower == 1) & (model.upper == 1)
    kinds = (is_clause + 2 * (is_one & ~is_clause)).tolist()
    constraints = target.proto.constraints
    for r in range(model.num_rows):
        row = columns[starts[r] : starts[r + 1]]
        weights = coefficients[starts[r] : starts[r + 1]]
        constraint = constraints.add()
        if kinds[r] == 1:  # one of the positive ones is false, or one of the negative ones true
            constraint.bool_or.literals.extend(
                [-c - 1 if w > 0 else c for c, w in zip(row, weights, strict=True)]
            )
        elif kinds[r] == 2 and min(weights) > 0:
            constraint.exactly_one.literals.extend(row)
        else:
            constraint.linear.vars.extend(row)
            constraint.linear.coeffs.extend(weights)
            least = _NO_LOWER if lower[r] == NO_LIMIT else lower[r]
            constraint.linear.domain.extend([least, upper[r]])


def _set_parameters(solver: cp_model.CpSolver, model: LinearModel, effort: Effort) -> None:
    """Limits and strategy. Everything here is deterministic but ``wall_clock_limit``."""
    parameters = solver.parameters
    parameters.random_seed = 0
    parameters.max_deterministic_time = max(effort.time_limit, 1e-3)
    if effort.wall_clock_limit is not None:
        parameters.max_time_in_seconds = max(effort.wall_clock_limit, 1e-3)
    parameters.catch_sigint_signal = False
    parameters.linearization_level = 2
    parameters.root_lp_iterations = ROOT_LP_ITERATIONS
    if model.num_columns < LARGE_MODEL:
        parameters.num_workers = 1
        parameters.cp_model_presolve = False
        parameters.symmetry_level = 0
        parameters.cut_level = 0
    else:
        parameters.num_workers = effort.workers
        parameters.interleave_search = True
        parameters.subsolvers.extend(PORTFOLIO)


class _Incumbents(cp_model.CpSolverSolutionCallback):
    """Tells somebody of every better solution."""

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        super().__init__()
        self._tell = tell
        self.error: BaseException | None = None

    def on_solution_callback(self) -> None:
        """Called by CP-SAT."""
        try:
            self._tell(round(self.objective_value), math.ceil(self.best_objective_bound - 1e-6))
        except BaseException as error:  # noqa: BLE001 - it is raised again when the search ends
            self.error = error
            self.stop_search()


def _solve_interruptibly(
    solver: cp_model.CpSolver,
    model: cp_model.CpModel,
    on_solution: Callable[[int, int], None] | None,
) -> tuple[cp_model.CpSolverStatus, bool]:
    """Solve; whether Ctrl-C ended it, here or in the listener.

    (CP-SAT can catch the signal itself, but then the caller does not learn of it.)
    """
    callback = None if on_solution is None else _Incumbents(on_solution)
    status, interrupted = run_interruptibly(
        lambda: solver.solve(model, callback), solver.stop_search
    )
    if callback is not None and callback.error is not None:
        if not isinstance(callback.error, KeyboardInterrupt):
            raise callback.error
        interrupted = True
    return status, interrupted
