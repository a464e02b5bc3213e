"""Cones and cuts: an elementwise value can be computed by one MLP from farther down.

A cut of a value's cone is a set of leaves that determine it. The values that the operation reads as
written are one cut; replacing a leaf by its own operands gives another, which saves a layer and
costs neurons. The width of a selector can be read undecoded, as 1 / (1 + width). Which cut is used
is decided by the allocator. Source: section 5 of the design.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from shoal.craft.affine import Matrix
from shoal.lowering.builder import Builder, joint_points, with_none
from shoal.lowering.lowered import View
from shoal.lowering.tables import Leaf
from shoal.program.facts import NONE, UNDEFINED, Table
from shoal.program.graph import Node
from shoal.program.value_sets import ValueSet
from shoal.rasp.expressions import Map, SelectorWidth, SequenceMap

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


class TooManyRowsError(Exception):
    """The table of a cut has more rows than the limit, so that the cut is left out.

    Attributes:
        rows: how many it would have.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        super().__init__(rows)


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
    if isinstance(node.expression, SelectorWidth):
        return [CutLeaf(leaf.node, undecoded=True)]
    if isinstance(node.expression, Map | SequenceMap):
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


def class_table(builder: Builder, node: Node, leaves: Sequence[int]) -> Table:
    """[classes of each leaf], the class of a node that the leaves determine.

    UNDEFINED where leaves never meet. The leaves are decoded values that are never None.
    """
    sizes = []
    for number in leaves:
        values = builder.values(number)
        assert isinstance(values, ValueSet)
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
    local = [i for i, leaf in enumerate(cut) if builder.inferred.sops[leaf.node].local is not None]
    free = [i for i in range(len(cut)) if i not in local]
    count = 1
    choices = []
    for i in free:
        values = builder.values(cut[i].node)
        if not isinstance(values, ValueSet):
            return None
        size = len(builder.width_classes(cut[i].node)[0]) if cut[i].undecoded else len(values)
        choices.append([*range(size), *([NONE] if values.nullable else [])])
        count *= len(choices[-1])
    together = np.zeros((1, 0), dtype=int)
    if local:
        grids = [builder.inferred.sops[cut[i].node].local for i in local]
        stacked = np.stack([grid.ravel() for grid in grids if grid is not None], axis=1)
        together = np.unique(stacked[(stacked != UNDEFINED).all(axis=1)], axis=0)
    if count * len(together) > most_rows:
        raise TooManyRowsError(count * len(together))
    apart = np.array(list(product(*choices)), dtype=int).reshape(count, len(free))
    rows = np.zeros((count * len(together), len(cut)), dtype=int)
    rows[:, local] = np.repeat(together, count, axis=0)
    rows[:, free] = np.tile(apart, (len(together), 1))
    return rows


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
        table = builder.inferred.sops[number].table
        assert table is not None
        rows = len(next(iter(known.values())))
        operands = np.array([known[i] for i in builder.node(number).inputs], dtype=int)
        operands = operands.reshape(table.ndim, rows)
        result = np.full(rows, NONE)
        there = (operands >= 0).all(axis=0)
        result[there] = table[tuple(operands[:, there])]
        result[(operands == UNDEFINED).any(axis=0)] = UNDEFINED
        known[number] = result
    return known[node.id]


def result_rows(codes: Matrix, table: CutTable) -> Matrix:
    """[rows, coordinates of the result] for a cut's table."""
    return with_none(codes)[table.classes]
