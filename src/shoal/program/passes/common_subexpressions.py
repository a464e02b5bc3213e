"""Common subexpressions: what is computed twice is computed once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import fields, replace

from shoal.program.graph import Node, Program, build_program
from shoal.rasp.expressions import RASPExpr, SOp, get_encoding
from shoal.rasp.values import canonical_key


def merge_common_subexpressions(program: Program) -> Program:
    """Merge nodes of one kind that have the same operands, functions and encoding.

    Functions are the same if they compare equal; a lambda equals only itself. A merged node
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
    parameters: list[Hashable] = []
    for field in fields(expression):
        content = getattr(expression, field.name)
        if field.name in ("annotations", "simplify") or isinstance(content, RASPExpr):
            continue
        if field.name in ("fill", "default"):
            content = canonical_key(content)  # 1 and True are different constants
        try:
            hash(content)
        except TypeError:
            content = id(content)
        parameters.append(content)
    return tuple(parameters)
