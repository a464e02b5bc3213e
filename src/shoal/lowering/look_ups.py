"""Forms of an MLP that need no line: constants, affine functions and look-ups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from shoal.craft.affine import Matrix
from shoal.lowering.tables import Candidate, Layer, Table

_LARGEST_FIT = 2**17
"""Affine fits are tried up to this many matrix entries."""


def constant(table: Table) -> Iterator[Candidate]:
    """No neuron at all where all results are the same."""
    points, results = table.points, table.results
    if (results == results[0]).all():
        width = results.shape[1]
        layer = Layer(np.zeros((points.shape[1], 0)), np.zeros(0), np.zeros((0, width)), results[0])
        yield Candidate(0, layer.itself)


def affine(table: Table) -> Iterator[Candidate]:
    """An affine function, whose neurons carry its results."""
    points, results = table.points, table.results
    if points.size > _LARGEST_FIT or not points.shape[1]:
        return
    if len(table.leaves) == 1 and table.leaves[0].one_hot:
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


def fit_affine(points: Matrix, results: Matrix) -> tuple[Matrix, Matrix] | None:
    """Matrix and bias with ``points @ matrix + bias == results`` on every row, if there are any.

    Some rows are fitted first, which mostly decides it, and is faster on long tables.
    """
    with_bias = np.hstack([points, np.ones((len(points), 1))])
    few = np.linspace(0, len(points) - 1, min(len(points), 4 * with_bias.shape[1]), dtype=int)
    for rows in (few, slice(None)) if len(few) < len(points) else (few,):
        solved, _, rank, _ = np.linalg.lstsq(with_bias[rows], results[rows])
        fitted = np.asarray(solved, dtype=np.float64)
        fitted[np.abs(fitted) < 1e-12] = 0.0
        matrix, bias = fitted[:-1], fitted[-1]
        if np.abs(points @ matrix + bias - results).max(initial=0.0) <= 1e-9:
            return matrix, bias
        if rank == with_bias.shape[1]:  # no other function fits these rows
            return None
    return None


def affine_layer(matrix: Matrix, bias: Matrix, signed: npt.NDArray[np.bool_]) -> Layer:
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


def look_up(table: Table) -> Iterator[Candidate]:
    """One neuron, or a ramp of two, for each row whose result is not the most frequent one."""
    points, results = table.points, table.results
    if not all(leaf.one_hot for leaf in table.leaves):
        return
    bias = np.zeros(results.shape[1])
    if not any(leaf.nullable for leaf in table.leaves):
        kinds, counts = np.unique(results, axis=0, return_counts=True)
        bias = kinds[counts.argmax()]
    special = (results != bias).any(axis=1)

    def build() -> Layer:
        into = points[special].T
        threshold = np.full(into.shape[1], 1.0 - len(table.leaves))
        return Layer(into, threshold, results[special] - bias, bias)

    def build_sharp() -> Layer:
        into = 2 * points[special].T
        threshold = np.full(into.shape[1], 1.5 - 2 * len(table.leaves))
        jump = results[special] - bias
        return Layer(
            np.hstack([into, into]),
            np.concatenate([threshold, threshold - 1]),
            np.vstack([jump, -jump]),
            bias,
        )

    yield Candidate(int(special.sum()), build)
    yield Candidate(2 * int(special.sum()), build_sharp)
