"""What matrices of numbers have in common: an affine function, or a grid."""

from __future__ import annotations

import numpy as np

from shoal.arrays import Array, Float

_FINEST = 20
"""Grids down to 2**-20 are looked for."""

_BITS = 53
"""Of the mantissa of a float."""


def fit_affine(
    points: Float[Array, "rows coordinates"], results: Float[Array, "rows results"]
) -> tuple[Float[Array, "coordinates results"], Float[Array, " results"]] | None:
    """Matrix and bias with ``points @ matrix + bias == results`` on every row, if there are any.

    Some rows are fitted first, which mostly decides it, and is faster on long tables.
    """
    with_bias = np.hstack([points, np.ones((len(points), 1))])
    few = np.linspace(0, len(points) - 1, min(len(points), 4 * with_bias.shape[1]), dtype=int)
    for rows in (few, slice(None)) if len(few) < len(points) else (few,):
        solved, _, rank, _ = np.linalg.lstsq(with_bias[rows], results[rows], rcond=None)
        fitted = np.asarray(solved, dtype=np.float64)
        fitted[np.abs(fitted) < 1e-12] = 0.0
        matrix, bias = fitted[:-1], fitted[-1]
        if np.abs(points @ matrix + bias - results).max(initial=0.0) <= 1e-9:
            return matrix, bias
        if rank == with_bias.shape[1]:  # no other function fits these rows
            return None
    return None


def grid_step(
    numbers: Float[Array, "numbers columns"] | Float[Array, " columns"],
) -> Float[Array, " columns"]:
    """[columns], the greatest power of two up to 1 that divides all numbers of a column, or 0."""
    mantissa, exponent = np.frexp(np.atleast_2d(numbers))
    whole = (mantissa * 2.0**_BITS).astype(np.int64)
    lowest_bit = np.frexp((whole & -whole).astype(float))[1] - 1
    lowest = np.where(whole == 0, 0, lowest_bit + exponent - _BITS)
    finest = lowest.min(axis=0, initial=0)
    return np.where(finest < -_FINEST, 0.0, 2.0**finest)
