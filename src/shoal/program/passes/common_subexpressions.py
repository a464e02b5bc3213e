"""Common subexpressions: what is computed twice is computed once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from shoal.program.facts import Inferred
from shoal.program.graph import Node, Program, build_program
from shoal.program.rewriting import Rewrite, rewritten
from shoal.program.trace import PositionMatrix, PositionTable
from shoal.program.value_sets import ValueSet
from shoal.rasp.expressions import (
    Aggregate,
    RASPExpr,
    Select,
    SelectorAnd,
    SelectorOr,
    SOp,
    get_encoding,
)
from shoal.rasp.functions import (
    BinaryOperator,
    Composed,
    ConstantOperator,
    LinearCombination,
    UnaryOperator,
)
from shoal.rasp.values import Value, canonical_key, normalise, why_unusable

_TRANSPARENT = (
    BinaryOperator,
    Composed,
    ConstantOperator,
    LinearCombination,
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
    nodes, replaced = _merge(program, _identity)
    return build_program(nodes, replaced.get(program.root, program.root), program.causal)


def merge_equal_tables(inferred: Inferred) -> Rewrite:
    """Merge nodes whose facts show that they are the same value in the same form.

    Where tokens and indices alone decide, s-ops are compared at every pair of them. Other
    functions of the same operands are compared by their tables, in either order of the operands.
    """
    nodes, replaced = _merge(inferred.program, lambda node: _value(inferred, node))
    if not replaced:
        return Rewrite(inferred, 0)
    root = replaced.get(inferred.program.root, inferred.program.root)
    return Rewrite(rewritten(inferred, nodes, root), len(replaced), replaced)


def _merge(
    program: Program, identity: Callable[[Node], Hashable]
) -> tuple[list[Node], dict[int, int]]:
    """The nodes that are left, and for the others those that stand for them."""
    kept: dict[Hashable, Node] = {}
    replaced: dict[int, int] = {}
    for node in program:
        inputs = tuple(replaced.get(operand, operand) for operand in node.inputs)
        node = replace(node, inputs=inputs)
        key = identity(node)
        first = kept.get(key)
        if first is None:
            kept[key] = node
            continue
        replaced[node.id] = first.id
        names = [node.expression.name] if node.expression.is_named else []
        further = dict.fromkeys([*first.aliases, *names, *node.aliases])
        aliases = tuple(name for name in further if name != first.label)
        expression = first.expression
        if node.is_kept:
            expression = expression.annotated(keep=True)
        kept[key] = replace(first, aliases=aliases, expression=expression)
    return list(kept.values()), replaced


def _identity(node: Node) -> Hashable:
    """What two nodes must share to be the same value in the same form."""
    expression = node.expression
    encoding = get_encoding(expression) if isinstance(expression, SOp) else None
    return (type(expression), node.inputs, encoding, _parameters(expression))


def _value(inferred: Inferred, node: Node) -> Hashable:
    """The same, of values instead of expressions."""
    expression = node.expression
    match expression:
        case Select():
            table = inferred.predicates[node.id]
            return (Select, node.inputs, table.shape, table.tobytes())
        case SelectorAnd() | SelectorOr():
            return (type(expression), tuple(sorted(node.inputs)))
        case SOp():
            return (get_encoding(expression), _s_op(inferred, node))
    return _identity(node)


def _s_op(inferred: Inferred, node: Node) -> Hashable:
    facts = inferred.sops[node.id]
    if not isinstance(facts.values, ValueSet):
        return (facts.values, _identity(node))
    classes = tuple(tuple(map(_constant_key, members)) for members in facts.values.classes)
    values = (classes, facts.values.nullable)
    if facts.local is not None:
        return ("local", values, facts.local.tobytes())
    if facts.table is not None:
        order = tuple(int(i) for i in np.argsort(node.inputs, kind="stable"))
        table = facts.table.transpose(order)
        inputs = tuple(node.inputs[i] for i in order)
        return ("table", values, inputs, table.shape, np.ascontiguousarray(table).tobytes())
    if isinstance(node.expression, Aggregate):
        used = inferred.widths[node.inputs[0]].low == 0
        default = _constant_key(normalise(node.expression.default)) if used else None
        return (Aggregate, values, node.inputs, default)
    return (values, _identity(node))  # what is known of equal widths may differ


def _parameters(expression: RASPExpr) -> Hashable:
    """What an expression holds besides its operands and annotations."""
    return tuple(
        _key(getattr(expression, field.name))
        for field in fields(expression)
        if field.name not in ("annotations", "simplify")
        and not isinstance(getattr(expression, field.name), RASPExpr)
    )


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
