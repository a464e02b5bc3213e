"""Cones and cuts: an elementwise value can be computed by one MLP from farther down.

A cut of a value's cone is a set of leaves that determine it. The values that the operation reads as
written are one cut; replacing a leaf by its own operands gives another, which saves a layer and
costs neurons. What a selector's width is decoded from can be read undecoded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shoal.lowering.context import Context
from shoal.lowering.making import Recipe
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import choices, choices_of
from shoal.program.facts.joint import joint
from shoal.program.facts.lookup import UNDEFINED, Classes
from shoal.program.ir import ELEMENTWISE, Node
from shoal.rasp.values import canonical_key

MOST_CUTS = 8
"""Cuts that are looked at for one value, besides its operands."""


@dataclass(frozen=True, order=True)
class CutLeaf:
    """A value that a cut reads.

    Attributes:
        node: the s-op's node id.
        is_raw: whether it is read as what it is decoded from.
    """

    node: int
    is_raw: bool = False


Cut = tuple[CutLeaf, ...]


def cuts(context: Context, node: Node) -> list[Cut]:
    """Cuts of a node's cone, nearest first; the very first has the operands as they are written."""
    found = [tuple(sorted({CutLeaf(operand) for operand in node.inputs}))]
    for cut in found:
        for leaf in cut:
            operands = _operands(context, leaf)
            wider = tuple(sorted((set(cut) - {leaf}) | operands))
            if operands and wider not in found and len(found) <= MOST_CUTS:
                found.append(wider)
    return found


def _operands(context: Context, leaf: CutLeaf) -> set[CutLeaf]:
    """What a leaf is computed from at the same position, if anything is."""
    node = context.node(leaf.node)
    if leaf.node in context.raw:
        return set() if leaf.is_raw else {CutLeaf(leaf.node, is_raw=True)}
    is_table = node.op in ELEMENTWISE and context.inferred.sops[leaf.node].table is not None
    return {CutLeaf(operand) for operand in node.inputs} if is_table else set()


def cut_table(context: Context, node: Node, cut: Cut, most_rows: int) -> Recipe | None:
    """The table of a node over a cut, on all joint values that can occur (or more).

    None if a leaf's values cannot be listed.

    Raises:
        TooManyRowsError: there are more than ``most_rows`` rows.
    """
    operands = [context.raw[f.node] if f.is_raw else context.first(f.node) for f in cut]
    if any(operand.codes is None for operand in operands):
        return None
    rows = _joint_rows(context, cut, most_rows)
    known: dict[int, Classes] = {}
    for column, leaf in enumerate(cut):
        known[leaf.node] = rows[:, column]
        if leaf.is_raw:
            known[leaf.node] = raw_classes(context, leaf.node)[rows[:, column]]
    classes = _evaluate(context, node, known, len(rows))
    there = classes != UNDEFINED
    return Recipe(context.first(node.id), operands, rows[there], classes[there])


def raw_classes(context: Context, number: int) -> npt.NDArray[np.int_]:
    """For each value that an s-op is decoded from, its class; values may have been merged."""
    raw, domain = context.raw[number].domain, context.domain(number)
    assert isinstance(raw, Enumerated)
    assert isinstance(domain, Enumerated)
    return np.array([domain.class_of[canonical_key(value)] for value in raw.values], dtype=int)


def class_table(context: Context, node: Node, leaves: Sequence[int]) -> npt.NDArray[np.int32]:
    """[classes of each leaf], the class of a node that the leaves determine.

    UNDEFINED where leaves never meet. The leaves are decoded values that are never None.
    """
    domains = [context.inferred.listed(context.node(leaf), node.label) for leaf in leaves]
    table = np.full([len(domain) for domain in domains], UNDEFINED, dtype=np.int32)
    rows = _joint_rows(context, tuple(map(CutLeaf, leaves)), table.size)
    known = dict(zip(leaves, rows.T, strict=True))
    table[tuple(rows.T)] = _evaluate(context, node, known, len(rows))
    return table


def _joint_rows(context: Context, cut: Cut, most_rows: int) -> npt.NDArray[np.int_]:
    """[rows, leaves] of classes; of raw leaves, what they are decoded from."""
    facts, raw = context.inferred, context.raw
    return joint(
        [choices_of(raw[f.node].domain) if f.is_raw else choices(facts, f.node) for f in cut],
        most_rows,
    )


def _evaluate(context: Context, node: Node, known: Mapping[int, Classes], rows: int) -> Classes:
    """[rows], the class of a node, from those of the leaves."""
    classes = dict(known)
    for part in context.upstream(node, lambda part: part.id in known):
        if part.id not in known:
            table = context.inferred.sops[part.id].table
            assert table is not None
            operands = [classes[number] for number in part.inputs]
            classes[part.id] = table(np.array(operands, dtype=int).reshape(-1, rows))
    return classes[node.id]
