"""Merged values: what no reader can tell apart is one value.

The values of a one-hot s-op are partitioned from the readers backwards, as the states of an
automaton are when it is minimised: two values stay apart only if some reader's result differs. A
block then takes one residual dimension, and one row of each table.

Names stay readable. What a named s-op was can be told from what it is computed from, so
elementwise values, inputs and most widths are merged freely. What an aggregate held is nowhere
else, nor is a width that may be the sum of several heads' widths; they are merged only as far as no
named s-op depends on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from math import isfinite, prod

import numpy as np
import numpy.typing as npt

from shoal.contract import SAME_FLOAT
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import Inferred, Predicate, SOpFacts
from shoal.program.facts.lookup import Lookup
from shoal.program.ir import ELEMENTWISE, Node, Op
from shoal.program.rewriting import Rewrite, rewritten
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
    predicates: dict[int, Predicate] = {}
    for node in inferred.program:
        if node.is_sop:
            sops[node.id] = _merged_facts(inferred, node, merged)
        elif node.op is Op.SELECT:
            key, query = node.inputs
            table = inferred.predicates[node.id]
            firsts = _first_classes((query, key), merged)
            predicates[node.id] = Lookup(table).of_first_classes(firsts).entries
    new = rewritten(inferred, inferred.program, sops, predicates)
    return Rewrite(new, sum(len(p) - int(p.max()) - 1 for p in merged.values()))


def _partitions(inferred: Inferred) -> dict[int, Partition]:
    """For each s-op with a value set, which of its values its readers can tell apart."""
    program = inferred.program
    read = {n.id: _coarsest(inferred, n) for n in program if n.is_sop}  # by the network
    known = {number: part.copy() for number, part in read.items()}  # by those who read names
    for node in reversed(list(program)):
        if node.op is Op.SELECT:
            key, query = node.inputs
            table = inferred.predicates[node.id]
            _refine(read, query, table)
            _refine(read, key, table.T)
        if not node.is_sop:
            continue
        if not _can_merge(inferred, node):
            read[node.id] = np.arange(len(read[node.id]))
        elif node.id in program.ends:
            is_only_result = not node.is_kept and not program.graph.out_degree(node.id)
            whole = np.arange(len(read[node.id]))
            read[node.id] = _but_for_rounding(inferred, node) if is_only_result else whole
        if node.is_named:
            known[node.id] = np.arange(len(known[node.id]))
        if node.op is Op.AGGREGATE or _may_have_parts(inferred, node):
            _refine(read, node.id, known[node.id])
        if node.op is Op.AGGREGATE:
            _refine_averaged(inferred, node, read)
        elif node.op in ELEMENTWISE:
            _refine_operands(inferred, node, read)
            _refine_operands(inferred, node, known)
    return {number: p for number, p in read.items() if len(p)}


def _coarsest(inferred: Inferred, node: Node) -> Partition:
    domain = inferred.domain(node.id)
    return np.zeros(len(domain) if isinstance(domain, Enumerated) else 0, dtype=int)


def _but_for_rounding(inferred: Inferred, node: Node) -> Partition:
    """Results that differ; floats that differ by rounding alone are one result, as the first.

    But for those of what attends, which nothing else could tell.
    """
    domain = inferred.domain(node.id)
    count = len(domain) if isinstance(domain, Enumerated) else 0
    blocks = np.arange(count)
    if not isinstance(domain, Enumerated) or node.op not in ELEMENTWISE:
        return blocks
    floats: list[tuple[float, int]] = []
    for number, members in enumerate(domain.classes):
        known = [value for value in members if isinstance(value, float) and isfinite(value)]
        if len(known) == len(members):
            floats.append((known[0], number))
    floats.sort()
    start: tuple[float, int] | None = None
    for value, number in floats:
        if start is not None and abs(value - start[0]) <= SAME_FLOAT * abs(start[0]):
            blocks[number] = start[1]
        else:
            start = value, number
    _, firsts, which = np.unique(blocks, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(firsts))[which]


def _can_merge(inferred: Inferred, node: Node) -> bool:
    """Whether the values have a dimension each; what is held as a number cannot be merged."""
    facts = inferred.sops[node.id]
    if node.is_numerical or facts.mixture:
        return False
    if node.op is Op.AGGREGATE:
        operand = inferred.program.node(node.inputs[1])
        return not operand.is_numerical and not inferred.sops[operand.id].mixture
    return True


def _may_have_parts(inferred: Inferred, node: Node) -> bool:
    """Whether a width may be counted by several heads, so that no variable determines it.

    Lowering may split a selector whose keys and queries are both computed from other values, and
    one that is made of several.
    """
    if node.op is not Op.WIDTH:
        return False
    selector = inferred.program.node(node.inputs[0])
    operands = [inferred.program.node(number) for number in selector.inputs]
    return selector.op is not Op.SELECT or all(o.op in ELEMENTWISE for o in operands)


def _refine(partitions: dict[int, Partition], number: int, seen: npt.NDArray[np.integer]) -> None:
    """Keep classes apart of which a reader sees different things.

    Args:
        partitions: one of them is refined.
        number: which one.
        seen: [classes, ...], what a reader sees of each class.
    """
    if _is_finest(partitions[number]):
        return
    rows = seen.reshape(len(seen), prod(seen.shape[1:]))
    keys = np.column_stack([partitions[number], rows]).tolist()
    blocks: dict[tuple[int, ...], int] = {}
    partition = [blocks.setdefault(tuple(key), len(blocks)) for key in keys]
    partitions[number] = np.array(partition, dtype=int)


def _is_finest(partition: Partition) -> bool:
    """Whether each class is a block; blocks are numbered in the order of their first classes."""
    return not len(partition) or bool(partition[-1] == len(partition) - 1)


def _refine_operands(inferred: Inferred, node: Node, partitions: dict[int, Partition]) -> None:
    """A reader of an elementwise value sees what its table makes of the operands."""
    table = inferred.sops[node.id].table
    if table is None:
        for operand in node.inputs:
            partitions[operand] = np.arange(len(partitions[operand]))
        return
    if all(_is_finest(partitions[operand]) for operand in node.inputs):
        return
    blocks = np.append(partitions[node.id], [-2, -1])  # the last two for UNDEFINED and NONE
    results = blocks[table.entries]
    for axis, operand in enumerate(node.inputs):
        _refine(partitions, operand, results.swapaxes(0, axis))


def _refine_averaged(inferred: Inferred, node: Node, partitions: dict[int, Partition]) -> None:
    """A copied value is seen as far as the copy is; one that is averaged is seen as a number."""
    operand = node.inputs[1]
    values = inferred.domain(operand)
    if not isinstance(values, Enumerated):
        return
    if not _can_merge(inferred, node):
        partitions[operand] = np.arange(len(values))
        return
    own = inferred.domain(node.id)
    assert isinstance(own, Enumerated)
    blocks = np.append(partitions[node.id], -1)  # the last for what is never copied
    copies = [own.class_of.get(canonical_key(value), -1) for value in values.values]
    _refine(partitions, operand, blocks[copies])


def _merged_facts(inferred: Inferred, node: Node, merged: Mapping[int, Partition]) -> SOpFacts:
    """Facts about a node whose own values, or whose operands' values, are merged."""
    facts = inferred.sops[node.id]
    domain, table, local, by_length = facts.domain, facts.table, facts.local, facts.by_length
    if table is not None:
        table = table.of_first_classes(_first_classes(node.inputs, merged))
    partition = merged.get(node.id)
    if partition is not None:
        assert isinstance(domain, Enumerated)
        table = None if table is None else table.renamed(partition)
        local = None if local is None else Lookup(local).renamed(partition).entries
        by_length = None if by_length is None else Lookup(by_length).renamed(partition).entries
        order = sorted(range(len(partition)), key=lambda i: (partition[i], i))
        groups = groupby(order, key=lambda i: int(partition[i]))
        classes = tuple(tuple(v for i in group for v in domain.classes[i]) for _, group in groups)
        domain = replace(domain, classes=classes)
        occurs = facts.occurs
        if occurs is not None:
            occurs = np.bincount(partition, weights=occurs).astype(int)
        facts = replace(facts, distinct=False, ranks_from=None, occurs=occurs)
    return replace(facts, domain=domain, table=table, local=local, by_length=by_length)


def _first_classes(
    operands: tuple[int, ...], merged: Mapping[int, Partition]
) -> dict[int, npt.NDArray[np.intp]]:
    """By axis, for operands whose values are merged, the first class of each block."""
    return {
        axis: np.unique(merged[operand], return_index=True)[1]
        for axis, operand in enumerate(operands)
        if operand in merged
    }
