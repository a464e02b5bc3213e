"""Steps: the operands are projected to one number, and two neurons make a step on it.

What rises evenly between the steps, as a remainder does, takes one neuron more, and steps only
where it does not: that passes on how far the number is off.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from shoal.contract import FLAT_END
from shoal.craft.affine import Matrix
from shoal.craft.fitting import NOISE, power_of_two_above
from shoal.lowering.synthesis.lines import across_threshold, projections
from shoal.lowering.synthesis.tables import Candidate, Layer, Table
from shoal.rows import different_rows

_FEWEST = 4
"""Neurons of so few steps are left as they are."""


def steps(table: Table) -> Iterator[Candidate]:
    """Two neurons for each change of the result along a line, which cut noise off."""
    for weights, line, error in _lines(table):
        made = steps_on(line, table.results, error)
        if made is None:
            continue
        base, slopes, ends, jumps = made
        into = np.outer(weights, slopes)
        yield Candidate(len(slopes), partial(Layer, into, -slopes * ends, jumps, base))
        rise = _common_rise(line, table.results, len(slopes))
        if rise is not None:
            yield from _on_a_slope(weights, line, table.results, error, rise)


def _lines(table: Table) -> Iterator[tuple[Matrix, Matrix, float]]:
    """The usual lines; and of two operands that decide by a threshold, that across it."""
    yield from projections(table, range(len(table.operands)))
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
    made = steps_on(line, results - rise * (line - start)[:, None], error)
    if made is not None:
        base, slopes, ends, jumps = made
        slopes, ends = np.append(slopes, 1.0), np.append(ends, start)
        into, out = np.outer(weights, slopes), np.vstack([jumps, [[rise]]])
        yield Candidate(len(slopes), partial(Layer, into, -slopes * ends, out, base))


def steps_on(
    line: Matrix, results: Matrix, error: float
) -> tuple[Matrix, Matrix, Matrix, Matrix] | None:
    """Steps that take a number to results: the bias, and slopes, ends and jumps of neurons.

    Neuron j adds jumps[j] * relu(slopes[j] * (x - ends[j])). Seen upwards, relu(slope (x - start))
    - relu(slope (x - end)) rises from 0 to 1; seen downwards, relu(slope (end - x)) - relu(slope
    (start - x)) falls from 1 to 0. None if different results [rows, results] are too close together
    on the line, of whose numbers [rows] each may be off by an error.
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
    slope = power_of_two_above(0.5 / quarter)
    middle, half_ramp = (left + right) / 2, 0.5 / slope
    starts, ends = middle - half_ramp, middle + half_ramp
    jump = ordered[changes + 1] - ordered[changes]
    # a step is seen from the end at which its two neurons stay smaller, which loses fewer bits
    upwards = line[-1] - starts <= ends - line[0] + NOISE * size
    sign = np.where(upwards, 1.0, -1.0)
    near, far = np.where(upwards, starts, ends), np.where(upwards, ends, starts)
    signed_jump = jump * sign[:, None]
    return (
        ordered[0] + jump[~upwards].sum(axis=0),
        np.concatenate([sign * slope, sign * slope]),
        np.concatenate([near, far]),
        np.vstack([signed_jump, -signed_jump]),
    )
