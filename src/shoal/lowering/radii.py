"""How far float32 arithmetic takes values away from what they should be.

A variable carries its errors, seen when its MLP ran in float32, or estimated for heads. Readers
project them: a number that is read from a one-hot value by weights w is off by errors @ w.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Float
from shoal.contract import EXACT, NEGLIGIBLE, ROUNDING
from shoal.craft.affine import Matrix
from shoal.craft.fitting import grid_step
from shoal.lowering.held import Held, StreamVariable

Variables = Mapping[str, StreamVariable]


def coordinate_errors(held: Held, variables: Variables) -> Float[Array, " coordinates"]:
    """[coordinates], the greatest error of each coordinate of what is held."""
    return projected_errors(held, variables, np.eye(held.width))


def largest_error(held: Held, variables: Variables) -> float:
    """The greatest error of any coordinate of what is held."""
    return float(coordinate_errors(held, variables).max(initial=0.0))


def is_decodable(held: Held, variables: Variables) -> bool:
    """Whether what is held is exact enough for its decoder."""
    return largest_error(held, variables) <= held.form.room(held.domain)


def projected_errors(
    held: Held, variables: Variables, weights: Float[Array, "coordinates results"]
) -> Float[Array, " results"]:
    """[results], the greatest error of coordinates that are read, times ``weights``.

    Counted are what the variables are off, and rounding where several terms are added up that are
    not all on a grid that float32 is exact on. (Of a single term rounding is relative to the
    result, which all readers allow for.)
    """
    reader = held.coordinates
    total = np.zeros(weights.shape[1])
    bias = np.abs(reader.bias @ weights)
    terms = (bias > 0).astype(int)
    parts = []
    for name in held.variables:
        variable = variables[name]
        matrix = reader.matrix[reader.source.positions(variable.space)] @ weights
        total += variable.errors.projected(matrix)
        terms = terms + _most_at_once(variable, (matrix != 0).astype(int))
        parts.append((variable, matrix))
    if (terms > 1).any():
        total += np.where(terms > 1, _rounding(bias, parts), 0.0)
    return total


def _rounding(bias: Matrix, parts: list[tuple[StreamVariable, Matrix]]) -> Matrix:
    """[columns], what rounding may make of sums; nothing where float32 is exact."""
    sizes, step = bias, grid_step(bias)
    for variable, matrix in parts:
        step = np.minimum(step, _grid_of(variable, matrix))
        sizes = sizes + variable.ranges.largest * _most_at_once(variable, np.abs(matrix))
    return np.where(sizes > EXACT * step, sizes * ROUNDING, 0.0)


def _grid_of(variable: StreamVariable, matrix: Matrix) -> Matrix:
    """[columns], the power of two that all terms of a variable are multiples of, or 0."""
    if variable.errors.together is not None or not variable.ranges.step:
        return np.zeros(matrix.shape[1])
    known = variable.ranges.step * grid_step(matrix)
    if not variable.errors.are_apart:
        return known
    # what is far below the grid is rounded off with it
    noise = np.broadcast_to(variable.errors.apart, len(matrix)) @ np.abs(matrix)
    return np.where(noise <= NEGLIGIBLE * known, known, 0.0)


def _most_at_once(variable: StreamVariable, numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """[columns], the greatest sum that a variable's dimensions can make of [space, columns]."""
    if variable.ranges.picks_one:
        return np.asarray(numbers.max(axis=0, initial=0))
    return np.asarray(numbers.sum(axis=0))
