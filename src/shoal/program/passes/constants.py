"""Constant folding: what has one value is a constant, and readers of constants lose an operand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shoal.program.facts import Inferred, SOpFacts, constant_facts
from shoal.program.graph import Node
from shoal.program.rewriting import Rewrite, Tabulated, argument_sets, rewritten
from shoal.program.value_sets import Values, ValueSet
from shoal.rasp.expressions import (
    Full,
    IndicesType,
    LinearSequenceMap,
    Map,
    SequenceMap,
    SOp,
    TokensType,
)


def fold_constants(inferred: Inferred) -> Rewrite:
    """Replace s-ops of a single value by constants, and drop constant operands.

    Inputs stay, since the embedding provides them for nothing. A value that is always None
    is a constant as well.
    """
    nodes: list[Node] = []
    sops: dict[int, SOpFacts] = {}
    for node in inferred.program:
        folded = None
        if node.is_sop and not isinstance(node.expression, TokensType | IndicesType | Full):
            folded = _constant(inferred, node) or _without_constant_operand(inferred, node)
        if folded is None:
            nodes.append(node)
        else:
            nodes.append(folded[0])
            sops[node.id] = folded[1]
    if not sops:
        return Rewrite(inferred, 0)
    return Rewrite(rewritten(inferred, nodes, inferred.program.root, sops), len(sops))


def _is_constant(values: Values) -> bool:
    return isinstance(values, ValueSet) and values.is_constant


def _constant(inferred: Inferred, node: Node) -> tuple[Node, SOpFacts] | None:
    values = inferred.sops[node.id].values
    if not _is_constant(values):
        return None
    assert isinstance(values, ValueSet)
    fill = None if values.nullable else values.values[0]
    constant = Full(fill, annotations=node.expression.annotations)
    return replace(node, expression=constant, inputs=()), constant_facts(inferred, values)


def _without_constant_operand(inferred: Inferred, node: Node) -> tuple[Node, SOpFacts] | None:
    """A function of a constant and another operand is a map of that operand.

    Linear combinations stay what they are: they are free already, whatever they combine.
    """
    facts = inferred.sops[node.id]
    if not isinstance(node.expression, SequenceMap) or facts.table is None:
        return None
    if isinstance(node.expression, LinearSequenceMap):
        return None
    constant = [_is_constant(inferred.sops[operand].values) for operand in node.inputs]
    if facts.table.ndim != 2 or sum(constant) != 1:
        return None
    axis = constant.index(True)
    operand = node.inputs[1 - axis]
    table = np.asarray(facts.table.take(0, axis=axis))
    expression = inferred.program.node(operand).expression
    assert isinstance(expression, SOp)
    results = facts.values.values if isinstance(facts.values, ValueSet) else ()
    function = Tabulated(argument_sets(inferred, [operand]), table, results)
    mapped = Map(function, expression, simplify=False, annotations=node.expression.annotations)
    return replace(node, expression=mapped, inputs=(operand,)), replace(facts, table=table)
