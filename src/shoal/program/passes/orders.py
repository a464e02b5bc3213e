"""Orders of tuples: what is compared by one value first, and then by another, is one value.

"Less, or equal and earlier" takes tuples of keys and tuples of queries, one-hot each, or a head for
each part of it. Where such a selector puts all pairs of two s-ops in an order, however it is
written, the place in that order is a function of the two, by which both sides are compared.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shoal.program.facts.by_length import with_places
from shoal.program.facts.distinct import with_positions
from shoal.program.facts.domains import domain_of
from shoal.program.facts.inferred import Inferred, SOpFacts
from shoal.program.facts.lookup import Lookup
from shoal.program.facts.orders import Order, order_of
from shoal.program.ir import Node, Op
from shoal.program.rewriting import Rewrite, fresh_id, fresh_label, rewritten

ORDERS = "orders"
"""The name of the pass."""


def compare_pairs(inferred: Inferred) -> Rewrite:
    """Make combinations of selects that put pairs in an order one select over their places."""
    current, saved = inferred, 0
    program = inferred.program
    read = {number for node in program if node.is_sop for number in node.inputs}
    for node in reversed(list(program)):  # what is made of others before these
        if node.id not in read or node.op not in (Op.AND, Op.OR, Op.NOT):
            continue
        order = order_of(current, node)
        if order is None:
            read.update(node.inputs)
        else:
            current = _by_place(current, node, order)
            saved += 1
    return Rewrite(current, saved)


def _by_place(inferred: Inferred, selector: Node, order: Order) -> Inferred:
    """The program in which a selector compares the places of pairs in an order."""
    count = len(order.holds)
    place = order.holds.sum(axis=1) - int(order.is_reflexive)
    shape = [len(inferred.listed(inferred.program.node(n), selector.label)) for n in order.operands]
    entries = np.zeros(shape, dtype=np.int32)  # all of it is filled
    entries[tuple(order.rows.T)] = place
    facts = SOpFacts(domain_of([number] for number in range(count)), Lookup(entries))
    label = fresh_label(inferred.program, f"{selector.label}.place")
    pair = Node(fresh_id(inferred.program), Op.MAP, order.operands, label)
    facts = with_positions(inferred, pair, with_places(inferred, pair, facts))
    compared = replace(selector, op=Op.SELECT, inputs=(pair.id, pair.id), function=None)
    nodes = [
        new
        for node in inferred.program
        for new in ((pair, compared) if node.id == selector.id else (node,))
    ]
    holds = np.tri(count, k=0 if order.is_reflexive else -1, dtype=np.int32)
    return rewritten(inferred, nodes, {pair.id: facts}, {selector.id: holds})
