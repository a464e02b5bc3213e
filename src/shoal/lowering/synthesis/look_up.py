"""Look-ups: with one-hot operands a neuron is an AND, one for each row of the table."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from shoal.craft.affine import Matrix
from shoal.lowering.synthesis.tables import Candidate, Layer, Table
from shoal.rows import different_rows


def look_up(table: Table) -> Iterator[Candidate]:
    """One neuron for each row whose result is not the most frequent one, which is the bias.

    With k operands relu(sum of the picked dimensions - (k - 1)) is an AND. Where the operands are
    too inexact for that, two neurons make a ramp from 0 to 1 that is flat at both ends.
    """
    results, count = table.results, len(table.operands)
    if not all(operand.form.picks_one for operand in table.operands):
        return
    bias = np.zeros(results.shape[1])
    if not any(operand.domain.nullable for operand in table.operands):
        first, which = different_rows(results)
        bias = results[first[np.bincount(which).argmax()]]
    special = (results != bias).any(axis=1)
    for slope, thresholds in ((1, [1.0 - count]), (2, [1.5 - 2 * count, 0.5 - 2 * count])):
        neurons = len(thresholds) * int(special.sum())
        yield Candidate(neurons, partial(_ands, table, special, bias, slope, thresholds))


def _ands(
    table: Table, special: Matrix, bias: Matrix, slope: int, thresholds: list[float]
) -> Layer:
    """For each threshold a neuron for each of the special rows; the second one steps down."""
    into, jump = slope * table.points[special].T, table.results[special] - bias
    return Layer(
        np.hstack([into for _ in thresholds]),
        np.repeat(thresholds, into.shape[1]),
        np.vstack([jump, -jump][: len(thresholds)]),
        bias,
    )
