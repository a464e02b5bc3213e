"""Hinges: straight lines from row to row along a line, one neuron for each change of slope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np

from shoal.contract import HINGE_TOLERANCE, TABLE_TOLERANCE
from shoal.craft.affine import Matrix
from shoal.lowering.synthesis.lines import projected
from shoal.lowering.synthesis.tables import Candidate, Layer, Table

_HINGE_GRID = 16
_LARGEST_HINGE = 32
_MOST_HINGES = 32
"""Hinges are between multiples of 1/16 up to 32, and at most 32: all sums of products are then
multiples of 1/256 below 2**15, which float32 adds up exactly in whatever order."""

_MOST_OFF_GRID = 256
"""Elsewhere; what they make of noise, and rounding of them, is looked at."""

_LEAST_GAP = 1e-3
"""Between the numbers of two rows off the grid; slopes would be large."""

_NO_KINK = 1e-6
"""A slope that changes by no more is the same."""


def hinges(table: Table, lines: Iterable[Matrix]) -> Iterator[Candidate]:
    """One neuron wherever the slope changes; noise is passed on, so mostly on a coarse grid.

    Numbers that rise so slowly that noise does no harm may lie anywhere.

    Args:
        table: what is computed.
        lines: weights [coordinates] by which all operands are one number.
    """
    if all(operand.form.picks_one for operand in table.operands):
        return
    for weights, line, error in projected(table, lines):
        on_line = _on_line(line, table.results)
        if on_line is None:
            continue
        places, values = on_line
        for sign in (1.0, -1.0):
            made = _hinges_on(sign * places[:: int(sign)], values[:: int(sign)], error)
            if made is not None:
                base, starts, slopes, exact = made
                into = np.outer(sign * weights, np.ones(len(starts)))
                build = partial(Layer, into, -starts, slopes, base)
                tolerance = HINGE_TOLERANCE if exact else TABLE_TOLERANCE
                yield Candidate(len(starts), build, tolerance, exact)


def _on_line(line: Matrix, results: Matrix) -> tuple[Matrix, Matrix] | None:
    """The numbers of rows in order, each once, and the results [numbers, results] there.

    None if rows with different results meet, or several results would be off the grid.
    """
    if results.shape[1] > 1 and not _on_grid(line):  # most lines are not, and this is soon seen
        return None
    places, first, inverse = np.unique(line, return_index=True, return_inverse=True)
    values = results[first]
    if np.abs(results - values[inverse.ravel()]).max(initial=0.0) > 1e-9:
        return None
    return None if np.diff(places).min(initial=1.0) < _LEAST_GAP else (places, values)


def _hinges_on(
    places: Matrix, values: Matrix, error: float
) -> tuple[Matrix, Matrix, Matrix, bool] | None:
    """Straight lines between places: base + sum of slopes[j] * relu(x - starts[j]).

    These are base [results], starts [neurons] and slopes [neurons, results], and whether all of it
    is on the grid; None if it is not, and takes too much or passes too much noise on.

    Args:
        places: different numbers in ascending order.
        values: [places, results], what they are to become.
        error: how far off the numbers may be.
    """
    rise = np.diff(values, axis=0) / np.diff(places)[:, None]
    change = np.diff(rise, axis=0, prepend=0.0)
    on_grid = all(map(_on_grid, (places, values, change)))
    kinks = change.any(axis=1) if on_grid else (np.abs(change) > _NO_KINK).any(axis=1)
    if kinks.sum() > (_MOST_HINGES if on_grid else _MOST_OFF_GRID):
        return None
    if not on_grid and (
        values.shape[1] > 1 or np.abs(rise).max(initial=0.0) * error > TABLE_TOLERANCE
    ):
        return None
    return values[0], places[:-1][kinks], change[kinks], on_grid


def _on_grid(numbers: Matrix) -> bool:
    fine = numbers * _HINGE_GRID
    return bool((fine == np.rint(fine)).all() and np.abs(numbers).max(initial=0) <= _LARGEST_HINGE)
