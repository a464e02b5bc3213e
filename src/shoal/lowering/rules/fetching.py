"""Aggregates by terms of a head: copies of classes, or averages of numbers."""

from __future__ import annotations

from shoal.lowering.context import Context
from shoal.lowering.heads import Term
from shoal.lowering.offers import Offers
from shoal.lowering.rules.copy import copies
from shoal.lowering.rules.mean import averaged_number
from shoal.program.ir import Node


def can_fetch(context: Context, node: Node) -> bool:
    """Whether what is aggregated is held so that one head can fetch it as it is wished for."""
    wish, operand = context.wish_of(node), context.first(node.inputs[1])
    return wish.is_number or operand.form == wish or operand.as_indicators is not None


def fetched(context: Context, node: Node, terms: list[Term]) -> Offers[None]:
    """Heads that fetch what is aggregated by some terms, in place of those of the selector."""
    if context.wish_of(node).is_number:
        yield from averaged_number(context, node, terms)
    else:
        yield from copies(context, node, context.form_of(node), node.label, terms)
