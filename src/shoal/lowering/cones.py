"""Cones and cuts: an elementwise value can be computed by one MLP from farther down.

A cut of a value's cone is a set of leaves that determine it. The values that the operation reads as
written are one cut; replacing a leaf by its own operands gives another, which saves a layer and
costs neurons. The width of a selector can be read undecoded, as 1 / (1 + width). Which cut is used
is decided by the allocator. Source: section 5 of the design.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shoal.craft.affine import Matrix
from shoal.lowering.builder import Builder, joint_points, with_none
from shoal.lowering.lowered import View
from shoal.lowering.tables import Leaf
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import choices
from shoal.program.facts.joint import Choices, joint
from shoal.program.facts.lookup import UNDEFINED
from shoal.program.ir import ELEMENTWISE, Node, Op

MOST_CUTS = 8
"""Cuts that are looked at for one value, the nearest first."""


@dataclass(frozen=True, order=True)
class CutLeaf:
    """A leaf of a cut.

    Attributes:
        node: the s-op's node id.
        undecoded: for selector widths, whether 1 / (1 + width) is read instead of the width.
    """

    node: int
    undecoded: bool = False


Cut = tuple[CutLeaf, ...]


@dataclass(frozen=True, eq=False)
class CutTable:
    """The table of a value over a cut.

    Attributes:
        views: how the leaves are read.
        leaves: the same for synthesis.
        points: [rows, coordinates of all leaves].
        classes: [rows], the class of the value; NONE for None.
    """

    views: list[View]
    leaves: list[Leaf]
    points: Matrix
    classes: npt.NDArray[np.int_]


def own_cut(node: Node) -> Cut:
    """The operands of a node, as it is written."""
    return tuple(sorted({CutLeaf(operand) for operand in node.inputs}))


def cuts(builder: Builder, node: Node) -> list[Cut]:
    """Cuts of a node's cone beyond its own operands, nearest first."""
    found = [own_cut(node)]
    for cut in found:
        for leaf in cut:
            operands = _operands(builder, leaf)
            if operands is None:
                continue
            wider = tuple(sorted((set(cut) - {leaf}) | set(operands)))
            if wider not in found and len(found) <= MOST_CUTS:
                found.append(wider)
    return found[1:]


def _operands(builder: Builder, leaf: CutLeaf) -> list[CutLeaf] | None:
    """What a leaf is computed from at the same position; None if nothing is."""
    node = builder.node(leaf.node)
    if leaf.undecoded:
        return None
    if node.op is Op.WIDTH:
        return [CutLeaf(leaf.node, undecoded=True)]
    if node.op in ELEMENTWISE:
        has_table = builder.inferred.sops[leaf.node].table is not None
        return [CutLeaf(operand) for operand in node.inputs] if has_table else None
    return None


def cut_table(builder: Builder, node: Node, cut: Cut, most_rows: int) -> CutTable | None:
    """The table of a node over a cut, on all joint values that can occur (or more).

    None if a leaf's values cannot be listed.

    Raises:
        TooManyRowsError: there are more than ``most_rows`` rows.
    """
    rows = _joint_rows(builder, cut, most_rows)
    if rows is None:
        return None
    known = {}
    for column, leaf in enumerate(cut):
        known[leaf.node] = rows[:, column]
        if leaf.undecoded:
            known[leaf.node] = builder.width_classes(leaf.node)[1][rows[:, column]]
    classes = _evaluate(builder, node, known)
    there = classes != UNDEFINED
    views, leaves = [], []
    for leaf in cut:
        view = builder.undecoded[leaf.node] if leaf.undecoded else builder.views[leaf.node]
        if view.codes is None:
            return None
        views.append(view)
        nullable = builder.values(leaf.node).nullable and not leaf.undecoded
        leaves.append(builder.leaf(view, nullable))
    return CutTable(views, leaves, joint_points(views, rows[there]), classes[there])


def class_table(builder: Builder, node: Node, leaves: Sequence[int]) -> npt.NDArray[np.int32]:
    """[classes of each leaf], the class of a node that the leaves determine.

    UNDEFINED where leaves never meet. The leaves are decoded values that are never None.
    """
    sizes = []
    for number in leaves:
        values = builder.values(number)
        assert isinstance(values, Enumerated)
        sizes.append(len(values))
    rows = _joint_rows(builder, tuple(map(CutLeaf, leaves)), int(np.prod(sizes)))
    assert rows is not None
    columns = tuple(rows.T)
    table = np.full(sizes, UNDEFINED, dtype=np.int32)
    table[columns] = _evaluate(builder, node, dict(zip(leaves, columns, strict=True)))
    return table


def _joint_rows(builder: Builder, cut: Cut, most_rows: int) -> npt.NDArray[np.int_] | None:
    """[rows, leaves] of classes; leaves that token and index determine occur together only.

    Of undecoded widths the rows are the widths themselves, which may be more than classes.
    """
    operands = []
    for leaf in cut:
        domain = builder.values(leaf.node)
        if not isinstance(domain, Enumerated):
            return None
        if leaf.undecoded:
            operands.append(Choices(len(builder.width_classes(leaf.node)[0]), nullable=False))
        else:
            operands.append(choices(builder.inferred, leaf.node))
    return joint(operands, most_rows)


def _evaluate(
    builder: Builder, node: Node, known: dict[int, npt.NDArray[np.int_]]
) -> npt.NDArray[np.int_]:
    """The class of a node for every row, from the classes of the leaves."""
    agenda = [node.id]
    while agenda:
        number = agenda[-1]
        if number in known:
            agenda.pop()
            continue
        missing = [i for i in builder.node(number).inputs if i not in known]
        if missing:
            agenda += missing
            continue
        known[number] = _result(builder, number, known)
    return known[node.id]


def _result(
    builder: Builder, number: int, known: dict[int, npt.NDArray[np.int_]]
) -> npt.NDArray[np.int_]:
    """The class of a node for every row, from those of its operands."""
    table = builder.inferred.sops[number].table
    assert table is not None
    operands = [known[i] for i in builder.node(number).inputs]
    if operands:
        return table(operands).astype(int)
    return np.full(len(next(iter(known.values()))), int(table.entries))


def result_rows(codes: Matrix, table: CutTable) -> Matrix:
    """[rows, coordinates of the result] for a cut's table."""
    return with_none(codes)[table.classes]
