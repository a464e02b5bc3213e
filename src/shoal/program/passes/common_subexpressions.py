"""Common subexpressions: what is computed twice is computed once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from shoal.program.graph import Node, Program, build_program
from shoal.rasp.expressions import RASPExpr, SOp, get_encoding
from shoal.rasp.values import canonical_key


def merge_common_subexpressions(program: Program) -> Program:
    """Merge nodes of one kind that have the same operands, functions and encoding.

    Operators are the same if their constants are; any other function is only itself. A merged node
    keeps the first node's label, and the other nodes' names as aliases.
    """
    kept: dict[Hashable, Node] = {}
    replaced: dict[int, int] = {}
    for node in program:
        node = replace(node, inputs=tuple(replaced[operand] for operand in node.inputs))
        key = _identity(node)
        first = kept.get(key)
        if first is None:
            kept[key] = node
            replaced[node.id] = node.id
            continue
        replaced[node.id] = first.id
        names = [node.label] if node.expression.is_named else []
        aliases = (*first.aliases, *names, *node.aliases)
        expression = first.expression
        if node.is_kept:
            expression = expression.annotated(keep=True)
        kept[key] = replace(first, aliases=aliases, expression=expression)
    return build_program(list(kept.values()), replaced[program.root], program.causal)


def _identity(node: Node) -> Hashable:
    """What two nodes must share to be the same value in the same form."""
    expression = node.expression
    encoding = get_encoding(expression) if isinstance(expression, SOp) else None
    return (type(expression), node.inputs, encoding, _parameters(expression))


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
    if is_dataclass(content) and not isinstance(content, type):  # a function of our own
        return (type(content), *(_key(getattr(content, f.name)) for f in fields(content)))
    if callable(content):
        return id(content)
    return canonical_key(content)
