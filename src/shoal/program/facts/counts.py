"""Counts: s-ops that are functions of a width, and of one s-op more at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from shoal.arrays import Array, Int
from shoal.program.facts.combinations import conjuncts
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import Inferred
from shoal.program.facts.lookup import NONE, Lookup
from shoal.program.facts.orders import is_order
from shoal.program.ir import ELEMENTWISE, Node, Op


@dataclass(frozen=True, eq=False)
class Count:
    """An s-op that is a function of a width, and at most of one s-op besides.

    Attributes:
        matching: the selectors that all hold for what is counted, but for the order.
        order: the select that compares by an order, if there is one.
        widths: the values that the width has.
        classes: [widths, classes of the other s-op, or 1], the class for each.
        by_way_of: the s-ops between, by node id, itself and the width included.
        flag: the other s-op, by node id, if there is one.
    """

    matching: tuple[Node, ...]
    order: Node | None
    widths: Int[Array, " widths"]
    classes: Int[Array, "widths flags"]
    by_way_of: tuple[int, ...]
    flag: int | None = None


def count_in(facts: Inferred, node: Node) -> Count | None:
    """Of what an s-op is a count, or a function of one; None if it is none."""
    domain = facts.domain(node.id)
    if not isinstance(domain, Enumerated) or domain.nullable:
        return None
    if node.op is Op.WIDTH:
        widths = [(w, number) for number, c in enumerate(domain.classes) for w in c]
        if not all(isinstance(w, int) for w, _ in widths):
            return None
        parts = list(conjuncts(facts.program, facts.program.node(node.inputs[0])))
        orders = [part for part in parts if _compares(facts, part)]
        if len(orders) > 1:
            return None
        rest = tuple(part for part in parts if part not in orders)
        values, classes = np.array(widths, dtype=int).reshape(-1, 2).T
        return Count(rest, next(iter(orders), None), values, classes[:, None], (node.id,))
    table = facts.sops[node.id].table
    if node.op not in ELEMENTWISE or not 1 <= len(node.inputs) <= 2 or table is None:
        return None
    for axis, number in enumerate(node.inputs):
        known = count_in(facts, facts.program.node(number))
        others = [other for other in node.inputs if other != number]
        if known is not None and not (others and known.flag is not None):
            found = replace(known, by_way_of=(node.id, *known.by_way_of))
            return _of_operands(facts, found, table, axis, others)
    return None


def _of_operands(
    facts: Inferred, known: Count, table: Lookup, axis: int, others: Sequence[int]
) -> Count | None:
    """What is a function of a count, on an axis of its table, and of what else there is."""
    if not others:
        return replace(known, classes=table([known.classes]))
    (flag,) = others
    domain = facts.domain(flag)
    if not isinstance(domain, Enumerated) or domain.nullable:
        return None
    entries = table.entries if axis == 0 else table.entries.T
    classes = np.where(known.classes >= 0, entries[np.maximum(known.classes[:, 0], 0)], NONE)
    return replace(known, classes=classes, flag=flag)


def _compares(facts: Inferred, part: Node) -> bool:
    """Whether a select puts the values of an s-op in an order."""
    if part.op is not Op.SELECT or part.inputs[0] != part.inputs[1]:
        return False
    holds = facts.predicates[part.id]
    return len(holds) > 1 and is_order(holds)
