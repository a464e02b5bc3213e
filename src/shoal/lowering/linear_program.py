"""Numbers under linear inequalities, of which a weighted sum is as small as can be: by GLOP."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

import numpy as np

from shoal.arrays import Array, Float


class LinearProgram:
    """Numbers, and what they have to keep; both may be added until it is solved."""

    def __init__(self) -> None:
        # It takes a moment to import, and is rarely needed; one of its modules has types, it has
        # none.
        from ortools.linear_solver import pywraplp  # type: ignore[attr-defined]

        self._optimal = pywraplp.Solver.OPTIMAL
        self._solver = pywraplp.Solver.CreateSolver("GLOP")

    def add(self, count: int, least: float = -inf) -> range:
        """More numbers, each of at least so much; their places among all."""
        first = self._solver.NumVariables()
        for _ in range(count):
            self._solver.NumVar(least, inf, "")
        return range(first, first + count)

    def require(self, row: Mapping[int, float], least: float = -inf, most: float = inf) -> None:
        """Require that a sum of numbers, each times what the row has at its place, is in bounds."""
        constraint = self._solver.RowConstraint(least, most, "")
        for place, factor in row.items():
            constraint.SetCoefficient(self._solver.variable(place), factor)

    def solve(
        self, weights: Mapping[int, float], seconds: float | None = None
    ) -> Float[Array, " numbers"] | None:
        """The numbers of which the sum, each times its weight, is least; None if none are found.

        Args:
            weights: by place.
            seconds: deterministic ones that it may take; None for any.
        """
        objective = self._solver.Objective()
        for place, weight in weights.items():
            objective.SetCoefficient(self._solver.variable(place), weight)
        objective.SetMinimization()
        if seconds is not None:
            limit = f"max_deterministic_time: {seconds}"
            self._solver.SetSolverSpecificParametersAsString(limit)
        if self._solver.Solve() != self._optimal:
            return None
        return np.array([number.solution_value() for number in self._solver.variables()])
