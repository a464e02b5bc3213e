"""How far float32 arithmetic takes values away from what they should be.

A variable carries its residuals: errors that were seen when its MLP ran in float32 on all its
operands (moved by the operands' own errors), or estimates for heads. Readers project them: a
number that is read from a one-hot value by weights w is off by residuals @ w. Programs whose
result, or whose decisions, could be off by too much are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.contract import EXACT, NEGLIGIBLE, ROUNDING, TOLERANCE
from shoal.craft.affine import AffineMap, Matrix
from shoal.lowering.lowered import StreamVariable, View
from shoal.program.facts.domains import Domain, Enumerated

_FINEST = 20
MOST_RESIDUALS = 64
"""Rows of residuals that are kept, those with the largest entries."""


def coordinate_errors(view: View, variables: Mapping[str, StreamVariable]) -> Matrix:
    """[coordinates], the greatest error of each coordinate of a view."""
    return projected_errors(view, variables, np.eye(len(view.coordinates.target)))


def largest_error(variable: StreamVariable) -> float:
    """How far a dimension of a variable may be off."""
    errors = (variable.residuals, variable.dimension_errors)
    return max((float(np.abs(e).max(initial=0.0)) for e in errors if e is not None), default=0.0)


def allowed_error(view: View, values: Domain, numerical: bool) -> float:
    """How far a coordinate may be off for a value to be read rightly."""
    if numerical or not isinstance(values, Enumerated):
        numbers = values.values if isinstance(values, Enumerated) else ()
        smallest = min((abs(float(v)) for v in numbers if isinstance(v, int | float)), default=0.0)
        return TOLERANCE * max(1.0, smallest)
    assert view.codes is not None
    gaps = np.diff(np.sort(view.codes[:, :1], axis=0), axis=0)
    return 0.25 if view.one_hot else float(gaps.min(initial=4.0)) / 4


def projected_errors(
    view: View, variables: Mapping[str, StreamVariable], weights: Matrix
) -> Matrix:
    """[results], the greatest error of ``coordinates @ weights``.

    Counted are what the variables are off, and rounding where several terms are added up that are
    not all on a grid that float32 is exact on. (Of a single term rounding is relative to the
    result, which all readers allow for.)

    Args:
        view: what is read.
        variables: all variables by name.
        weights: [coordinates, results].
    """
    total = np.zeros(weights.shape[1])
    reader: AffineMap = view.coordinates
    bias = np.abs(reader.bias @ weights)
    terms = (bias > 0).astype(int)
    parts = []
    for name in view.variables:
        variable = variables[name]
        rows = [reader.source.index[direction] for direction in variable.space.directions]
        matrix = reader.matrix[rows] @ weights
        if variable.residuals is not None:
            total += np.abs(variable.residuals @ matrix).max(axis=0, initial=0.0)
        if variable.dimension_errors is not None:
            errors = variable.dimension_errors[:, None] * np.abs(matrix)
            total += errors.max(axis=0, initial=0.0)
        terms = terms + _most_at_once(variable, (matrix != 0).astype(int))
        parts.append((variable, matrix))
    if (terms > 1).any():
        total += np.where(terms > 1, _rounding(bias, parts), 0.0)
    return total


def _rounding(bias: Matrix, parts: list[tuple[StreamVariable, Matrix]]) -> Matrix:
    """[columns], what rounding may make of sums; nothing where float32 is exact."""
    sizes, step = bias, grid_step(bias)
    for variable, matrix in parts:
        known = variable.step * grid_step(matrix)
        if variable.residuals is not None:
            known = np.zeros_like(known)
        if variable.dimension_errors is not None:
            # what is far below the grid is rounded off with it
            noise = variable.dimension_errors @ np.abs(matrix)
            known = np.where(noise <= NEGLIGIBLE * known, known, 0.0)
        step = np.minimum(step, known)
        sizes = sizes + variable.largest * _most_at_once(variable, np.abs(matrix))
    return np.where(sizes > EXACT * step, sizes * ROUNDING, 0.0)


def grid_step(numbers: Matrix) -> Matrix:
    """[columns], the greatest power of two up to 1 that divides all numbers of a column, or 0."""
    steps = np.zeros(np.atleast_2d(numbers).shape[1])
    for step in 2.0 ** -np.arange(_FINEST, -1, -1):
        times = np.atleast_2d(numbers) / step
        steps[(times == np.round(times)).all(axis=0)] = step
    return steps


def _most_at_once(variable: StreamVariable, numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """[columns], the greatest sum that a variable's dimensions can make of [space, columns]."""
    if variable.encoding == "one-hot":
        return np.asarray(numbers.max(axis=0, initial=0))
    return np.asarray(numbers.sum(axis=0))


def largest_rows(residuals: Matrix) -> Matrix | None:
    """The rows with the largest entries; None if there is no error at all."""
    size = np.abs(residuals).max(axis=1, initial=0.0)
    if not size.any():
        return None
    order = np.argsort(-size, kind="stable")[:MOST_RESIDUALS]
    result: Matrix = residuals[order]
    return result
