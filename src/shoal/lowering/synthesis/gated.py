"""Gated steps: along the scalar operands, for each joint value of the one-hot ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from shoal.craft.fitting import power_of_two_above
from shoal.lowering.synthesis.lines import Line, projections
from shoal.lowering.synthesis.steps import changes_on, steps_at
from shoal.lowering.synthesis.tables import Candidate, Layer, Table
from shoal.rows import different_rows

_MOST_SCALARS = 3
"""Scalars of which some may matter where one gate is open, and others elsewhere."""

_MOST_PATTERNS = 4
"""Joint values of gates for each of which a line of its own is looked for."""


def gated_steps(table: Table) -> Iterator[Candidate]:
    """Steps along the scalar operands, for each joint value of one or more one-hot operands.

    With a gate g above any |slope (x - end)|, relu(slope (x - end) + g (picked - k)) is a neuron
    that is off unless all k one-hot dimensions are picked. The gate is no larger than it has to
    be, since what it adds has to cancel. No bias is used, so that None operands, which open no
    gate, give None.
    """
    scalars = [i for i, operand in enumerate(table.operands) if not operand.form.picks_one]
    if not 0 < len(scalars) < len(table.operands):
        return
    gates = np.repeat([o.form.picks_one for o in table.operands], [o.width for o in table.operands])
    lines = list(projections(table, scalars))
    for line in lines:
        yield from _gated_along(table, gates, [line])
    if 1 < len(scalars) <= _MOST_SCALARS and _patterns(table, gates) <= _MOST_PATTERNS:
        fewer = (c for n in range(1, len(scalars)) for c in combinations(scalars, n))
        more = [line for chosen in fewer for line in projections(table, chosen)]
        yield from _gated_along(table, gates, [*more, *lines])


def _patterns(table: Table, gates: npt.NDArray[np.bool_]) -> int:
    """How many joint values the gates have."""
    return len(different_rows(table.points[:, gates])[0])


def _gated_along(
    table: Table, gates: npt.NDArray[np.bool_], lines: Sequence[Line]
) -> Iterator[Candidate]:
    """Steps where the coordinates that are gates [coordinates] are picked.

    For each of their joint values along the line that takes the fewest; nothing if none will do.
    """
    picked = table.points[:, gates]
    count = sum(operand.form.picks_one for operand in table.operands)
    open_rows = picked.sum(axis=1) == count
    if table.results[~open_rows].any():
        return
    groups = []
    first, which = different_rows(picked[open_rows])
    patterns = picked[open_rows][first]
    order = np.flatnonzero(open_rows)[np.argsort(which, kind="stable")]
    ends = np.cumsum(np.bincount(which, minlength=len(patterns)))
    for pattern, rows in zip(patterns, np.split(order, ends)[:-1], strict=True):
        found = [
            (changes, weights, line)
            for weights, line, error in lines
            if (changes := changes_on(line[rows], table.results[rows], error)) is not None
        ]
        if not found:
            return
        changes, weights, line = min(found, key=lambda each: each[0].neurons)
        base, slopes, starts, jumps = steps_at(changes)
        gate = np.zeros(table.points.shape[1])
        gate[gates] = pattern
        if base.any():
            groups.append((gate[:, None], np.array([1.0 - count]), base[None, :]))
        strength = power_of_two_above(np.abs(slopes) * float(np.ptp(line)) + 1)
        into = np.outer(weights, slopes) + np.outer(gate, strength)
        groups.append((into, -slopes * starts - strength * count, jumps))
    if groups:
        columns, thresholds, outs = zip(*groups, strict=True)
        bias = np.zeros(table.results.shape[1])
        layer = Layer(np.hstack(columns), np.concatenate(thresholds), np.vstack(outs), bias)
        yield Candidate(len(layer.threshold), lambda: layer)
