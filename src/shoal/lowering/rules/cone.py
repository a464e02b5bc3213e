"""Cones: an elementwise value is offered over other cuts of its cone."""

from __future__ import annotations

from shoal.lowering.context import Context
from shoal.lowering.cuts import further_tables
from shoal.lowering.making import offer_others
from shoal.lowering.offers import Offers
from shoal.lowering.rules.table import TABLES
from shoal.program.ir import Node


def cone(context: Context, node: Node) -> Offers[None]:
    """The node over other cuts, within the limits for fused tables."""
    if context.made_by.get(node.id) == TABLES and context.first(node.id).codes is not None:
        yield from offer_others(context, further_tables(context, node))
