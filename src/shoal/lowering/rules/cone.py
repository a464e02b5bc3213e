"""Cones: an elementwise value is offered over other cuts of its cone."""

from __future__ import annotations

from shoal.lowering.context import Context
from shoal.lowering.cuts import cut_table, cuts
from shoal.lowering.making import offer_another
from shoal.lowering.offers import LeftOut, Offers
from shoal.lowering.rules.table import TABLES
from shoal.program.facts.joint import TooManyRowsError
from shoal.program.ir import Node


def cone(context: Context, node: Node) -> Offers[None]:
    """The node over other cuts, within the limits for fused tables."""
    if context.made_by.get(node.id) != TABLES or context.first(node.id).codes is None:
        return
    for cut in cuts(context, node)[1:]:
        context.inferred.work.spend(1, node.label)
        try:
            recipe = cut_table(context, node, cut, context.inferred.limits.fused_rows)
        except TooManyRowsError as error:
            yield LeftOut(f"{node.label} would take {error.rows:,} rows")
            continue
        if recipe is not None:
            yield from offer_another(context, recipe)
