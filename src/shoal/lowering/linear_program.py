"""Numbers under linear inequalities, of which a weighted sum is as small as can be: by GLOP."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import inf

import numpy as np

from shoal.arrays import Array, Float


class LinearProgram:
    """Numbers, and what they have to keep; both may be added until it is solved."""

    def __init__(self) -> None:
        # They take a moment to import, and are rarely needed; the solver has no types.
        from ortools.linear_solver import linear_solver_pb2, pywraplp  # type: ignore[attr-defined]

        self._model = linear_solver_pb2.MPModelProto()
        self._library = pywraplp

    def add(self, count: int, least: float = -inf) -> range:
        """More numbers, each of at least so much; their places among all."""
        first = len(self._model.variable)
        for _ in range(count):
            self._model.variable.add(lower_bound=least, upper_bound=inf)
        return range(first, first + count)

    def require(
        self, rows: Float[Array, "sums numbers"], least: float = -inf, most: float = inf
    ) -> None:
        """Require that sums of the numbers, each times what a row has at its place, are in bounds.

        A row may end where all others of it are 0.
        """
        of_row, there = np.nonzero(rows)
        places, numbers = there.tolist(), rows[of_row, there].tolist()
        ends = np.cumsum(np.bincount(of_row, minlength=len(rows))).tolist()
        for start, end in pairwise([0, *ends]):
            self._model.constraint.add(
                var_index=places[start:end],
                coefficient=numbers[start:end],
                lower_bound=least,
                upper_bound=most,
            )

    def solve(
        self, weights: Mapping[int, float], seconds: float | None = None
    ) -> Float[Array, " numbers"] | None:
        """The numbers of which the sum, each times its weight, is least; None if none are found.

        Args:
            weights: by place.
            seconds: deterministic ones that it may take; None for any.
        """
        for place, weight in weights.items():
            self._model.variable[place].objective_coefficient = weight
        solver = self._library.Solver.CreateSolver("GLOP")
        solver.LoadModelFromProto(self._model)
        if seconds is not None:
            solver.SetSolverSpecificParametersAsString(f"max_deterministic_time: {seconds}")
        if solver.Solve() != self._library.Solver.OPTIMAL:
            return None
        return np.array([number.solution_value() for number in solver.variables()])
