"""Operands that are projected to one number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import numpy as np

from shoal.craft.affine import Matrix
from shoal.lowering.synthesis.tables import Table

_MOST_ON_A_LINE = 4
"""Operands that are projected to one number; more hardly ever stay apart in float32."""

_FEWEST_PLACES = 3
"""Of one operand at which the result changes along the other; two lie on any line."""

_SIMPLE = 8
"""The largest denominator of a slope."""


Line = tuple[Matrix, Matrix, float]
"""Weights [coordinates], the numbers [rows] they make, and how far these may be off."""


def projections(table: Table, chosen: Sequence[int]) -> Iterator[Line]:
    """Ways to make the chosen operands one number, which may keep all rows apart."""
    return projected(table, joined_lines(table, chosen))


def joined_lines(table: Table, chosen: Sequence[int]) -> list[Matrix]:
    """The weights [coordinates] by which the chosen operands are one number.

    The operands are joined one after the other: by a difference, a sum, or with a factor that
    orders by one of them first.
    """
    joined: list[Matrix] = []
    if not 0 < len(chosen) <= _MOST_ON_A_LINE:
        return joined
    for own in (table.lines[number] for number in chosen):
        more = [weights for fine in joined for weights in _joined(table.points, fine, own)]
        joined = more if joined else [own]
    return joined


def projected(table: Table, lines: Iterable[Matrix]) -> Iterator[Line]:
    """What each of some weights [coordinates] makes of the rows."""
    for weights in lines:
        table.work.spend((table.points.size + table.results.size) / 50, table.name)
        yield weights, table.points @ weights, float(np.abs(weights) @ table.errors)


def across_threshold(table: Table) -> Iterator[Line]:
    """A line that two operands are projected to so that a threshold on it may tell results apart.

    ``2 * h > n``: as one operand grows, the place where the result changes moves evenly along the
    other. Its slope is fitted, and taken to be a simple fraction.
    """
    fine, coarse = table.lines
    numbers, places = table.points @ fine, table.points @ coarse
    order = np.lexsort([numbers, places])
    numbers, places, results = numbers[order], places[order], table.results[order]
    is_other = (results[1:] != results[:-1]).any(axis=1)
    apart = np.flatnonzero(is_other & (places[1:] == places[:-1]))
    places, changes = places[apart], (numbers[apart] + numbers[apart + 1]) / 2
    if len(places) < _FEWEST_PLACES or (places[1:] == places[:-1]).any():
        return
    slope = float(Fraction(float(np.polyfit(places, changes, 1)[0])).limit_denominator(_SIMPLE))
    if slope not in (-1.0, 0.0, 1.0):
        weights = fine - slope * coarse
        yield weights, table.points @ weights, float(np.abs(weights) @ table.errors)


def _joined(points: Matrix, fine: Matrix, coarse: Matrix) -> Iterator[Matrix]:
    lines = points @ fine, points @ coarse
    for factor in _factors(*lines):
        yield fine + factor * coarse
    for factor in _factors(lines[1], lines[0])[2:]:
        yield factor * fine + coarse


def _factors(fine: Matrix, coarse: Matrix) -> list[float]:
    """Factors for the second number: a difference, a sum, and one that orders by it first."""
    gaps = np.diff(np.sort(coarse))
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return [-1.0, 1.0]
    return [-1.0, 1.0, float(2 * max(np.ptp(fine), 1e-3) / gaps.min())]
