"""Operands that are projected to one number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from shoal.arrays import Array, Float
from shoal.craft.affine import Matrix
from shoal.lowering.synthesis.tables import Table, slices_of

_MOST_ON_A_LINE = 4
"""Operands that are projected to one number; more hardly ever stay apart in float32."""


def line_of(table: Table, weights: Float[Array, " coordinates"]) -> Float[Array, " rows"]:
    """The rows, projected to numbers."""
    table.work.spend((table.points.size + table.results.size) / 50, table.name)
    return table.points @ weights


def projections(table: Table, chosen: list[int]) -> Iterator[Matrix]:
    """Weights [coordinates] under which the chosen operands may become one separating number.

    The operands are joined one after the other: by a difference, a sum, or with a factor that
    orders by one of them first.
    """
    if not 0 < len(chosen) <= _MOST_ON_A_LINE:
        return
    joined: list[Matrix] = []
    for number in chosen:
        operand, part = table.operands[number], slices_of(table.operands)[number]
        own = np.zeros(table.points.shape[1])
        own[part] = operand.form.line(operand.domain, table.points[:, part])
        more = [weights for fine in joined for weights in _joined(table.points, fine, own)]
        joined = more if joined else [own]
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
