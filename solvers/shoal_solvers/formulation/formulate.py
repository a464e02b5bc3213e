"""From a problem to linear rows over booleans, and back to an allocation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shoal_solvers.allocation import (
    Allocation,
    Placement,
    lifetimes,
    measure,
    present_variables,
)
from shoal_solvers.columns import assign_columns
from shoal_solvers.formulation.booleans import Booleans, make_booleans
from shoal_solvers.formulation.constraints import add_constraints
from shoal_solvers.formulation.linear_model import FALSE, TRUE, IntArray, LinearModel, Rows
from shoal_solvers.formulation.objectives import ADD, add_width
from shoal_solvers.heuristics import erase_dead
from shoal_solvers.objectives import LAYERS, LEXICOGRAPHIC, WIDTH, Objective
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.timeline import ALTERNATING, Kind
from shoal_solvers.windows import Windows

_USUAL = 2**24
"""Upper end of the domains of objectives, unless a problem may exceed it."""


@dataclass(frozen=True)
class Formulation:
    """A problem in a fixed number of layers, as a linear model.

    Attributes:
        booleans: what the model's columns stand for.
        model: the rows.
        objectives: the column of each objective that the model can count.
        states: the row that counts the columns of the state before each layer's MLP, and of the
            last state under the number of layers, where they are counted and the row can bind.
        erase_at_once: whether what is erased is gone as soon as it can be.
    """

    booleans: Booleans
    model: LinearModel
    objectives: Mapping[Objective, int]
    states: Mapping[int, int]
    erase_at_once: bool

    @property
    def problem(self) -> AllocationProblem:
        """What is allocated."""
        return self.booleans.problem

    def values(self, allocation: Allocation) -> IntArray:
        """The columns' values for an allocation in as many layers, shape (columns,)."""
        return _values(self, allocation)

    def allocation(self, values: IntArray) -> Allocation:
        """The allocation that columns' values of a complete model describe."""
        return _allocation(self, values)


def formulate(
    problem: AllocationProblem,
    windows: Windows,
    objectives: Sequence[Objective],
    *,
    erase_at_once: bool = False,
    states: Sequence[int] | None = None,
) -> Formulation:
    """The linear model of a problem in ``windows.num_layers`` layers, within its budgets.

    Args:
        problem: what to allocate.
        windows: of the same problem, feasible.
        objectives: those that are going to be minimised or limited; layers are fixed and do not
            count. Those with a budget are added.
        erase_at_once: leave it to the rows what is erased when; for models that count nothing but
            width.
        states: count columns only before the MLPs of these layers, and in the last state; the
            model is then a relaxation. None counts them in all.
    """
    parts = {part for objective in objectives for part in objective.parts}
    wanted = [
        objective
        for objective in LEXICOGRAPHIC
        if objective is not LAYERS
        and (objective in parts or objective.limit(problem.budgets) is not None)
    ]
    wanted += [objective for objective in objectives if objective.weights]
    booleans = make_booleans(problem, windows, erase_at_once=erase_at_once, states=states)
    rows = Rows()
    add_constraints(rows, booleans)
    columns = {objective: booleans.count + k for k, objective in enumerate(wanted)}
    counted: Mapping[int, int] = {}
    for objective, column in columns.items():
        if objective.weights:
            own = np.array([columns[part] for part, _ in objective.weights])
            weights = np.array([weight for _, weight in objective.weights])
            rows.weighted_at_most(own, weights, column)
        elif objective is WIDTH:
            counted = add_width(rows, booleans, column, states)
        else:
            ADD[objective](rows, booleans, column)
    lower = np.zeros(booleans.count + len(wanted), np.int64)
    upper = np.ones(booleans.count + len(wanted), np.int64)
    lower[TRUE], upper[FALSE] = 1, 0
    for objective, column in columns.items():
        limit = objective.limit(problem.budgets)
        upper[column] = max(_USUAL, objective.most(problem)) if limit is None else limit
    model, numbers = rows.model(lower, upper)
    states_kept = {state: int(numbers[row]) for state, row in counted.items() if numbers[row] >= 0}
    return Formulation(booleans, model, columns, states_kept, erase_at_once)


def _values(formulation: Formulation, allocation: Allocation) -> IntArray:
    b = formulation.booleans
    values = np.zeros(formulation.model.num_columns, np.int64)
    placements, erasures = allocation.placements, allocation.erasures
    for (name, a), columns in b.done.items():
        placement = placements.get(name)
        if placement is not None and placement.alternative == a:
            values[b.used[name, a]] = 1
            values[columns] = b.layers >= ALTERNATING.layer(placement.half_layer)
    for (name, number), chosen in b.chosen.items():
        values[chosen] = allocation.outputs[name] == number
    for name, needed in b.needed.items():
        values[needed] = name in allocation.columns
    for name in b.deciding:
        if name in erasures:
            values[b.cleared[name][0]] = b.layers >= ALTERNATING.layer(erasures[name])
    for o in b.problem.operations:
        if o.sharing is not None and o.sharing in b.shared and o.name in placements:
            here = ALTERNATING.layer(placements[o.name].half_layer)
            values[b.shared[o.sharing][b.layers == here]] = 1
    costs = measure(b.problem, allocation)
    for objective, column in formulation.objectives.items():
        values[column] = objective.measure(costs)
    values[FALSE], values[TRUE] = 0, 1
    return values


def _allocation(formulation: Formulation, values: IntArray) -> Allocation:
    b = formulation.booleans
    assert b.is_complete, "a model of some of the layers describes no allocation"
    placements: dict[str, Placement] = {}
    for (name, a), used in b.used.items():
        if values[used]:
            layer = int(np.argmax(values[b.done[name, a]] > 0))
            kind = b.problem.operation[name].kind
            placements[name] = Placement(ALTERNATING.half_layer(layer, kind), a)
    outputs = {name: number for (name, number), chosen in b.chosen.items() if values[chosen]}
    num_layers = b.windows.num_layers
    if formulation.erase_at_once:
        kept = lifetimes(b.problem, num_layers, placements, {}, outputs)
        dead = erase_dead(b.problem, placements, kept, outputs, num_layers)
        erasures = {name: half_layer for name, half_layer in dead.items() if name in b.cleared}
    else:
        present = set(present_variables(b.problem, placements, outputs))
        erasures = {}
        for name in b.cleared:
            gone = values[b.cleared[name][0]] > 0
            if name in present and gone.any():
                erasures[name] = ALTERNATING.half_layer(int(np.argmax(gone)), Kind.MLP)
    lives = lifetimes(b.problem, num_layers, placements, erasures, outputs)
    columns = assign_columns(b.problem, lives)
    return Allocation(num_layers, placements, erasures, columns, outputs)
