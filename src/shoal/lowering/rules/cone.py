"""Cones: an elementwise value is offered over other cuts of its cone."""

from __future__ import annotations

from shoal.lowering.context import Context
from shoal.lowering.cuts import cut_table, cuts
from shoal.lowering.held import with_none
from shoal.lowering.making import Recipe, offer_another
from shoal.lowering.offers import LeftOut, Offers
from shoal.lowering.rules.table import TABLES
from shoal.program.facts.joint import TooManyRowsError
from shoal.program.ir import ELEMENTWISE, Node


def cone(context: Context, node: Node) -> Offers[None]:
    """The node over other cuts, within the limits for fused tables."""
    if node.op not in ELEMENTWISE or context.made_by.get(node.id) != TABLES:
        return
    variable, held = context.variables[node.label], context.first(node.id)
    if held.codes is None:
        return
    limits = context.inferred.limits
    for cut in cuts(context, node):
        context.inferred.work.spend(1, node.label)
        try:
            table = cut_table(context, node, cut, limits.fused_rows)
        except TooManyRowsError as error:
            yield LeftOut(f"{node.label} would take {error.rows:,} rows")
            continue
        if table is None:
            continue
        results = with_none(held.codes)[table.classes]
        recipe = Recipe(variable, held, table.operands, table.points, results, node.label)
        yield from offer_another(context, recipe)
