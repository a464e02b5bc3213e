"""HiGHS, by OR-Tools' MathOpt: the same rows as a mixed-integer program, and their relaxation."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt
from ortools.util.python import solve_interrupter

from shoal_solvers.engines.effort import Answer, Effort
from shoal_solvers.engines.interruptible import run_interruptibly
from shoal_solvers.formulation.linear_model import NO_LIMIT, IntArray, LinearModel

FloatArray = npt.NDArray[np.float64]

_SECONDS_PER_ENTRY = 2e-9
"""Deterministic seconds that a simplex iteration counts for each row and column of a model. On a
current machine that is about its time."""

_HIGHS_FAILED = "HighsStatus: kError"
"""What errors say if HiGHS gives up on a model, as it does now and then. (OR-Tools 9.15 stumbles
over its own report of that, so the text may be that of the error before.)"""

_TOLERANCE = 1e-6
"""How far values of HiGHS may be from whole numbers."""


@dataclass(frozen=True)
class Relaxed:
    """An optimum of a model whose columns need not be whole.

    Attributes:
        values: of the columns.
        duals: of the rows; at most 0 for those without a lower limit.
        reduced_costs: of the columns.
        value: of the objective.
        work: deterministic seconds spent.
    """

    values: FloatArray
    duals: FloatArray
    reduced_costs: FloatArray
    value: float
    work: float


def relax(model: LinearModel, effort: Effort) -> Relaxed | None:
    """Solve the linear relaxation by the simplex method; None if the effort does not do.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    per_iteration = _SECONDS_PER_ENTRY * (model.num_rows + model.num_columns)
    iterations = int(min(2**31 - 1, max(1.0, effort.time_limit / per_iteration)))
    parameters = _parameters(effort)
    parameters.lp_algorithm = mathopt.LPAlgorithm.DUAL_SIMPLEX
    parameters.highs.int_options["simplex_iteration_limit"] = iterations
    result, interrupted = _solve_interruptibly(_target(model, integers=False), parameters)
    if interrupted:
        raise KeyboardInterrupt
    if result is None or result.termination.reason is not mathopt.TerminationReason.OPTIMAL:
        return None
    solution = result.solutions[0]
    assert solution.primal_solution is not None
    assert solution.dual_solution is not None
    return Relaxed(
        values=_array(solution.primal_solution.variable_values, model.num_columns),
        duals=_array(solution.dual_solution.dual_values, model.num_rows),
        reduced_costs=_array(solution.dual_solution.reduced_costs, model.num_columns),
        value=solution.primal_solution.objective_value,
        work=per_iteration * result.solve_stats.simplex_iterations,
    )


def minimize(
    model: LinearModel,
    effort: Effort,
    start: IntArray | None = None,
    parameters: Mapping[str, object] | None = None,
    log: Callable[[str], None] | None = None,
) -> Answer:
    """Search by branch and bound.

    HiGHS counts no deterministic time: the effort's ``time_limit`` is taken for seconds on the
    clock here, so what is found in time depends on the machine.

    Args:
        model: rows, objective, limits.
        effort: how long.
        start: values of the columns to begin with.
        parameters: options of HiGHS by name, which are set last.
        log: takes the log of HiGHS, line by line.
    """
    own = _parameters(effort)
    own.relative_gap_tolerance = 0.0
    own.absolute_gap_tolerance = 0.999  # objectives are whole
    own.time_limit = timedelta(
        seconds=max(1e-3, min(effort.time_limit, effort.wall_clock_limit or math.inf))
    )
    for name, value in (parameters or {}).items():
        _set_option(own, name, value)
    target = _target(model, integers=True)
    began = time.perf_counter()
    result, interrupted = _solve_interruptibly(target, own, start, log)
    if result is None:
        work = time.perf_counter() - began
        return Answer(values=None, bound=0, interrupted=interrupted, work=work)
    reason = result.termination.reason
    infeasible = reason is mathopt.TerminationReason.INFEASIBLE
    values = None
    if result.solutions and result.solutions[0].primal_solution is not None:
        primal = result.solutions[0].primal_solution.variable_values
        values = np.rint(_array(primal, model.num_columns)).astype(np.int64)
    bound = result.termination.objective_bounds.dual_bound
    return Answer(
        values=values,
        bound=max(0, math.ceil(bound - _TOLERANCE)) if math.isfinite(bound) else 0,
        infeasible=infeasible,
        interrupted=interrupted,
        work=result.solve_stats.solve_time.total_seconds(),
    )


def _parameters(effort: Effort) -> mathopt.SolveParameters:
    parameters = mathopt.SolveParameters(random_seed=0)
    if effort.wall_clock_limit is not None:
        parameters.time_limit = timedelta(seconds=max(effort.wall_clock_limit, 1e-3))
    return parameters


def _set_option(parameters: mathopt.SolveParameters, name: str, value: object) -> None:
    options = parameters.highs
    if isinstance(value, bool):
        options.bool_options[name] = value
    elif isinstance(value, int):
        options.int_options[name] = value
    elif isinstance(value, float):
        options.double_options[name] = value
    else:
        options.string_options[name] = str(value)


def _array(values: Mapping[object, float], size: int) -> FloatArray:
    """Values by variable or row, which MathOpt gives in the order of their numbers."""
    return np.fromiter(values.values(), np.float64, size)


def _target(model: LinearModel, integers: bool) -> mathopt.Model:
    proto = model_pb2.ModelProto()
    proto.variables.ids.extend(range(model.num_columns))
    proto.variables.lower_bounds.extend(model.column_lower.astype(float).tolist())
    proto.variables.upper_bounds.extend(model.column_upper.astype(float).tolist())
    proto.variables.integers.extend([integers] * model.num_columns)
    proto.linear_constraints.ids.extend(range(model.num_rows))
    lower = np.where(model.lower == NO_LIMIT, -np.inf, model.lower.astype(float))
    proto.linear_constraints.lower_bounds.extend(lower.tolist())
    proto.linear_constraints.upper_bounds.extend(model.upper.astype(float).tolist())
    matrix = proto.linear_constraint_matrix
    matrix.row_ids.extend(model.row.tolist())
    matrix.column_ids.extend(model.column.tolist())
    matrix.coefficients.extend(model.coefficient.astype(float).tolist())
    for column, weight in sorted(model.objective.items()):
        proto.objective.linear_coefficients.ids.append(column)
        proto.objective.linear_coefficients.values.append(float(weight))
    return mathopt.Model.from_model_proto(proto)


def _solve_interruptibly(
    target: mathopt.Model,
    parameters: mathopt.SolveParameters,
    start: IntArray | None = None,
    log: Callable[[str], None] | None = None,
) -> tuple[mathopt.SolveResult | None, bool]:
    """Solve; no result where HiGHS failed. And whether Ctrl-C ended it."""
    hints = mathopt.ModelSolveParameters()
    if start is not None:
        values = dict(zip(target.variables(), start.astype(float).tolist(), strict=True))
        hints.solution_hints.append(mathopt.SolutionHint(variable_values=values))
    interrupter = solve_interrupter.SolveInterrupter()

    def call() -> mathopt.SolveResult | None:
        try:
            return mathopt.solve(
                target,
                mathopt.SolverType.HIGHS,
                params=parameters,
                model_params=hints,
                msg_cb=None if log is None else lambda lines: [log(line) for line in lines],
                interrupter=interrupter,
            )
        except Exception as error:
            if _HIGHS_FAILED not in f"{error} {error.__context__}":
                raise
            return None

    return run_interruptibly(call, interrupter.interrupt)
