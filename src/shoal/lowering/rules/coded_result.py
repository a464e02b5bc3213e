"""Coded results: what is a view of a wide value is also offered as a code, from farther down.

A view takes no neurons and no columns of its own, but what it is a view of may be one-hot, with a
column for each value, though nothing else reads it.
"""

from __future__ import annotations

from shoal.lowering.context import Context
from shoal.lowering.cuts import further_tables
from shoal.lowering.held import stored
from shoal.lowering.making import offer_others
from shoal.lowering.offers import Offers
from shoal.program.ir import Node


def coded_result(context: Context, node: Node) -> Offers[None]:
    """The code of a result that is a view of what has to be computed, over other cuts."""
    code = context.code_of(node)
    if node.id not in context.held or code is None:
        return
    inputs = {table.variable for table in context.inputs}
    first = context.first(node.id)
    is_narrow = len(first.coordinates.source) <= len(code.parts(context.domain(node.id)))
    if first.own is not None or is_narrow or inputs.issuperset(first.variables):
        return
    held = stored(code, node.label, context.domain(node.id), node.id)
    yield from offer_others(context, further_tables(context, node, held))
