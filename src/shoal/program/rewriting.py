"""What passes over a program with facts have in common: rewiring, and facts that stay true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from shoal.program.facts.inferred import Inferred, Predicate, SOpFacts
from shoal.program.facts.width_bounds import WidthBounds, tighter
from shoal.program.facts.widths import width_bounds
from shoal.program.ir import ELEMENTWISE, Node, Op, Program, build_program


@dataclass(frozen=True)
class Rewrite:
    """What a pass made of a program.

    Attributes:
        inferred: the new program, with facts about all its nodes.
        saved: how much the pass saved, in its own unit; 0 if it changed nothing.
        replaced: for nodes that another one now stands for, that node's id.
    """

    inferred: Inferred
    saved: int
    replaced: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Saving:
    """What one pass saved.

    Attributes:
        name: the pass.
        count: how much.
        what: of what.
    """

    name: str
    count: int
    what: str


def rewritten(
    inferred: Inferred,
    nodes: Iterable[Node],
    sops: Mapping[int, SOpFacts] | None = None,
    predicates: Mapping[int, Predicate] | None = None,
    replaced: Mapping[int, int] | None = None,
) -> Inferred:
    """A program of other nodes, with the facts that are known and some that are new.

    Where the operands of an elementwise s-op have become one and the same, it is a function of
    that operand. Where something is new, bounds on selectors' widths are found again, and the
    tighter ones kept.

    Args:
        inferred: the program with the facts before.
        nodes: the nodes of the new program, operands first.
        sops: facts that are new, by node id.
        predicates: tables of selects that are new, by node id.
        replaced: for nodes that another one now stands for, that node's id.
    """
    known_sops = {**inferred.sops, **(sops or {})}
    known_predicates = {**inferred.predicates, **(predicates or {})}
    single = [_of_one_operand(node, known_sops) for node in nodes]
    outputs = {
        name: (replaced or {}).get(number, number)
        for name, number in inferred.program.outputs.items()
    }
    program = build_program([node for node, _ in single], outputs, inferred.program.causal)
    known_sops |= {node.id: facts for node, facts in single if facts is not None}
    widths: dict[int, WidthBounds] = {}
    for node in program:
        if node.is_sop:
            continue
        known = inferred.widths.get(node.id)
        if known is not None and _is_as_before(node, inferred, known_sops, known_predicates):
            widths[node.id] = known
            continue
        bounds = width_bounds(
            node, program, known_predicates, known_sops, widths, inferred.max_seq_len
        )
        widths[node.id] = bounds if known is None else tighter(bounds, known)
    return replace(
        inferred,
        program=program,
        sops={node.id: known_sops[node.id] for node in program if node.is_sop},
        predicates={
            number: table for number, table in known_predicates.items() if number in program.graph
        },
        widths=widths,
    )


def _is_as_before(
    node: Node,
    inferred: Inferred,
    sops: Mapping[int, SOpFacts],
    predicates: Mapping[int, Predicate],
) -> bool:
    """Whether a node is a select of which nothing new is known."""
    return (
        node.op is Op.SELECT
        and node is inferred.program.node(node.id)
        and predicates[node.id] is inferred.predicates[node.id]
        and all(sops[number] is inferred.sops[number] for number in node.inputs)
    )


def fresh_id(program: Program) -> int:
    """An id that no node has, nor any node that was traced: theirs are not below 0."""
    return int(min(0, *program.graph)) - 1


def fresh_label(program: Program, wanted: str) -> str:
    """A label that no node has."""
    taken = {node.label for node in program}
    while wanted in taken:
        wanted += "_"
    return wanted


def _of_one_operand(node: Node, sops: Mapping[int, SOpFacts]) -> tuple[Node, SOpFacts | None]:
    """A function of one operand twice as a function of that operand, with facts that are new."""
    if node.op not in ELEMENTWISE or len(node.inputs) < 2 or len(set(node.inputs)) > 1:
        return node, None
    facts = sops[node.id]
    table = None if facts.table is None else facts.table.of_equal_operands()
    factors = (sum(node.factors),) if node.factors else ()
    node = replace(node, inputs=node.inputs[:1], factors=factors, function=None)
    return node, replace(facts, table=table)
