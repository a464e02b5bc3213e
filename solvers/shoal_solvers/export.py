"""The rows of a problem as LP and MPS files, for any solver of mixed-integer programs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shoal_solvers.bounds import layers_bound
from shoal_solvers.errors import InvalidProblemError
from shoal_solvers.formulation.formulate import Formulation, formulate
from shoal_solvers.formulation.linear_model import FALSE, NO_LIMIT, TRUE
from shoal_solvers.objectives import LAYERS, LEXICOGRAPHIC, Objective
from shoal_solvers.problem import AllocationProblem, is_whole, shown
from shoal_solvers.windows import compute_windows

FORMATS = ("lp", "mps")
"""What a model can be written as."""


def export_model(
    problem: AllocationProblem,
    file_format: str = "lp",
    *,
    objective: str = "width",
    num_layers: int | None = None,
) -> str:
    """The problem in so many layers as text that solvers of mixed-integer programs read.

    Every column says what it stands for: ``done.move.0.2`` is whether the operation ``move`` has
    run by alternative 0 by the end of layer 2, ``gone.x.1`` whether ``x`` is erased by the end of
    layer 1.

    Args:
        problem: what to allocate; budgets of width, neurons and heads are limits of columns.
        file_format: one of ``FORMATS``.
        objective: the one that is minimised; not layers, which are fixed.
        num_layers: layers; None for the fewest that precedence allows.

    Raises:
        InvalidProblemError: an argument makes no sense, or so few layers do not do.
    """
    known = {o.name: o for o in LEXICOGRAPHIC if o is not LAYERS}
    if file_format not in FORMATS:
        raise InvalidProblemError(
            f"there is no file format {shown(file_format)}; known: {', '.join(FORMATS)}"
        )
    if objective not in known:
        raise InvalidProblemError(
            f"objective is {shown(objective)}; a model of some layers minimises one of "
            f"{', '.join(known)}"
        )
    fewest = layers_bound(problem)
    if num_layers is None:
        num_layers = fewest
    most = LAYERS.most(problem)
    if not is_whole(num_layers) or not fewest <= num_layers <= most:
        raise InvalidProblemError(
            f"num_layers is {shown(num_layers)}; the problem needs {fewest} layers, and more than "
            f"{most} are of no use"
        )
    windows = compute_windows(problem, num_layers)
    formulation = formulate(problem, windows, [known[objective]])
    return _written(formulation, known[objective], file_format)


def _written(formulation: Formulation, objective: Objective, file_format: str) -> str:
    from ortools.linear_solver.python import model_builder_helper  # it takes long to import

    model = formulation.model
    target = model_builder_helper.ModelBuilderHelper()
    target.set_name(_safe(formulation.problem.name))
    names = dict(_names(formulation))
    for column in range(model.num_columns):
        number = target.add_var()
        target.set_var_integrality(number, True)
        target.set_var_lower_bound(number, float(model.column_lower[column]))
        target.set_var_upper_bound(number, float(model.column_upper[column]))
        target.set_var_name(number, names[column])
    for row in range(model.num_rows):
        number = target.add_linear_constraint()
        has_lower = model.lower[row] != NO_LIMIT
        target.set_constraint_lower_bound(
            number, float(model.lower[row]) if has_lower else -float("inf")
        )
        target.set_constraint_upper_bound(number, float(model.upper[row]))
        target.set_constraint_name(number, f"row.{row}")
    entries = zip(
        model.row.tolist(), model.column.tolist(), model.coefficient.tolist(), strict=True
    )
    for row, column, coefficient in entries:
        target.add_term_to_constraint(row, column, float(coefficient))
    target.set_var_objective_coefficient(formulation.objectives[objective], 1.0)
    write = target.export_to_lp_string if file_format == "lp" else target.export_to_mps_string
    return str(write())


def _names(formulation: Formulation) -> Iterator[tuple[int, str]]:
    """A name for each column, different ones."""
    taken: dict[int, str] = {FALSE: "never", TRUE: "always"}
    used = set(taken.values())
    for column, name in _meanings(formulation):
        if column not in taken:
            own = _safe(name)
            own = own if own not in used else f"{own}.column{column}"
            taken[column] = own
            used.add(own)
    yield from taken.items()


def _meanings(formulation: Formulation) -> Iterator[tuple[int, str]]:
    b = formulation.booleans
    for (name, a), used in b.used.items():
        yield used, f"used.{name}.{a}"
    for (name, a), columns in b.done.items():
        for layer, column in zip(b.layers.tolist(), columns.tolist(), strict=True):
            yield column, f"done.{name}.{a}.{layer}"
    for (name, number), chosen in b.chosen.items():
        yield chosen, f"chosen.{name}.{number}"
    for name, needed in b.needed.items():
        yield needed, f"needed.{name}"
    for name in b.deciding:
        for layer, column in zip(b.layers.tolist(), b.cleared[name][0].tolist(), strict=True):
            yield column, f"gone.{name}.{layer}"
    for sharing, columns in b.shared.items():
        for layer, column in zip(b.layers.tolist(), columns.tolist(), strict=True):
            yield column, f"shared.{sharing}.{layer}"
    for objective, column in formulation.objectives.items():
        yield column, objective.name


def _safe(name: str) -> str:
    """A name that LP and MPS files can hold."""
    return re.sub(r"[^A-Za-z0-9_.]", "_", name)[:200]
