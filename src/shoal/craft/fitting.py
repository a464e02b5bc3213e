"""What matrices of numbers have in common: an affine function, or a grid.

What libraries make of a sum depends on the order in which they add up, and so on the processor.
Nothing that is decided here or by what is found here may: what is a whole number but for that, or a
whole multiple of a power of two, becomes one.
"""

from __future__ import annotations

import numpy as np

from shoal.arrays import Array, Float, Int

_FINEST = 20
"""Grids down to 2**-20 are looked for."""

NOISE = 1e-12
"""What a sum of float64 may be off, relative to its largest term or 1."""

_CLEARLY = 1e-6
"""What is off by so much of the largest result, or 1, is not off by rounding."""

_BITS = 53
"""Of the mantissa of a float."""


def fit_affine(
    points: Float[Array, "rows coordinates"], results: Float[Array, "rows results"]
) -> tuple[Float[Array, "coordinates results"], Float[Array, " results"]] | None:
    """Matrix and bias with ``points @ matrix + bias == results`` on every row, if there are any.

    Some rows are fitted first, which mostly decides it, and is faster on long tables.
    """
    count, coordinates = points.shape
    with_bias = np.ones((count, coordinates + 1))
    with_bias[:, :-1] = points
    enough = 4 * with_bias.shape[1]
    tried: list[slice | Int[Array, " rows"]] = [slice(None)]
    if enough < count:
        tried.insert(0, np.linspace(0, count - 1, enough, dtype=int))
    for rows in tried:
        solved, off, rank, _ = np.linalg.lstsq(with_bias[rows], results[rows], rcond=None)
        if (off > count * (_CLEARLY * np.abs(results).max(initial=1.0)) ** 2).any():
            return None  # even the least squares are too large
        fitted = without_noise(np.asarray(solved, dtype=np.float64))
        matrix, bias = fitted[:-1], fitted[-1]
        if np.abs(points @ matrix + bias - results).max(initial=0.0) <= 1e-9:
            return matrix, bias
        if rank == with_bias.shape[1]:  # no other function fits these rows
            return None
    return None


def without_noise(
    numbers: Float[Array, ...], sizes: Float[Array, "rows 1"] | float = 1.0
) -> Float[Array, ...]:
    """Numbers of which those within rounding of a multiple of 2**-20 are that.

    Args:
        numbers: that were computed.
        sizes: what each row is multiplied by at most, which says what is nothing.
    """
    on_grid = np.rint(numbers * 2.0**_FINEST) / 2.0**_FINEST
    if (on_grid == numbers).all():
        return np.asarray(on_grid + 0.0)  # no zero has a sign
    is_on_grid = (np.abs(on_grid - numbers) <= NOISE * np.abs(numbers)) & (on_grid != 0)
    is_nothing = np.abs(numbers) * sizes <= NOISE
    return np.asarray(np.where(is_on_grid, on_grid, np.where(is_nothing, 0.0, numbers)))


def product(
    numbers: Float[Array, "... terms"], matrix: Float[Array, "terms columns"]
) -> Float[Array, "... columns"]:
    """``numbers @ matrix``, where terms that cancel but for rounding make 0."""
    found = numbers @ matrix
    rounding = NOISE * (np.abs(numbers) @ np.abs(matrix))
    return np.asarray(np.where(np.abs(found) > rounding, found, 0.0))


def power_of_two_above(numbers: Float[Array, ...]) -> Float[Array, ...]:
    """The least powers of two that are no less than positive numbers, but for rounding."""
    return np.asarray(2.0 ** np.ceil(np.log2(numbers) - 10 * NOISE))


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
