"""Constant folding: what has one value is a constant, and readers of constants lose an operand."""

from __future__ import annotations

from dataclasses import replace

from shoal.program.facts.domains import Domain, Enumerated
from shoal.program.facts.inferred import Inferred, SOpFacts, constant_facts
from shoal.program.ir import Node, Op
from shoal.program.rewriting import Rewrite, rewritten


def fold_constants(inferred: Inferred) -> Rewrite:
    """Replace s-ops of a single value by constants, and drop constant operands.

    Inputs stay, since the embedding provides them for nothing. A value that is always None
    is a constant as well.
    """
    nodes: list[Node] = []
    sops: dict[int, SOpFacts] = {}
    for node in inferred.program:
        folded = None
        if node.is_sop and node.op not in (Op.TOKENS, Op.INDICES, Op.CONSTANT):
            folded = _constant(inferred, node) or _without_constant_operand(inferred, node)
        if folded is None:
            nodes.append(node)
        else:
            nodes.append(folded[0])
            sops[node.id] = folded[1]
    if not sops:
        return Rewrite(inferred, 0)
    return Rewrite(rewritten(inferred, nodes, sops), len(sops))


def _is_constant(domain: Domain) -> bool:
    return domain.is_constant


def _constant(inferred: Inferred, node: Node) -> tuple[Node, SOpFacts] | None:
    domain = inferred.domain(node.id)
    if not _is_constant(domain):
        return None
    assert isinstance(domain, Enumerated)
    value = None if domain.nullable else domain.values[0]
    constant = replace(node, op=Op.CONSTANT, inputs=(), function=None, factors=(), value=value)
    return constant, constant_facts(inferred, domain)


def _without_constant_operand(inferred: Inferred, node: Node) -> tuple[Node, SOpFacts] | None:
    """A function of a constant and another operand is a map of that operand.

    Linear combinations stay what they are: they are free already, whatever they combine.
    """
    facts = inferred.sops[node.id]
    if node.op is not Op.MAP or facts.table is None:
        return None
    constant = [_is_constant(inferred.domain(operand)) for operand in node.inputs]
    if len(node.inputs) != 2 or sum(constant) != 1:
        return None
    axis = constant.index(True)
    mapped = replace(node, inputs=(node.inputs[1 - axis],), function=None)
    return mapped, replace(facts, table=facts.table.without(axis))
