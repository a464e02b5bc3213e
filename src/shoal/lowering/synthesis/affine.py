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
        matrix, bias = np.zeros((points.shape[1], results.shape[1])), np.zeros(results.shape[1])
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
    yield Candidate(len(layer.threshold), lambda: layer)


def affine_layer(
    matrix: Float[Array, "coordinates results"],
    bias: Float[Array, " results"],
    signed: Bool[Array, " results"],
) -> Layer:
    """A layer for ``points @ matrix + bias``.

    Where ``points @ matrix`` can be negative, as ``signed`` says, x is relu(x) - relu(-x).
    """
    used = matrix.any(axis=0)
    plus, minus = np.flatnonzero(used), np.flatnonzero(used & signed)
    columns = np.concatenate([plus, minus])
    signs = np.repeat([1.0, -1.0], [len(plus), len(minus)])
    out = np.zeros((len(columns), matrix.shape[1]))
    out[np.arange(len(columns)), columns] = signs
    return Layer(matrix[:, columns] * signs, np.zeros(len(columns)), out, bias)
