"""Look-ups: with one-hot operands a neuron is an AND, one for each row of the table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from shoal.lowering.synthesis.tables import Candidate, Layer, Table


def look_up(table: Table) -> Iterator[Candidate]:
    """One neuron, or a ramp of two, for each row whose result is not the most frequent one."""
    points, results = table.points, table.results
    if not all(operand.form.picks_one for operand in table.operands):
        return
    bias = np.zeros(results.shape[1])
    if not any(operand.domain.nullable for operand in table.operands):
        kinds, counts = np.unique(results, axis=0, return_counts=True)
        bias = kinds[counts.argmax()]
    special = (results != bias).any(axis=1)

    def build() -> Layer:
        into = points[special].T
        threshold = np.full(into.shape[1], 1.0 - len(table.operands))
        return Layer(into, threshold, results[special] - bias, bias)

    def build_sharp() -> Layer:
        into = 2 * points[special].T
        threshold = np.full(into.shape[1], 1.5 - 2 * len(table.operands))
        jump = results[special] - bias
        return Layer(
            np.hstack([into, into]),
            np.concatenate([threshold, threshold - 1]),
            np.vstack([jump, -jump]),
            bias,
        )

    yield Candidate(int(special.sum()), build)
    yield Candidate(2 * int(special.sum()), build_sharp)
