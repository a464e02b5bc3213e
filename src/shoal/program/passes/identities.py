"""Identities: aggregates that are a function of their own position, and need no attention.

Where all keys that a query can select hold one value, which the query determines, and it surely
selects some, their mean is that value: what equals a token is that token. Where all that is
selected surely has the value of the own position, which is selected, the mean is what is there: how
often a token occurs is alike wherever that token is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import networkx as nx
import numpy as np
import numpy.typing as npt

from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import Inferred, SOpFacts, choices, local_result
from shoal.program.facts.joint import TooManyRowsError, joint
from shoal.program.facts.lookup import UNDEFINED, Lookup
from shoal.program.ir import ELEMENTWISE, Node, Op
from shoal.program.rewriting import Rewrite, rewritten


def resolve_identities(inferred: Inferred) -> Rewrite:
    """Make aggregates that their own position determines maps."""
    changed: dict[int, Node] = {}
    sops: dict[int, SOpFacts] = {}
    for node in inferred.program:
        found = _as_map(inferred, node) if node.op is Op.AGGREGATE else None
        if found is not None:
            operand, table = found
            changed[node.id] = replace(node, op=Op.MAP, inputs=(operand,), value=None)
            known = inferred.sops[node.id]
            local = known.local
            if local is None:
                local = local_result(inferred, [operand], table)
            sops[node.id] = replace(known, table=table, mixture=False, local=local)
    if not changed:
        return Rewrite(inferred, 0)
    nodes = [changed.get(node.id, node) for node in inferred.program]
    return Rewrite(rewritten(inferred, nodes, sops), len(changed))


def _as_map(inferred: Inferred, node: Node) -> tuple[int, Lookup] | None:
    """The s-op at the same position of which an aggregate is a function, and the function."""
    selector, value = node.inputs
    widths = inferred.widths[selector]
    if widths.low == 0 or inferred.domain(value).nullable:
        return None
    selects = list(_conjuncts(inferred, inferred.program.node(selector)))
    alone = (widths.own and widths.high == 1) or is_everywhere_alike(inferred, value)
    if alone or any(_is_alike_where(inferred, select, value) for select in selects):
        table = _of_value(inferred, node)
        return None if table is None else (value, table)
    for select in selects:
        table = _of_query(inferred, node, select)
        if table is not None:
            return select.inputs[1], table
    return None


def is_everywhere_alike(inferred: Inferred, number: int) -> bool:
    """Whether an s-op surely has one value at all positions of an input."""
    return _is_told_by(inferred, number, None)


def _is_alike_where(inferred: Inferred, select: Node, value: int) -> bool:
    """Whether a select joins positions with one class of an s-op, which tells a value."""
    key, query = select.inputs
    holds = inferred.predicates[select.id] == 1
    joins_equals = key == query and not (holds & ~np.eye(len(holds), dtype=bool)).any()
    return joins_equals and _is_told_by(inferred, value, key)


def _is_told_by(inferred: Inferred, number: int, teller: int | None) -> bool:
    """Whether an s-op is alike at all positions of an input at which another one has one class.

    Args:
        inferred: the program.
        number: the s-op.
        teller: the other one; None for a constant.
    """
    program = inferred.program
    upstream = nx.ancestors(program.graph, number) | {number}
    told: set[int] = set()
    for node in program:
        if node.id in upstream and _is_told(inferred, node, teller, told):
            told.add(node.id)
    return number in told


def _is_told(inferred: Inferred, node: Node, teller: int | None, told: set[int]) -> bool:
    """The same of an s-op or selector of whose operands it is known which are told."""
    if node.id == teller or node.op is Op.CONSTANT:
        return True
    if node.op is Op.SELECT:
        holds, query = inferred.predicates[node.id], node.inputs[1]
        is_any = not inferred.domain(query).nullable and bool((holds == holds[:1]).all())
        return is_any or query in told
    if not node.is_sop:
        return told.issuperset(node.inputs)
    by_length = inferred.sops[node.id].by_length
    if by_length is not None and ((by_length == by_length[:, :1]) | (by_length == UNDEFINED)).all():
        return True
    if node.op in ELEMENTWISE:
        return told.issuperset(node.inputs)
    attends = node.op in (Op.WIDTH, Op.AGGREGATE) and not inferred.program.causal
    return attends and node.inputs[0] in told


def _conjuncts(inferred: Inferred, selector: Node) -> Iterator[Node]:
    """The selects that all hold where a selector does."""
    if selector.op is Op.SELECT:
        yield selector
    elif selector.op is Op.AND:
        for part in selector.inputs:
            yield from _conjuncts(inferred, inferred.program.node(part))


def _of_value(inferred: Inferred, node: Node) -> Lookup | None:
    """An aggregate by the class of what it averages, each by itself; None if that is not known."""
    values, results = inferred.domain(node.inputs[1]), inferred.domain(node.id)
    if not isinstance(values, Enumerated) or not isinstance(results, Enumerated):
        return None
    classes = [values.class_in(results, number) for number in range(len(values))]
    known = [number for number in classes if number is not None]
    return Lookup(np.array(known, dtype=np.int32)) if len(known) == len(classes) else None


def _of_query(inferred: Inferred, node: Node, select: Node) -> Lookup | None:
    """An aggregate by the class of the query, if all keys that it can select hold one value."""
    key, query = select.inputs
    values, results = inferred.domain(node.inputs[1]), inferred.domain(node.id)
    held = _held_by_keys(inferred, key, node.inputs[1])
    if held is None or inferred.domain(query).nullable or not isinstance(results, Enumerated):
        return None
    assert isinstance(values, Enumerated)
    holds = inferred.predicates[select.id] == 1
    meets = np.zeros((holds.shape[1], int(held[:, 1].max(initial=0)) + 1), dtype=bool)
    meets[held[:, 0], held[:, 1]] = True
    inferred.work.spend(holds.size * meets.shape[1] / 1000, node.label)
    reached = holds.astype(np.float32) @ meets.astype(np.float32) > 0
    if (reached.sum(axis=1) > 1).any():
        return None
    entries = np.full(len(holds), UNDEFINED, dtype=np.int32)
    for number in np.flatnonzero(reached.any(axis=1)).tolist():
        result = values.class_in(results, int(reached[number].argmax()))
        if result is None:
            return None
        entries[number] = result
    return Lookup(entries)


def _held_by_keys(inferred: Inferred, key: int, value: int) -> npt.NDArray[np.int_] | None:
    """[rows, 2], the classes that a key and a value can have at one position.

    None if the one says nothing about the other, or the key is not listed.
    """
    keys, facts = inferred.domain(key), inferred.sops[value]
    node = inferred.program.node(value)
    if not isinstance(keys, Enumerated) or not isinstance(facts.domain, Enumerated):
        return None
    if key == value:
        return np.repeat(np.arange(len(keys))[:, None], 2, axis=1)
    if facts.table is not None and node.inputs == (key,):
        entries = facts.table.entries
        there = np.flatnonzero(entries >= 0)
        return np.stack([there, entries[there]], axis=1)
    both = [choices(inferred, number) for number in (key, value)]
    if any(each.local is None and each.by_length is None for each in both):
        return None
    try:
        rows = joint(both, inferred.limits.table_entries)
    except TooManyRowsError:
        return None
    return rows[(rows >= 0).all(axis=1)]
