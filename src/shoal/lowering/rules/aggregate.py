"""What rules for aggregates share: their default, their heads, and what sharing means."""

from __future__ import annotations

from shoal.craft.affine import AffineMap, Matrix
from shoal.lowering.context import Context
from shoal.lowering.heads import IF_NOTHING_ELSE, Term, head, terms_read
from shoal.lowering.held import Errors, Held
from shoal.lowering.offers import Offer
from shoal.program.ir import Node
from shoal.rasp.values import Value


def default_of(context: Context, node: Node) -> Value:
    """The default, or None where it is never used."""
    used = context.inferred.widths[node.inputs[0]].low == 0
    return node.value if used else None


def aggregated(
    context: Context,
    node: Node,
    held: Held,
    operand: Held,
    terms: list[Term],
    value: AffineMap,
    value_at_bos: Matrix,
    errors: Errors,
) -> Offer:
    """The offer of a head; those by one selector may become one.

    Heads of selector widths may not: they score BOS otherwise.

    Args:
        context: what is known.
        node: the aggregate.
        held: what is written into a variable of its own.
        operand: what is averaged.
        terms: the selector.
        value: from the operand's directions to what is written.
        value_at_bos: what is written where nothing is selected.
        errors: of what is written.
    """
    (name,) = held.variables
    made = head(name, terms, value, value_at_bos, IF_NOTHING_ELSE, context.inferred.work)
    reads = (*terms_read(terms), *operand.variables)
    selector = context.node(node.inputs[0]).label
    sharing = selector if "shared-heads" in context.passes else None
    return Offer(held, made, reads, errors, node.label, sharing)
