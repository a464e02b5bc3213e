"""Gated rows: for each value of a one-hot operand an affine function of the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shoal.craft.affine import Matrix
from shoal.craft.fitting import fit_affine, power_of_two_above
from shoal.lowering.synthesis.tables import Candidate, Layer, Table

_MOST_RESULTS = 4
"""Results each take neurons of their own; with more of them other forms are cheaper."""

_LARGEST_FIT = 2**17
"""Entries of the table up to which affine functions are looked for."""


class _Row(NamedTuple):
    """The affine function for one value of the gate, and what it comes to.

    Attributes:
        gate: the coordinate that is 1 for this value.
        matrix: [coordinates], 0 for those of the gate.
        bias: added.
        low: its least value.
        high: its greatest value.
    """

    gate: int
    matrix: Matrix
    bias: float
    low: float
    high: float


def gated_rows(table: Table) -> Iterator[Candidate]:
    """One neuron for each value of a one-hot operand, if the rest is affine for each.

    With x the operand that is a gate and F(a, y) affine in the coordinates of y for each a, the
    result is base + the sum over a of relu(F(a, y) - base + M ([x = a] - 1)), where M is above any
    difference to the base. A function of two one-hot values always has this form.
    """
    ends = np.cumsum([operand.width for operand in table.operands])
    if len(ends) < 2 or table.results.shape[1] > _MOST_RESULTS:
        return
    if table.points.size > _LARGEST_FIT:
        return
    for operand, end in zip(table.operands, ends, strict=True):
        if operand.form.picks_one:
            table.work.spend(table.points.size * table.width / 2_000, table.name)
            gates = np.arange(end - operand.width, end)
            columns = (_rows(table, gates, column) for column in range(table.results.shape[1]))
            yield from _candidate(table, gates, columns)


def _rows(table: Table, gates: npt.NDArray[np.int_], column: int) -> list[_Row] | None:
    """For each value of the gate that occurs its affine function; None if one is not affine."""
    others = np.delete(np.arange(table.points.shape[1]), gates)
    rows = []
    for gate in gates.tolist():
        there = table.points[:, gate] > 0
        if not there.any():
            continue
        points = table.points[there]
        results = table.results[there, column : column + 1]
        fitted = fit_affine(points[:, others], results)
        if fitted is None:
            return None
        matrix = np.zeros(table.points.shape[1])
        matrix[others] = fitted[0][:, 0]
        low, high = float(results.min()), float(results.max())
        rows.append(_Row(gate, matrix, float(fitted[1][0]), low, high))
    return rows


def _candidate(
    table: Table, gates: npt.NDArray[np.int_], columns: Iterable[list[_Row] | None]
) -> Iterator[Candidate]:
    """The cheapest layer of functions for each result column, if all of them are affine."""
    closed = ~table.points[:, gates].any(axis=1)  # the operand is None
    bases, chosen = [], []
    for column, rows in enumerate(columns):
        if rows is None:
            return
        without = np.unique(table.results[closed, column])
        if len(without) > 1:
            return
        values = [*without] if len(without) else sorted({v for r in rows for v in (r.low, r.high)})
        base = float(min(values, key=lambda v: sum(_count(row, v) for row in rows)))
        bases.append(base)
        chosen.append([row for row in rows if _count(row, base)])
    neurons = sum(_count(row, b) for rows, b in zip(chosen, bases, strict=True) for row in rows)
    yield Candidate(neurons, partial(_layer, table, chosen, bases))


def _count(row: _Row, base: float) -> int:
    """Neurons of one function: none if it is the base, two if it is on both of its sides."""
    return int(row.low < base) + int(row.high > base)


def _layer(table: Table, columns: list[list[_Row]], bases: list[float]) -> Layer:
    into, threshold, out = [], [], []
    for column, (rows, base) in enumerate(zip(columns, bases, strict=True)):
        for row in rows:
            for sign, is_there in ((1.0, row.high > base), (-1.0, row.low < base)):
                if not is_there:
                    continue
                function = sign * (table.points @ row.matrix + row.bias - base)
                open_gate = table.points[:, row.gate] > 0
                strength = power_of_two_above(function[~open_gate].max(initial=0.0) + 1)
                weights = sign * row.matrix
                weights[row.gate] = strength
                into.append(weights)
                threshold.append(sign * (row.bias - base) - strength)
                out.append(np.eye(len(bases))[column] * sign)
    size = (len(into), table.points.shape[1])
    return Layer(
        np.array(into).reshape(size).T,
        np.array(threshold),
        np.array(out).reshape(len(into), len(bases)),
        np.array(bases),
    )
