"""Scores of classes that are affine functions of points: a linear program finds them, or none are.

Source: a set of points with classes is separated by an argmax of affine functions exactly if a
system of linear inequalities has a solution. First scores are looked for that depend on one
functional, for classes in their order: score c is c * s - b_c, so that the class goes up with s.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Float, Int
from shoal.craft.fitting import power_of_two_above
from shoal.limits import Work

Scoring = tuple[Float[Array, "coordinates choices"], Float[Array, " choices"]]
"""A matrix and a bias, by which points become scores."""

MARGIN = 1.0
"""The score of the right choice is so much above that of each other one."""

_LOST = 1 / 16
"""How much of that rounding the weights may take. (Where they are whole it takes none.)"""

_DIGITS = 2.0**-12
"""Weights are multiples of this times a power of two that is above them all."""

_MOST_ENTRIES = 2**17
"""Of one linear program; larger ones are not asked."""

_WORK_PER_ENTRY = 0.5
"""Units of work that an entry of a linear program counts. (729 points of 20 coordinates in three
classes, of which none are separated, take 20 ms: 0.35 units for each entry.)"""

_MOST_SECONDS = 1.0
"""Deterministic ones, of GLOP for one linear program."""


def ordered_scores(
    points: Float[Array, "rows coordinates"], choices: Int[Array, " rows"], count: int, work: Work
) -> Scoring | None:
    """Scores by one functional of the points, for choices that go up with it; None if none are.

    Args:
        points: different ones.
        choices: of each point, of so many (``count``).
        work: counts what is done.

    Raises:
        UnsupportedProgramError: that is too much.
    """
    coordinates = points.shape[1]
    size = coordinates + count - 1
    entries = 2 * len(points) * (coordinates + 1)
    if entries > _MOST_ENTRIES:
        return None
    work.spend(_WORK_PER_ENTRY * entries, "scores")
    program = _LinearProgram(size)
    for point, choice in zip(points, choices.tolist(), strict=True):
        for step, sign in ((choice - 1, 1.0), (choice, -1.0)):  # thresholds below and above
            if 0 <= step < count - 1:
                row = np.zeros(size)
                row[:coordinates] = sign * point
                row[coordinates + step] = -sign
                program.require(row)
    for step in range(count - 2):
        row = np.zeros(size)
        row[coordinates + step : coordinates + step + 2] = -1.0, 1.0
        program.require(row, 0.0)
    found = program.solve(coordinates)
    if found is None:
        return None
    functional, thresholds = np.split(_on_grid(found), [coordinates])
    matrix = np.outer(functional, np.arange(count, dtype=float))
    return _if_apart(points, choices, matrix, -np.append(0.0, np.cumsum(thresholds)))


def any_scores(
    points: Float[Array, "rows coordinates"], choices: Int[Array, " rows"], count: int, work: Work
) -> Scoring | None:
    """Any affine scores of the points of which that of the right choice is the greatest.

    Arguments and errors are as of ``ordered_scores``.
    """
    each = points.shape[1] + 1
    entries = len(points) * (count - 1) * 2 * each
    if entries > _MOST_ENTRIES:
        return None
    work.spend(_WORK_PER_ENTRY * entries, "scores")
    program = _LinearProgram(count * each)
    for point, choice in zip(points, choices.tolist(), strict=True):
        for other in range(count):
            if other != choice:
                row = np.zeros((count, each))
                row[choice] += (*point, 1.0)
                row[other] -= (*point, 1.0)
                program.require(row.ravel())
    found = program.solve(count * each)
    if found is None:
        return None
    weights = _on_grid(found).reshape(count, each)
    weights = weights - weights[:1]
    return _if_apart(points, choices, weights[:, :-1].T, weights[:, -1])


def _on_grid(numbers: Float[Array, " numbers"]) -> Float[Array, " numbers"]:
    """Numbers as multiples of a power of two, so that sums of them are exact."""
    step = float(power_of_two_above(np.abs(numbers).max())) * _DIGITS
    return np.asarray(np.round(numbers / step) * step)


def _if_apart(
    points: Float[Array, "rows coordinates"],
    choices: Int[Array, " rows"],
    matrix: Float[Array, "coordinates choices"],
    bias: Float[Array, " choices"],
) -> Scoring | None:
    """The scores, if the right one is far enough above the others everywhere."""
    scores = points @ matrix + bias
    own = scores[np.arange(len(points)), choices]
    scores[np.arange(len(points)), choices] = -np.inf
    return (matrix, bias) if (own - scores.max(axis=1) >= MARGIN - _LOST).all() else None


class _LinearProgram:
    """Rows that are to be large enough, by numbers of which the sum of sizes is least."""

    def __init__(self, size: int) -> None:
        # It takes a moment to import; one of its modules has types, it has none.
        from ortools.linear_solver import pywraplp  # type: ignore[attr-defined]

        self._optimal = pywraplp.Solver.OPTIMAL
        self._solver = pywraplp.Solver.CreateSolver("GLOP")
        self._infinity = self._solver.infinity()
        self._numbers = [
            self._solver.NumVar(-self._infinity, self._infinity, "") for _ in range(size)
        ]

    def require(self, row: npt.NDArray[Any], least: float = MARGIN) -> None:
        """Require that the sum of all numbers, times the row, is large enough."""
        constraint = self._solver.RowConstraint(least, self._infinity, "")
        for index in np.flatnonzero(row).tolist():
            constraint.SetCoefficient(self._numbers[index], float(row[index]))

    def solve(self, counted: int) -> npt.NDArray[np.float64] | None:
        """The numbers, the first few of them small in sum; None if there are none."""
        objective = self._solver.Objective()
        for number in self._numbers[:counted]:
            size = self._solver.NumVar(0.0, self._infinity, "")
            for sign in (1.0, -1.0):
                row = self._solver.RowConstraint(0.0, self._infinity, "")
                row.SetCoefficient(size, 1.0)
                row.SetCoefficient(number, sign)
            objective.SetCoefficient(size, 1.0)
        objective.SetMinimization()
        self._solver.SetSolverSpecificParametersAsString(f"max_deterministic_time: {_MOST_SECONDS}")
        if self._solver.Solve() != self._optimal:
            return None
        return np.array([number.solution_value() for number in self._numbers])
