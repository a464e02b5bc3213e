"""How the program's result is read from the last state of the stream."""

from __future__ import annotations

from shoal.errors import UnsupportedProgramError
from shoal.lowering.lowered import LoweredProgram
from shoal.program.inference import Inferred
from shoal.program.value_sets import ValueRange
from shoal.rasp.expressions import is_numerical
from shoal.transformer.encoders import OutputDecoder


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


def output_decoder(lowered: LoweredProgram) -> OutputDecoder:
    """The decoder for a lowered program's result."""
    root = lowered.inferred.program.node(lowered.inferred.program.root)
    values = lowered.result_values
    if is_numerical(root.expression) or isinstance(values, ValueRange):  # type: ignore[arg-type]
        return OutputDecoder((), None, values.nullable)
    return OutputDecoder(values.values, lowered.result.codes, values.nullable)
