"""Merged values: what no reader can tell apart is one value.

The values of a one-hot s-op are partitioned from the readers backwards, as the states of an
automaton are when it is minimised: two values stay apart only if some reader's result differs. A
block then takes one residual dimension, and one row of each table.

Names stay readable. What a named s-op was can be told from what it is computed from, so
elementwise values, widths and inputs are merged freely. What an aggregate held is nowhere else; it
is merged only as far as no named s-op depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby

import numpy as np
import numpy.typing as npt

from shoal.program.facts import Inferred, SOpFacts, Table
from shoal.program.graph import Node
from shoal.program.rewriting import Rewrite, rewritten
from shoal.program.value_sets import ValueSet
from shoal.rasp.expressions import Aggregate, Map, Select, SequenceMap, is_numerical
from shoal.rasp.values import canonical_key

Partition = npt.NDArray[np.int_]
"""[classes], the block of each class; blocks are numbered by their first class."""


def merge_values(inferred: Inferred) -> Rewrite:
    """Merge the values of one-hot s-ops that make no difference to any result."""
    partitions = _partitions(inferred)
    merged = {number: p for number, p in partitions.items() if p.max(initial=-1) + 1 < len(p)}
    if not merged:
        return Rewrite(inferred, 0)
    sops: dict[int, SOpFacts] = {}
    predicates: dict[int, Table] = {}
    for node in inferred.program:
        if node.is_sop:
            sops[node.id] = _merged_facts(inferred, node, merged)
        elif isinstance(node.expression, Select):
            key, query = node.inputs
            table = inferred.predicates[node.id]
            predicates[node.id] = _representatives(table, (query, key), merged)
    new = rewritten(inferred, inferred.program, inferred.program.root, sops, predicates)
    return Rewrite(new, sum(len(p) - int(p.max()) - 1 for p in merged.values()))


def _partitions(inferred: Inferred) -> dict[int, Partition]:
    """For each s-op with a value set, which of its values its readers can tell apart."""
    program = inferred.program
    read = {n.id: _coarsest(inferred, n) for n in program if n.is_sop}  # by the network
    known = {number: part.copy() for number, part in read.items()}  # by those who read names
    for node in reversed(list(program)):
        if isinstance(node.expression, Select):
            key, query = node.inputs
            table = inferred.predicates[node.id]
            _refine(read, query, list(table))
            _refine(read, key, list(table.T))
        if not node.is_sop:
            continue
        if node.id in program.outputs or not _can_merge(inferred, node):
            read[node.id] = np.arange(len(read[node.id]))
        if node.is_named:
            known[node.id] = np.arange(len(known[node.id]))
        if isinstance(node.expression, Aggregate):
            _refine(read, node.id, list(known[node.id]))
            _refine_averaged(inferred, node, read)
        elif isinstance(node.expression, Map | SequenceMap):
            _refine_operands(inferred, node, read)
            _refine_operands(inferred, node, known)
    return {number: p for number, p in read.items() if len(p)}


def _coarsest(inferred: Inferred, node: Node) -> Partition:
    values = inferred.sops[node.id].values
    return np.zeros(len(values) if isinstance(values, ValueSet) else 0, dtype=int)


def _can_merge(inferred: Inferred, node: Node) -> bool:
    """Whether the values have a dimension each; what is held as a number cannot be merged."""
    facts = inferred.sops[node.id]
    if is_numerical(node.expression) or facts.mixture:  # type: ignore[arg-type]
        return False
    if isinstance(node.expression, Aggregate):
        operand = inferred.program.node(node.inputs[1])
        is_number = is_numerical(operand.expression)  # type: ignore[arg-type]
        return not is_number and not inferred.sops[operand.id].mixture
    return True


def _refine(partitions: dict[int, Partition], number: int, seen: list[object]) -> None:
    """Keep classes apart of which a reader sees different things.

    Args:
        partitions: one of them is refined.
        number: which one.
        seen: for each class what a reader sees of it: a number or an array.
    """
    keys = [np.asarray(one).tobytes() for one in seen]
    blocks: dict[tuple[int, bytes], int] = {}
    partitions[number] = np.array(
        [
            blocks.setdefault(pair, len(blocks))
            for pair in zip(map(int, partitions[number]), keys, strict=True)
        ],
        dtype=int,
    )


def _refine_operands(inferred: Inferred, node: Node, partitions: dict[int, Partition]) -> None:
    """A reader of an elementwise value sees what its table makes of the operands."""
    table = inferred.sops[node.id].table
    if table is None:
        for operand in node.inputs:
            partitions[operand] = np.arange(len(partitions[operand]))
        return
    blocks = np.append(partitions[node.id], [-2, -1])  # the last two for UNDEFINED and NONE
    results = blocks[table]
    if len(set(node.inputs)) == 1 and results.ndim == 2:
        results = np.diagonal(results)
    for axis, operand in enumerate(dict.fromkeys(node.inputs)):
        _refine(partitions, operand, list(np.moveaxis(results, axis, 0)))


def _refine_averaged(inferred: Inferred, node: Node, partitions: dict[int, Partition]) -> None:
    """A copied value is seen as far as the copy is; one that is averaged is seen as a number."""
    operand = node.inputs[1]
    values = inferred.sops[operand].values
    if not isinstance(values, ValueSet):
        return
    if not _can_merge(inferred, node):
        partitions[operand] = np.arange(len(values))
        return
    own = inferred.sops[node.id].values
    assert isinstance(own, ValueSet)
    blocks = np.append(partitions[node.id], -1)  # the last for what is never copied
    copies = [own.class_of.get(canonical_key(value), -1) for value in values.values]
    _refine(partitions, operand, list(blocks[copies]))


def _merged_facts(inferred: Inferred, node: Node, merged: Mapping[int, Partition]) -> SOpFacts:
    """Facts about a node whose own values, or whose operands' values, are merged."""
    facts = inferred.sops[node.id]
    values, table, local = facts.values, facts.table, facts.local
    if table is not None:
        table = _representatives(table, node.inputs, merged)
    partition = merged.get(node.id)
    if partition is not None:
        assert isinstance(values, ValueSet)
        number_of = np.append(partition, [-2, -1]).astype(np.int32)
        table = None if table is None else number_of[table]
        local = None if local is None else number_of[local]
        order = sorted(range(len(partition)), key=lambda i: (partition[i], i))
        groups = groupby(order, key=lambda i: int(partition[i]))
        classes = tuple(tuple(v for i in group for v in values.classes[i]) for _, group in groups)
        values = replace(values, classes=classes)
    return replace(facts, values=values, table=table, local=local)


def _representatives(
    table: Table, operands: tuple[int, ...], merged: Mapping[int, Partition]
) -> Table:
    """A table with one row for each block of each operand, that of its first class."""
    for axis, operand in enumerate(operands):
        if operand in merged:
            first = np.unique(merged[operand], return_index=True)[1]
            table = table.take(first, axis=axis)
    return table
