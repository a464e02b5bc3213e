"""Coded results: what is a view of a wide value is also offered as a code, from farther down.

A view takes no neurons and no columns of its own, but what it is a view of may be one-hot, with a
column for each value, though nothing else reads it.
"""

from __future__ import annotations

from shoal.forms.code import Code
from shoal.lowering.context import Context
from shoal.lowering.cuts import cut_table, cuts
from shoal.lowering.held import stored
from shoal.lowering.making import offer_another
from shoal.lowering.offers import LeftOut, Offers
from shoal.program.facts.joint import TooManyRowsError
from shoal.program.ir import Node


def coded_result(context: Context, node: Node) -> Offers[None]:
    """The code of a result that is a view of what has to be computed, over other cuts."""
    if node.id not in context.held or not context.is_for_decoder_alone(node):
        return
    inputs = {table.variable for table in context.inputs}
    first = context.first(node.id)
    if first.own is not None or inputs.issuperset(first.variables):
        return
    held = stored(Code(), node.label, context.domain(node.id), node.id)
    for cut in cuts(context, node)[1:]:
        try:
            recipe = cut_table(context, node, cut, context.inferred.limits.fused_rows, held)
        except TooManyRowsError as error:
            yield LeftOut(f"{node.label} would take {error.rows:,} rows")
            continue
        if recipe is not None:
            yield from offer_another(context, recipe)
