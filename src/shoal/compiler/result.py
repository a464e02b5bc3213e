"""How the program's result is read from the last state of the stream."""

from __future__ import annotations

import numpy as np

from shoal.errors import UnsupportedProgramError
from shoal.lowering.lowered import LoweredProgram
from shoal.lowering.precision import coordinate_errors
from shoal.program.inference import Inferred
from shoal.program.value_sets import ValueRange
from shoal.rasp.expressions import is_numerical
from shoal.transformer.encoders import OutputDecoder

TOLERANCE = 1e-4
"""Numerical results are within this of the interpreter's, relative to max(1, size)."""


def require_distinct_results(inferred: Inferred) -> None:
    """Refuse a categorical program two of whose results look the same, but are not equal.

    Raises:
        UnsupportedProgramError: names such results.
    """
    root = inferred.program.node(inferred.program.root)
    if is_numerical(root.expression):  # type: ignore[arg-type]
        return
    for members in inferred.value_set(root, root.label).classes:
        different = [value for value in members if value != members[0]]
        if different:
            raise UnsupportedProgramError(
                f"{root.label}: the program can result in {members[0]!r} and in {different[0]!r}, "
                "which a float32 network cannot tell apart; annotate it with rasp.numerical, or "
                "round earlier"
            )


def require_precise(lowered: LoweredProgram) -> None:
    """Refuse a program whose result float32 arithmetic takes too far off.

    Raises:
        UnsupportedProgramError: says how far.
    """
    root = lowered.inferred.program.node(lowered.inferred.program.root)
    values = lowered.result_values
    view = lowered.result
    error = float(coordinate_errors(view, lowered.variables).max(initial=0.0))
    if is_numerical(root.expression) or isinstance(values, ValueRange):  # type: ignore[arg-type]
        numbers = [] if isinstance(values, ValueRange) else values.values
        smallest = min((abs(float(v)) for v in numbers if isinstance(v, int | float)), default=0.0)
        allowed = TOLERANCE * max(1.0, smallest)
    else:
        assert view.codes is not None
        gaps = np.diff(np.sort(view.codes[:, :1], axis=0), axis=0)
        allowed = 0.25 if view.one_hot else float(gaps.min(initial=4.0)) / 4
    if error > allowed:
        raise UnsupportedProgramError(
            f"{root.label}: float32 arithmetic may take its result off by {error:.1g}, more than "
            f"{allowed:.1g}; use smaller numbers, fewer of them, or a shorter max_seq_len"
        )


def output_decoder(lowered: LoweredProgram) -> OutputDecoder:
    """The decoder for a lowered program's result."""
    root = lowered.inferred.program.node(lowered.inferred.program.root)
    values = lowered.result_values
    if is_numerical(root.expression) or isinstance(values, ValueRange):  # type: ignore[arg-type]
        return OutputDecoder((), None, values.nullable)
    return OutputDecoder(values.values, lowered.result.codes, values.nullable)
