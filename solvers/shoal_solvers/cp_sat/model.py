"""The allocation problem as a CP-SAT model in a fixed number of layers."""

from __future__ import annotations

from collections.abc import Callable

from ortools.sat.python import cp_model

from shoal_solvers.allocation import Allocation, measure
from shoal_solvers.cp_sat import translate
from shoal_solvers.cp_sat.booleans import Booleans
from shoal_solvers.cp_sat.constraints import add_constraints
from shoal_solvers.cp_sat.objectives import ADD
from shoal_solvers.objectives import LAYERS, LEXICOGRAPHIC, Objective
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.windows import Windows

_USUAL = 2**24
"""Upper end of the domains of objectives, unless a problem may exceed it."""


class AllocationModel:
    """A CP-SAT model of one problem, within its budgets.

    Args:
        problem: what to allocate.
        windows: of the same problem, feasible; they fix the number of layers.
    """

    def __init__(self, problem: AllocationProblem, windows: Windows) -> None:
        self.problem = problem
        self.booleans = Booleans(problem, windows)
        self.model = self.booleans.model
        self._objective: dict[Objective, cp_model.IntVar] = {}
        add_constraints(self.booleans)
        for objective in LEXICOGRAPHIC:
            limit = objective.limit(problem.budgets)
            if limit is not None and objective is not LAYERS:
                self.limit(objective, at_most=limit)

    def limit(self, objective: Objective, at_most: int, at_least: int = 0) -> None:
        """Keep an objective between two values."""
        variable = self._variable(objective)
        self.model.add(variable <= at_most)
        self.model.add(variable >= at_least)

    def minimize(self, objective: Objective) -> None:
        """Make the model seek the least value of an objective."""
        self.model.minimize(self._variable(objective))

    def hint(self, allocation: Allocation) -> None:
        """Start the next search from an allocation in as many layers."""
        self.model.clear_hints()  # type: ignore[no-untyped-call]
        translate.hint(self.booleans, allocation)
        costs = measure(self.problem, allocation)
        for objective, variable in self._objective.items():
            self.model.add_hint(variable, objective.measure(costs))

    def extract(self, value: Callable[[cp_model.IntVar], int]) -> Allocation:
        """The allocation that belongs to values of the model's variables."""
        return translate.extract(self.booleans, value)

    @property
    def num_booleans(self) -> int:
        """How large the model is."""
        return len(self.booleans)

    def _variable(self, objective: Objective) -> cp_model.IntVar:
        """The variable that is at least an objective; it is added when it is asked for first."""
        if objective not in self._objective:
            variable = self.model.new_int_var(0, self._most(), objective.name)
            self._objective[objective] = variable
            ADD[objective](self.booleans, variable)
        return self._objective[objective]

    def _most(self) -> int:
        """No objective is above this: everything at once."""
        columns = sum(v.width for v in self.problem.variables)
        erasures = sum(v.erase_neurons or 0 for v in self.problem.variables)
        sizes = sum(max(a.size for a in o.alternatives) for o in self.problem.operations)
        return max(_USUAL, columns, erasures + sizes)
