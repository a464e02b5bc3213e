"""How many positions of one input can have the same value: that of first occurrences, say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

import numpy as np
import numpy.typing as npt

from shoal.program.facts.combinations import conjuncts
from shoal.program.facts.distinct import is_total_order, selects_one_value
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import Inferred, Occurrences, Predicate, SOpFacts
from shoal.program.facts.lookup import UNDEFINED
from shoal.program.ir import ELEMENTWISE, Node, Op
from shoal.rows import different_rows


def with_occurrences(facts: Inferred, node: Node, known: SOpFacts) -> SOpFacts:
    """What is known about an s-op, and how often each of its values can occur in one input.

    Args:
        facts: about its operands.
        node: the s-op.
        known: about itself.
    """
    if not isinstance(known.domain, Enumerated):
        return known
    if known.distinct:
        return replace(known, occurs=np.ones(len(known.domain), dtype=int))
    if node.op is Op.WIDTH:
        ranks = _ranks_in_groups(facts, facts.program.node(node.inputs[0]))
        if ranks is not None:
            return replace(known, occurs=_of_ranks(known.domain, *ranks, facts.max_seq_len))
    if node.op in ELEMENTWISE and known.table is not None:
        return replace(known, occurs=_of_table(facts, node, known))
    return known


def most_occurrences(
    matches: npt.NDArray[np.bool_], occurs: Occurrences | None, max_seq_len: int
) -> int:
    """The greatest number of positions whose key one query matches.

    Args:
        matches: [query classes, key classes], whether a query matches a key.
        occurs: of the keys.
        max_seq_len: the greatest number of tokens.
    """
    if occurs is None:
        return max_seq_len
    return min(max_seq_len, int((matches @ occurs).max(initial=0)))


def _of_ranks(domain: Enumerated, groups: int, start: int, max_seq_len: int) -> Occurrences:
    """Of ranks in groups: once in each group that is so large; what is below the first, never."""
    sizes = [[v + 1 - start for v in c if isinstance(v, int)] for c in domain.classes]
    most = [sum(min(groups, max_seq_len // n) for n in own if n > 0) for own in sizes]
    return np.array(most)


def _of_table(facts: Inferred, node: Node, known: SOpFacts) -> Occurrences | None:
    """Of a function: as often as the values of any one operand that it comes from."""
    assert known.table is not None
    assert isinstance(known.domain, Enumerated)
    found: Occurrences | None = None
    for axis, operand in enumerate(node.inputs):
        occurs = facts.sops[operand].occurs
        if occurs is None:
            continue
        most = np.zeros(len(known.domain), dtype=int)
        for rows, times in zip(np.moveaxis(known.table.entries, axis, 0), occurs, strict=True):
            classes = np.unique(rows)
            most[classes[classes >= 0]] += times
        found = np.minimum(most, facts.max_seq_len if found is None else found)
    return found


def _ranks_in_groups(facts: Inferred, selector: Node) -> tuple[int, int] | None:
    """Into how many groups positions fall, and the first of the ranks in each; None if in none."""
    found = _order_and_groups(facts, selector)
    if found is None:
        return None
    order, groups = found
    return prod(groups.values()), int(facts.predicates[order.id][0, 0])


def selects_one(facts: Inferred, selector: Node) -> bool:
    """Whether each query selects one key at most, by its rank in a group.

    Of the keys of one group no two have the same rank in it. So it is if parts of a conjunction
    select one rank, and what is in the query's group.
    """
    if selector.op is not Op.AND:
        return False
    parts = [p for p in conjuncts(facts.program, selector) if p.op is Op.SELECT]
    groups = {known[0] for part in parts if (known := _group(facts, part)) is not None}
    for part in parts:
        key = facts.program.node(part.inputs[0])
        if key.op is Op.WIDTH:
            found = _order_and_groups(facts, facts.program.node(key.inputs[0]))
            is_in_group = found is not None and found[1].keys() <= groups
            if is_in_group and selects_one_value(facts, key, facts.predicates[part.id] == 1):
                return True
    return False


_Group = tuple[int, bytes]
"""What is the same for selects of the same groups: the node that they compare, and how."""


def _order_and_groups(facts: Inferred, selector: Node) -> tuple[Node, Mapping[_Group, int]] | None:
    """The one part of a conjunction that compares values which differ by a total order.

    And the others, each of which selects what is in the query's group, with how many groups there
    are. None if a selector is no such conjunction.
    """
    orders: list[Node] = []
    groups: dict[_Group, int] = {}
    for part in conjuncts(facts.program, selector):
        if part.op is not Op.SELECT:
            return None
        if _is_ordered(facts, part):
            orders.append(part)
            continue
        known = _group(facts, part)
        if known is None:
            return None
        groups[known[0]] = known[1]
    return (orders[0], groups) if len(orders) == 1 else None


def _group(facts: Inferred, part: Node) -> tuple[_Group, int] | None:
    """Which groups a select is about, and how many there are; None if it is about none."""
    key, query = part.inputs
    if key != query or facts.domain(key).nullable:
        return None
    table = facts.predicates[part.id]
    number = _number_of_groups(table)
    return None if number is None else ((key, table.tobytes()), number)


def _is_ordered(facts: Inferred, select: Node) -> bool:
    """Whether widths are ranks; under a causal mask, if no key that comes later is selected."""
    if not is_total_order(facts, select):
        return False
    holds = facts.predicates[select.id] == 1
    key = facts.program.node(select.inputs[0])
    return not facts.program.causal or (key.op is Op.INDICES and not np.triu(holds, 1).any())


def _number_of_groups(holds: Predicate) -> int | None:
    """How many there are, if each query matches the keys of its own group; None if not."""
    if not holds.size or (holds == UNDEFINED).any() or not np.diagonal(holds).all():
        return None
    first, group = different_rows(holds)
    return len(first) if (holds == (group[:, None] == group)).all() else None
