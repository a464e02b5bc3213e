"""An affine function, whose neurons carry its results."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from shoal.arrays import Array, Bool, Float
from shoal.craft.fitting import fit_affine
from shoal.lowering.synthesis.tables import Candidate, Layer, Table

_LARGEST_FIT = 2**17
"""Affine fits are tried up to this many matrix entries."""


def affine(table: Table) -> Iterator[Candidate]:
    """An affine function, whose neurons carry its results."""
    points, results = table.points, table.results
    if points.size > _LARGEST_FIT or not points.shape[1]:
        return
    if len(table.operands) == 1 and table.operands[0].form.picks_one:
        matrix = np.zeros((points.shape[1], results.shape[1]))
        bias = np.zeros(results.shape[1])
        rows, columns = np.nonzero(points)
        matrix[columns] = results[rows]
    else:
        table.work.spend(points.size * points.shape[1] / 1_000, table.name)
        fitted = fit_affine(points, results)
        if fitted is None:
            return
        matrix, bias = fitted
    signed = (points @ matrix).min(axis=0, initial=0.0) < -1e-12
    layer = affine_layer(matrix, bias, signed)
    yield Candidate(len(layer.threshold), layer.itself)


def affine_layer(
    matrix: Float[Array, "coordinates results"],
    bias: Float[Array, " results"],
    signed: Bool[Array, " results"],
) -> Layer:
    """A layer for ``points @ matrix + bias``.

    Args:
        matrix: [coordinates, results].
        bias: [results].
        signed: [results], whether ``points @ matrix`` can be negative; x is then carried as
            relu(x) - relu(-x).
    """
    used = np.abs(matrix).max(axis=0, initial=0.0) > 0
    plus = np.flatnonzero(used)
    minus = np.flatnonzero(used & signed)
    columns = np.concatenate([plus, minus])
    signs = np.concatenate([np.ones(len(plus)), -np.ones(len(minus))])
    out = np.zeros((len(columns), matrix.shape[1]))
    out[np.arange(len(columns)), columns] = signs
    return Layer(matrix[:, columns] * signs, np.zeros(len(columns)), out, bias)
