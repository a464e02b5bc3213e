"""Common subexpressions: what is computed twice is computed once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import Inferred
from shoal.program.ir import Node, Op, Program, build_program
from shoal.program.rewriting import Rewrite, rewritten
from shoal.program.trace import PositionMatrix, PositionTable, of_one_operand
from shoal.rasp.functions import (
    BinaryOperator,
    Composed,
    ConstantOperator,
    Element,
    LinearCombination,
    OfOneOperand,
    UnaryOperator,
)
from shoal.rasp.values import Value, canonical_key, why_unusable

_TRANSPARENT = (
    BinaryOperator,
    Composed,
    ConstantOperator,
    Element,
    LinearCombination,
    OfOneOperand,
    PositionMatrix,
    PositionTable,
    UnaryOperator,
)
"""Functions that are the same if what they hold is; of users' functions nobody can say."""


def merge_common_subexpressions(program: Program) -> Program:
    """Merge nodes of one kind that have the same operands, functions and encoding.

    Operators are the same if their constants are; any other function is only itself. A merged node
    keeps the first node's label, and the other nodes' names as aliases.
    """
    nodes, replaced = _merge(program, _identity, of_one_operand)
    outputs = {name: replaced.get(number, number) for name, number in program.outputs.items()}
    return build_program(nodes, outputs, program.causal)


def merge_equal_tables(inferred: Inferred) -> Rewrite:
    """Merge nodes whose facts show that they are the same value in the same form.

    Where tokens and indices alone decide, s-ops are compared at every pair of them. Other
    functions of the same operands are compared by their tables, in either order of the operands.
    """
    nodes, replaced = _merge(inferred.program, lambda node: _value(inferred, node))
    if not replaced:
        return Rewrite(inferred, 0)
    merged = rewritten(inferred, nodes, replaced=replaced)
    return Rewrite(merged, len(replaced), replaced)


def _merge(
    program: Program,
    identity: Callable[[Node], Hashable],
    simplified: Callable[[Node], Node] = lambda node: node,
) -> tuple[list[Node], dict[int, int]]:
    """The nodes that are left, and for the others those that stand for them."""
    kept: dict[Hashable, Node] = {}
    replaced: dict[int, int] = {}
    for node in program:
        inputs = tuple(replaced.get(operand, operand) for operand in node.inputs)
        node = simplified(node if inputs == node.inputs else replace(node, inputs=inputs))
        key = identity(node)
        first = kept.get(key)
        if first is None:
            kept[key] = node
            continue
        replaced[node.id] = first.id
        names = [] if node.name is None else [node.name]
        further = dict.fromkeys([*first.aliases, *names, *node.aliases])
        aliases = tuple(name for name in further if name != first.label)
        kept[key] = replace(
            first,
            aliases=aliases,
            is_kept=first.is_kept or node.is_kept,
            is_unique=first.is_unique or node.is_unique,
        )
    return list(kept.values()), replaced


def _identity(node: Node) -> Hashable:
    """What two nodes must share to be the same value in the same form."""
    return (node.op, node.inputs, _wish(node), _parameters(node))


def _wish(node: Node) -> Hashable:
    return (node.is_numerical, node.form)


def _value(inferred: Inferred, node: Node) -> Hashable:
    """The same, of values instead of functions."""
    if node.op is Op.SELECT:
        table = inferred.predicates[node.id]
        return (Op.SELECT, node.inputs, table.shape, table.tobytes())
    if node.op in (Op.AND, Op.OR):
        return (node.op, tuple(sorted(node.inputs)))
    return (_wish(node), _s_op(inferred, node)) if node.is_sop else _identity(node)


def _s_op(inferred: Inferred, node: Node) -> Hashable:
    facts = inferred.sops[node.id]
    if not isinstance(facts.domain, Enumerated):
        return (facts.domain, _identity(node))
    values = facts.domain.identity
    if facts.local is not None and node.op not in (Op.WIDTH, Op.AGGREGATE):
        return ("local", values, facts.local.tobytes())
    if facts.table is not None:
        order = tuple(int(i) for i in np.argsort(node.inputs, kind="stable"))
        entries = facts.table.entries.transpose(order)
        inputs = tuple(node.inputs[i] for i in order)
        return ("table", values, inputs, entries.shape, np.ascontiguousarray(entries).tobytes())
    if node.op is Op.AGGREGATE:
        used = inferred.widths[node.inputs[0]].low == 0
        return (Op.AGGREGATE, values, node.inputs, _constant_key(node.value) if used else None)
    return (values, _identity(node))  # what is known of equal widths may differ


def _parameters(node: Node) -> Hashable:
    """What a node holds besides its operands and what the user wishes."""
    return (_key(node.function), _key(node.value), _key(node.factors))


def _key(content: Any) -> Hashable:
    """A key that tells constants of different types apart: x + 1 is not x + 1.0."""
    if isinstance(content, _TRANSPARENT):
        return (type(content), *(_key(getattr(content, f.name)) for f in fields(content)))
    if type(content) is tuple:
        return tuple(map(_key, content))
    if callable(content) or why_unusable(content) is not None:
        return id(content)  # such as a list, which equals nothing that could stand for it
    return _constant_key(content)


def _constant_key(value: Value) -> Hashable:
    """A key by which values are the same only if they are equal, whatever their ``repr``."""
    return (canonical_key(value), value)
