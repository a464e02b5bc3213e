"""Hinges: straight lines from row to row along a line, one neuron for each change of slope."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from shoal.contract import HINGE_TOLERANCE
from shoal.craft.affine import Matrix
from shoal.lowering.synthesis.lines import projections
from shoal.lowering.synthesis.tables import Candidate, Layer, Table

_HINGE_GRID = 16
_LARGEST_HINGE = 32
_MOST_HINGES = 32
"""Hinges are between multiples of 1/16 up to 32, and at most 32: all sums of products are then
multiples of 1/256 below 2**15, which float32 adds up exactly in whatever order."""


def hinges(table: Table) -> Iterator[Candidate]:
    """One neuron wherever the slope changes; noise is passed on, so only on a coarse grid."""
    if all(operand.form.picks_one for operand in table.operands):
        return
    for weights, line, _ in projections(table, range(len(table.operands))):
        for sign in (1.0, -1.0):
            made = _hinges_on(sign * line, table.results)
            if made is not None:
                base, starts, slopes = made
                into = np.outer(sign * weights, np.ones(len(starts)))
                build = partial(Layer, into, -starts, slopes, base)
                yield Candidate(len(starts), build, HINGE_TOLERANCE, exact=True)


def _hinges_on(line: Matrix, results: Matrix) -> tuple[Matrix, Matrix, Matrix] | None:
    """Straight lines between rows: base + sum of slopes[j] * relu(x - starts[j]).

    These are base [results], starts [neurons] and slopes [neurons, results]; None if rows with
    different results meet, or something is not on the grid.
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
