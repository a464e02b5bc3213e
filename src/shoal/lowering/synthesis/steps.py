"""Steps: the operands are projected to one number, and two neurons make a step on it.

What rises evenly between the steps, as a remainder does, takes one neuron more, and steps only
where it does not: that passes on how far the number is off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from shoal.contract import FLAT_END
from shoal.craft.affine import Matrix
from shoal.craft.fitting import NOISE, power_of_two_above
from shoal.lowering.synthesis.lines import Line, across_threshold, projected
from shoal.lowering.synthesis.tables import Candidate, Layer, Table
from shoal.rows import different_rows

_FEWEST = 4
"""Neurons of so few steps are left as they are."""


def steps(table: Table, lines: Iterable[Matrix]) -> Iterator[Candidate]:
    """Two neurons for each change of the result along a line, which cut noise off.

    Args:
        table: what is computed.
        lines: weights [coordinates] by which all operands are one number.
    """
    for weights, line, error in _with_threshold(table, lines):
        changes = changes_on(line, table.results, error)
        if changes is None:
            continue
        yield Candidate(changes.neurons, partial(_layer, weights, changes))
        rise = _common_rise(line, table.results, changes.neurons)
        if rise is not None:
            yield from _on_a_slope(weights, line, table.results, error, rise)


def _layer(weights: Matrix, changes: Changes) -> Layer:
    """Steps on what the weights make of points."""
    base, slopes, ends, jumps = steps_at(changes)
    return Layer(np.outer(weights, slopes), -slopes * ends, jumps, base)


def _with_threshold(table: Table, lines: Iterable[Matrix]) -> Iterator[Line]:
    """The usual lines; and of two operands that decide by a threshold, that across it."""
    yield from projected(table, lines)
    if len(table.operands) == 2 and len(different_rows(table.results)[0]) == 2:
        yield from across_threshold(table)


def _common_rise(line: Matrix, results: Matrix, neurons: int) -> float | None:
    """By how much a number rises most often along a line; None if that saves no neurons.

    Args:
        line: the number of each row.
        results: [rows, 1]; of several results nothing is common.
        neurons: what steps take that do without.
    """
    if results.shape[1] != 1 or neurons <= _FEWEST:
        return None
    places, first = np.unique(line, return_index=True)
    rises = np.round(np.diff(results[first, 0]) / np.diff(places), 9)
    different, times = np.unique(rises, return_counts=True)
    others = len(rises) - int(times.max())
    rise = float(different[times.argmax()])
    return rise if rise and 2 * others + 1 < neurons else None


def _on_a_slope(
    weights: Matrix, line: Matrix, results: Matrix, error: float, rise: float
) -> Iterator[Candidate]:
    """Steps beside what rises evenly from below the least number on the line."""
    start = float(line.min()) - 1.0
    changes = changes_on(line, results - rise * (line - start)[:, None], error)
    if changes is not None:
        build = partial(_layer_on_a_slope, weights, changes, start, rise)
        yield Candidate(changes.neurons + 1, build)


def _layer_on_a_slope(weights: Matrix, changes: Changes, start: float, rise: float) -> Layer:
    base, slopes, ends, jumps = steps_at(changes)
    slopes, ends = np.append(slopes, 1.0), np.append(ends, start)
    return Layer(np.outer(weights, slopes), -slopes * ends, np.vstack([jumps, [[rise]]]), base)


class Changes(NamedTuple):
    """Where results change along a line.

    Attributes:
        low: the least number on the line.
        high: the greatest one.
        left: [changes], the last number before each change, in ascending order.
        right: [changes], the first one after it.
        first: [results] at the least number.
        jumps: [changes, results], by how much they change.
    """

    low: float
    high: float
    left: Matrix
    right: Matrix
    first: Matrix
    jumps: Matrix

    @property
    def size(self) -> float:
        """Of the numbers on the line, or 1."""
        return max(1.0, -self.low, self.high)

    @property
    def neurons(self) -> int:
        """What steps take."""
        return 2 * len(self.left)


def changes_on(line: Matrix, results: Matrix, error: float) -> Changes | None:
    """Where results [rows, results] change along a line, of whose numbers [rows] each may be off.

    None if different results are too close together for steps.
    """
    order = np.argsort(line, kind="stable")
    line, ordered = line[order], results[order]
    jumps = ordered[1:] - ordered[:-1]
    there = np.flatnonzero((np.abs(jumps) > 1e-9).any(axis=1))
    left, right = line[there], line[there + 1]
    first = ordered[0].copy()  # all others need not be kept
    changes = Changes(float(line[0]), float(line[-1]), left, right, first, jumps[there])
    is_close = (right - left) / 4 < FLAT_END * changes.size + 1.5 * error
    return None if is_close.any() else changes


def steps_at(changes: Changes) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Steps that take a number to results: the bias, and slopes, ends and jumps of neurons.

    Neuron j adds jumps[j] * relu(slopes[j] * (x - ends[j])). Seen upwards, relu(slope (x - start))
    - relu(slope (x - end)) rises from 0 to 1; seen downwards, relu(slope (end - x)) - relu(slope
    (start - x)) falls from 1 to 0.
    """
    low, high, left, right, first, jump = changes
    # ramps over the middle half of each gap, or a little less: powers of two multiply exactly
    slope = power_of_two_above(2.0 / (right - left))
    middle, half_ramp = (left + right) / 2, 0.5 / slope
    starts, ends = middle - half_ramp, middle + half_ramp
    # a step is seen from the end at which its two neurons stay smaller, which loses fewer bits
    upwards = high - starts <= ends - low + NOISE * changes.size
    sign = np.where(upwards, 1.0, -1.0)
    near, far = np.where(upwards, starts, ends), np.where(upwards, ends, starts)
    signed_jump = jump * sign[:, None]
    return (
        first + jump[~upwards].sum(axis=0),
        np.concatenate([sign * slope, sign * slope]),
        np.concatenate([near, far]),
        np.vstack([signed_jump, -signed_jump]),
    )
