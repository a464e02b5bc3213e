"""Selector simplification: boolean algebra, and selects that do not look at their operands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from shoal.program.facts.domains import domain_of
from shoal.program.facts.inferred import Inferred, Predicate, SOpFacts, constant_facts
from shoal.program.facts.lookup import UNDEFINED
from shoal.program.ir import Node, Op
from shoal.program.rewriting import Rewrite, fresh_id, fresh_label, rewritten

CONSTANT = "constant"
"""Label of the s-op that selects read in place of operands that make no difference."""


@dataclass
class _Simplification:
    """The state of one run.

    Attributes:
        inferred: the program before.
        nodes: the new nodes by id.
        replaced: nodes that another one stands for.
        predicates: new tables.
        saved: how many selectors are simpler now.
    """

    inferred: Inferred
    nodes: dict[int, Node] = field(default_factory=dict)
    replaced: dict[int, int] = field(default_factory=dict)
    predicates: dict[int, Predicate] = field(default_factory=dict)
    saved: int = 0

    def table(self, number: int) -> Predicate | None:
        """[queries, keys], whether a select holds; None for other selectors."""
        if self.nodes[number].op is not Op.SELECT:
            return None
        return self.predicates.get(number, self.inferred.predicates.get(number))

    def always(self, number: int, holds: bool) -> bool:
        """Whether a selector surely selects everything, or nothing."""
        table = self.table(number)
        return table is not None and table.size > 0 and bool((table == int(holds)).all())


def simplify_selectors(inferred: Inferred) -> Rewrite:
    """Simplify selectors by the rules of boolean algebra.

    * not (not s) is s; s and s, s or s are s;
    * selecting everything, or nothing, in a combination decides it or drops out of it;
    * combinations of selects over the same keys and queries are one select;
    * a select whose predicate ignores its queries (or keys) does not read them.
    """
    state = _Simplification(inferred)
    constant = _constant_node(inferred)
    for original in inferred.program:
        inputs = tuple(state.replaced.get(operand, operand) for operand in original.inputs)
        node = original if inputs == original.inputs else replace(original, inputs=inputs)
        state.nodes[node.id] = node
        if node.is_sop:
            continue
        same_as = _same_as(state, node)
        if same_as is not None:
            state.replaced[node.id] = same_as
            del state.nodes[node.id]
            state.saved += 1
            continue
        _combine(state, node)
        _drop_operands(state, node.id, constant)
    if not state.saved:
        return Rewrite(inferred, 0)
    sops: dict[int, SOpFacts] = {}
    if constant.id in state.nodes:
        sops[constant.id] = constant_facts(inferred, domain_of([[True]]))
    first = [state.nodes[constant.id]] if constant.id in state.nodes else []
    nodes = [*first, *(node for node in state.nodes.values() if node.id != constant.id)]
    new = rewritten(inferred, nodes, sops, state.predicates)
    return Rewrite(new, state.saved, state.replaced)


def _constant_node(inferred: Inferred) -> Node:
    """The constant that selects read: the one that is there already, or a new first node."""
    for node in inferred.program:
        if node.id < 0 and node.op is Op.CONSTANT and node.value is True:
            return node
    label = fresh_label(inferred.program, CONSTANT)
    return Node(fresh_id(inferred.program), Op.CONSTANT, (), label, value=True)


def _same_as(state: _Simplification, node: Node) -> int | None:
    """The selector that a combination is equal to, if it is one of its parts."""
    match node.op:
        case Op.NOT:
            inner = state.nodes[node.inputs[0]]
            return inner.inputs[0] if inner.op is Op.NOT else None
        case Op.AND | Op.OR:
            deciding = node.op is Op.OR
            first, second = node.inputs
            if first == second:
                return first
            for one, other in ((first, second), (second, first)):
                if state.always(one, deciding):
                    return one
                if state.always(one, not deciding):
                    return other
    return None


def _combine(state: _Simplification, node: Node) -> None:
    """Make a combination of selects over the same keys and queries one select."""
    if node.op is Op.SELECT:
        return
    tables = [state.table(operand) for operand in node.inputs]
    over = {state.nodes[operand].inputs for operand in node.inputs}
    known = [table for table in tables if table is not None]
    if len(known) < len(tables) or len(over) != 1:
        return
    holds = [table == 1 for table in known]
    match node.op:
        case Op.NOT:
            result = ~holds[0]
        case Op.AND:
            result = holds[0] & holds[1]
        case Op.OR:
            result = holds[0] | holds[1]
        case _:
            return
    undefined = np.any([table == UNDEFINED for table in known], axis=0)
    table = np.where(undefined, UNDEFINED, result).astype(np.int32)
    _set_select(state, node, over.pop(), table)


def _drop_operands(state: _Simplification, number: int, constant: Node) -> None:
    """Let a select that ignores its queries or keys read a constant instead."""
    table = state.table(number)
    if table is None or not table.size:
        return
    key, query = state.nodes[number].inputs
    for axis in (0, 1):
        least = np.where(table == UNDEFINED, 2, table).min(axis=axis, keepdims=True)
        most = table.max(axis=axis, keepdims=True)
        ignored = bool(((least == 2) | (least == most)).all())
        if ignored and (query, key)[axis] != constant.id:
            table = most
            query, key = (constant.id, key) if axis == 0 else (query, constant.id)
    if (key, query) != state.nodes[number].inputs:
        state.nodes.setdefault(constant.id, constant)
        _set_select(state, state.nodes[number], (key, query), table)


def _set_select(
    state: _Simplification, node: Node, inputs: tuple[int, ...], table: Predicate
) -> None:
    state.nodes[node.id] = replace(node, op=Op.SELECT, inputs=inputs, function=None)
    state.predicates[node.id] = table
    state.saved += 1
