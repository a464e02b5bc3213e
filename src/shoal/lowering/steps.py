"""Forms of an MLP along a line: the operands are projected to one number, and stepped along."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from shoal.contract import FLAT_END, HINGE_TOLERANCE
from shoal.craft.affine import Matrix
from shoal.lowering.tables import Candidate, Layer, Leaf, Table, slices_of

_HINGE_GRID = 16
_LARGEST_HINGE = 32
_MOST_HINGES = 32
"""Hinges are between multiples of 1/16 up to 32, and at most 32: all sums of products are then
multiples of 1/256 below 2**15, which float32 adds up exactly in whatever order."""

_MOST_ON_A_LINE = 4
"""Operands that are projected to one number; more hardly ever stay apart in float32."""


def steps(table: Table) -> Iterator[Candidate]:
    """Two neurons for each change of the result along a line."""
    for weights in _projections(table, list(range(len(table.leaves)))):
        line = _line(table, weights)
        made = _steps_on(line, table.results, float(np.abs(weights) @ table.errors))
        if made is not None:
            base, slopes, ends, jumps = made
            layer = Layer(np.outer(weights, slopes), -slopes * ends, jumps, base)
            yield Candidate(len(slopes), layer.itself)


def hinges(table: Table) -> Iterator[Candidate]:
    """One neuron wherever the slope changes along a line, with straight lines between the rows.

    Where steps cut noise off, hinges pass it on, so they are offered only on a coarse grid.
    """
    if all(leaf.one_hot for leaf in table.leaves):
        return
    for weights in _projections(table, list(range(len(table.leaves)))):
        line = _line(table, weights)
        for sign in (1.0, -1.0):
            made = _hinges_on(sign * line, table.results)
            if made is not None:
                base, starts, slopes = made
                into = np.outer(sign * weights, np.ones(len(starts)))
                layer = Layer(into, -starts, slopes, base)
                yield Candidate(len(starts), layer.itself, HINGE_TOLERANCE, exact=True)


def gated_steps(table: Table) -> Iterator[Candidate]:
    """Steps along the scalar operands, for each joint value of one or more one-hot operands.

    With a gate g above any |slope (x - end)|, relu(slope (x - end) + g (picked - k)) is a neuron
    that is off unless all k one-hot dimensions are picked. The gate is no larger than it has to
    be, since what it adds has to cancel. No bias is used, so that None operands, which open no
    gate, give None.
    """
    scalars = [i for i, leaf in enumerate(table.leaves) if not leaf.one_hot]
    if not 0 < len(scalars) < len(table.leaves):
        return
    for weights in _projections(table, scalars):
        candidate = _gated_along(table, scalars, weights)
        if candidate is not None:
            yield candidate


def _gated_along(table: Table, scalars: list[int], weights: Matrix) -> Candidate | None:
    parts = slices_of(table.leaves)
    gates = np.ones(table.points.shape[1], dtype=bool)
    for scalar in scalars:
        gates[parts[scalar]] = False
    picked = table.points[:, gates]
    line = _line(table, weights)
    count = len(table.leaves) - len(scalars)
    open_rows = picked.sum(axis=1) == count
    if table.results[~open_rows].any():
        return None
    span = float(np.ptp(line))
    columns, thresholds, outs = [], [], []
    for pattern in np.unique(picked[open_rows], axis=0):
        rows = (picked == pattern).all(axis=1)
        made = _steps_on(line[rows], table.results[rows], float(np.abs(weights) @ table.errors))
        if made is None:
            return None
        base, slopes, ends, jumps = made
        gate = np.zeros(table.points.shape[1])
        gate[gates] = pattern
        if base.any():
            columns.append(gate[:, None])
            thresholds.append(np.array([1.0 - count]))
            outs.append(base[None, :])
        strength = 2.0 ** np.ceil(np.log2(np.abs(slopes) * span + 1))
        columns.append(np.outer(weights, slopes) + np.outer(gate, strength))
        thresholds.append(-slopes * ends - strength * count)
        outs.append(jumps)
    if not columns:
        return None
    size = sum(len(threshold) for threshold in thresholds)

    def build() -> Layer:
        return Layer(
            np.hstack(columns),
            np.concatenate(thresholds),
            np.vstack(outs),
            np.zeros(table.results.shape[1]),
        )

    return Candidate(size, build)


def _line(table: Table, weights: Matrix) -> Matrix:
    """The rows, projected to numbers."""
    table.work.spend((table.points.size + table.results.size) / 50, table.name)
    return table.points @ weights


def _projections(table: Table, chosen: list[int]) -> Iterator[Matrix]:
    """Weights [coordinates] under which the chosen operands may become one separating number.

    The operands are joined one after the other: by a difference, a sum, or with a factor that
    orders by one of them first.
    """
    if not 0 < len(chosen) <= _MOST_ON_A_LINE:
        return
    parts = slices_of(table.leaves)
    own = {}
    for number in chosen:
        weights = np.zeros(table.points.shape[1])
        points = table.points[:, parts[number]]
        weights[parts[number]] = _leaf_weights(table.leaves[number], points)
        own[number] = weights
    joined = [own[chosen[0]]]
    for number in chosen[1:]:
        joined = [w for fine in joined for w in _joined(table.points, fine, own[number])]
    yield from joined


def _joined(points: Matrix, fine: Matrix, coarse: Matrix) -> Iterator[Matrix]:
    lines = points @ fine, points @ coarse
    for factor in _factors(*lines):
        yield fine + factor * coarse
    for factor in _factors(lines[1], lines[0])[2:]:
        yield factor * fine + coarse


def _factors(fine: Matrix, coarse: Matrix) -> list[float]:
    """Factors for the second number: a difference, a sum, and one that orders by it first."""
    gaps = np.diff(np.unique(coarse))
    if not len(gaps):
        return [-1.0, 1.0]
    return [-1.0, 1.0, float(2 * max(np.ptp(fine), 1e-3) / gaps.min())]


def _leaf_weights(leaf: Leaf, points: Matrix) -> Matrix:
    """Weights [coordinates] of one operand that keep its values, and None, apart."""
    if leaf.one_hot:
        return np.arange(1.0, points.shape[1] + 1)
    weights = np.zeros(points.shape[1])
    weights[0] = 1.0
    if leaf.nullable:
        weights[1] = 1.0 - float(points[:, 0].min(initial=0.0))
    return weights


def _hinges_on(line: Matrix, results: Matrix) -> tuple[Matrix, Matrix, Matrix] | None:
    """Straight lines between rows: the bias, and where the slope changes and by how much.

    Returns:
        base [results], starts [neurons], slopes [neurons, results] of
        base + sum of slopes[j] * relu(x - starts[j]); None if rows with different results meet,
        or something is not on the grid.
    """
    if not _on_grid(line):  # most lines are not, and this is soon seen
        return None
    places, first, inverse = np.unique(line, return_index=True, return_inverse=True)
    values = results[first]
    if np.abs(results - values[inverse.ravel()]).max(initial=0.0) > 1e-9 or not _on_grid(values):
        return None
    rise = np.diff(values, axis=0) / np.diff(places)[:, None]
    change = np.diff(rise, axis=0, prepend=0.0)
    kinks = change.any(axis=1)
    if not _on_grid(change) or kinks.sum() > _MOST_HINGES:
        return None
    return values[0], places[:-1][kinks], change[kinks]


def _on_grid(numbers: Matrix) -> bool:
    fine = numbers * _HINGE_GRID
    return bool((fine == np.round(fine)).all() and np.abs(numbers).max(initial=0) <= _LARGEST_HINGE)


def _steps_on(
    line: Matrix, results: Matrix, error: float
) -> tuple[Matrix, Matrix, Matrix, Matrix] | None:
    """Steps that take a number to results: the bias, and slopes, ends and jumps of neurons.

    Neuron j adds jumps[j] * relu(slopes[j] * (x - ends[j])). Seen upwards, relu(slope (x - start))
    - relu(slope (x - end)) rises from 0 to 1; seen downwards, relu(slope (end - x)) - relu(slope
    (start - x)) falls from 1 to 0.

    Args:
        line: [rows], the numbers.
        results: [rows, results].
        error: how far the numbers may be off.

    Returns:
        None if different results are too close together on the line.
    """
    order = np.argsort(line, kind="stable")
    line, ordered = line[order], results[order]
    size = max(1.0, float(np.abs(line).max(initial=0.0)))
    changes = np.flatnonzero((np.abs(np.diff(ordered, axis=0)) > 1e-9).any(axis=1))
    left, right = line[changes], line[changes + 1]
    quarter = (right - left) / 4
    if (quarter < FLAT_END * size + 1.5 * error).any():
        return None
    # ramps over the middle half of each gap, or a little less: powers of two multiply exactly
    slope = 2.0 ** np.ceil(-np.log2(2 * quarter))
    middle, half_ramp = (left + right) / 2, 0.5 / slope
    starts, ends = middle - half_ramp, middle + half_ramp
    jump = ordered[changes + 1] - ordered[changes]
    # a step is seen from the end at which its two neurons stay smaller, which loses fewer bits
    upwards = line[-1] - starts <= ends - line[0]
    sign = np.where(upwards, 1.0, -1.0)
    near, far = np.where(upwards, starts, ends), np.where(upwards, ends, starts)
    signed_jump = jump * sign[:, None]
    return (
        ordered[0] + jump[~upwards].sum(axis=0),
        np.concatenate([sign * slope, sign * slope]),
        np.concatenate([near, far]),
        np.vstack([signed_jump, -signed_jump]),
    )
