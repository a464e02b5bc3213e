"""From a program with facts to variables and operations, one component per expression."""

from __future__ import annotations

from shoal.errors import Refusal, UnsupportedProgramError
from shoal.lowering.attention import lower_aggregate, lower_width
from shoal.lowering.builder import Builder
from shoal.lowering.elementwise import lower_elementwise
from shoal.lowering.inputs import lower_input
from shoal.lowering.lowered import LoweredProgram
from shoal.program.facts.inferred import Inferred
from shoal.program.ir import Op

LOWERING_PASSES = ("views", "cones", "split-selectors", "shared-heads")
"""What lowering does beyond one component for each expression.

* views: values that are affine in others cost nothing;
* cones: elementwise values are offered over several cuts, of which the allocator picks;
* split-selectors: widths are offered as sums of widths that need no computed keys and queries;
* shared-heads: aggregates by one selector that run in one half-layer become one head.
"""


def lower(inferred: Inferred, passes: tuple[str, ...] = ()) -> LoweredProgram:
    """Lower every s-op of a program; selectors are lowered with what reads them.

    Args:
        inferred: a program with its facts.
        passes: those of ``LOWERING_PASSES`` that are switched on.

    Raises:
        UnsupportedProgramError: an expression cannot be lowered; the message says why.
    """
    builder = Builder(inferred, passes)
    for node in inferred.program:
        if not node.is_sop:
            continue
        match node.op:
            case Op.TOKENS | Op.INDICES:
                lower_input(builder, node)
            case Op.CONSTANT | Op.MAP | Op.LINEAR:
                lower_elementwise(builder, node)
            case Op.WIDTH:
                lower_width(builder, node)
            case Op.AGGREGATE:
                lower_aggregate(builder, node)
            case other:
                raise UnsupportedProgramError(
                    Refusal.UNKNOWN_EXPRESSION,
                    node.label,
                    f"{other} cannot be lowered",
                    "express it by Map, SequenceMap, Aggregate or SelectorWidth",
                )
    return builder.finish()
