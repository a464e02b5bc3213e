"""What passes over a program with facts have in common: rewiring, and facts that stay true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from shoal.errors import EvaluationError
from shoal.program.facts import NONE, UNDEFINED, Inferred, SOpFacts, Table
from shoal.program.graph import Node, build_program
from shoal.program.selector_widths import WidthBounds, width_bounds
from shoal.program.value_sets import ValueSet
from shoal.rasp.values import Value, canonical_key


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


@dataclass(frozen=True, eq=False)
class Tabulated:
    """A function of values that is given by its table.

    The compiler reads tables from the facts; this keeps rewritten expressions callable.

    Attributes:
        arguments: the values of each argument.
        table: [classes of the first argument, ...], the class of the result; NONE for None,
            UNDEFINED where there is none.
        results: the values of the result.
    """

    arguments: tuple[ValueSet, ...]
    table: Table
    results: tuple[Value, ...]

    __name__ = "a table"

    def __call__(self, *values: Value) -> Value:
        """Look the result up."""
        places = [
            known.class_of.get(canonical_key(value))
            for known, value in zip(self.arguments, values, strict=True)
        ]
        number = UNDEFINED if None in places else int(self.table[tuple(places)])
        if number == UNDEFINED:
            raise EvaluationError(f"the table has no entry for {', '.join(map(repr, values))}")
        return None if number == NONE else self.results[number]


def rewritten(
    inferred: Inferred,
    nodes: Iterable[Node],
    root: int,
    sops: Mapping[int, SOpFacts] | None = None,
    predicates: Mapping[int, Table] | None = None,
) -> Inferred:
    """A program of other nodes, with the facts that are known and some that are new.

    Where the operands of an elementwise s-op have become one and the same, its table is
    restricted to equal operands. Bounds on selectors' widths are found again, and the tighter
    ones kept.

    Args:
        inferred: the program with the facts before.
        nodes: the nodes of the new program, operands first.
        root: its root.
        sops: facts that are new, by node id.
        predicates: tables of selects that are new, by node id.
    """
    program = build_program(list(nodes), root, inferred.program.causal)
    all_sops = {**inferred.sops, **(sops or {})}
    all_predicates = {**inferred.predicates, **(predicates or {})}
    widths: dict[int, WidthBounds] = {}
    local = {number: facts.local for number, facts in all_sops.items()}
    for node in program:
        if node.is_sop:
            all_sops[node.id] = _of_equal_operands(node, all_sops[node.id])
            continue
        bounds = width_bounds(node, program, all_predicates, local, widths, inferred.max_seq_len)
        known = inferred.widths.get(node.id)
        widths[node.id] = bounds if known is None else _tighter(bounds, known)
    return replace(
        inferred,
        program=program,
        sops={node.id: all_sops[node.id] for node in program if node.is_sop},
        predicates={
            number: table for number, table in all_predicates.items() if number in program.graph
        },
        widths=widths,
    )


def _of_equal_operands(node: Node, facts: SOpFacts) -> SOpFacts:
    if facts.table is None or facts.table.ndim != 2 or len(set(node.inputs)) != 1:
        return facts
    apart = ~np.eye(len(facts.table), dtype=bool)
    return replace(facts, table=np.where(apart, UNDEFINED, facts.table).astype(np.int32))


def _tighter(first: WidthBounds, second: WidthBounds) -> WidthBounds:
    return WidthBounds(
        low=max(first.low, second.low),
        high=min(first.high, second.high),
        low_of_complement=max(first.low_of_complement, second.low_of_complement),
        high_of_complement=min(first.high_of_complement, second.high_of_complement),
    )


def argument_sets(inferred: Inferred, operands: Sequence[int]) -> tuple[ValueSet, ...]:
    """The value sets of operands that a table can be over."""
    sets = [inferred.sops[operand].values for operand in operands]
    return tuple(values for values in sets if isinstance(values, ValueSet))
