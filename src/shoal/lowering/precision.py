"""How far float32 arithmetic takes values away from what they should be.

A variable carries its residuals: errors that were seen when its MLP ran in float32 on all its
operands (moved by the operands' own errors), or estimates for heads. Readers project them: a
number that is read from a one-hot value by weights w is off by residuals @ w. Programs whose
result, or whose decisions, could be off by too much are refused.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shoal.craft.affine import AffineMap, Matrix
from shoal.lowering.lowered import StreamVariable, View

ROUNDING = 2.0**-23
"""Relative error of one float32 operation, with room for a second one."""

MOST_RESIDUALS = 64
"""Rows of residuals that are kept, those with the largest entries."""


def coordinate_errors(view: View, variables: Mapping[str, StreamVariable]) -> Matrix:
    """[coordinates], the greatest error of each coordinate of a view."""
    return projected_errors(view, variables, np.eye(len(view.coordinates.target)))


def projected_errors(
    view: View, variables: Mapping[str, StreamVariable], weights: Matrix
) -> Matrix:
    """[results], the greatest error of ``coordinates @ weights``.

    Args:
        view: what is read.
        variables: all variables by name.
        weights: [coordinates, results].
    """
    total = np.zeros(weights.shape[1])
    reader: AffineMap = view.coordinates
    for name in view.variables:
        variable = variables[name]
        if variable.residuals is None:
            continue
        rows = [reader.source.index[direction] for direction in variable.space.directions]
        seen = variable.residuals @ reader.matrix[rows] @ weights
        total += np.abs(seen).max(axis=0, initial=0.0)
    return total


def largest_rows(residuals: Matrix) -> Matrix | None:
    """The rows with the largest entries; None if there is no error at all."""
    size = np.abs(residuals).max(axis=1, initial=0.0)
    if not size.any():
        return None
    order = np.argsort(-size, kind="stable")[:MOST_RESIDUALS]
    result: Matrix = residuals[order]
    return result
