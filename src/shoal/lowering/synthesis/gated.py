"""Gated steps: along the scalar operands, for each joint value of the one-hot ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from shoal.craft.affine import Matrix
from shoal.craft.fitting import power_of_two_above
from shoal.lowering.synthesis.lines import projections
from shoal.lowering.synthesis.steps import steps_on
from shoal.lowering.synthesis.tables import Candidate, Layer, Table
from shoal.rows import different_rows


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
    for weights, line, error in projections(table, scalars):
        candidate = _gated_along(table, gates, weights, line, error)
        if candidate is not None:
            yield candidate


def _gated_along(
    table: Table, gates: npt.NDArray[np.bool_], weights: Matrix, line: Matrix, error: float
) -> Candidate | None:
    """Steps along numbers [rows], where the coordinates that are gates [coordinates] are picked."""
    picked = table.points[:, gates]
    count = sum(operand.form.picks_one for operand in table.operands)
    open_rows = picked.sum(axis=1) == count
    if table.results[~open_rows].any():
        return None
    span = float(np.ptp(line))
    groups = []
    first, which = different_rows(picked[open_rows])
    patterns = picked[open_rows][first]
    order = np.flatnonzero(open_rows)[np.argsort(which, kind="stable")]
    ends = np.cumsum(np.bincount(which, minlength=len(patterns)))
    for pattern, rows in zip(patterns, np.split(order, ends)[:-1], strict=True):
        made = steps_on(line[rows], table.results[rows], error)
        if made is None:
            return None
        base, slopes, starts, jumps = made
        gate = np.zeros(table.points.shape[1])
        gate[gates] = pattern
        if base.any():
            groups.append((gate[:, None], np.array([1.0 - count]), base[None, :]))
        strength = power_of_two_above(np.abs(slopes) * span + 1)
        into = np.outer(weights, slopes) + np.outer(gate, strength)
        groups.append((into, -slopes * starts - strength * count, jumps))
    if not groups:
        return None
    columns, thresholds, outs = zip(*groups, strict=True)
    bias = np.zeros(table.results.shape[1])
    layer = Layer(np.hstack(columns), np.concatenate(thresholds), np.vstack(outs), bias)
    return Candidate(len(layer.threshold), lambda: layer)
