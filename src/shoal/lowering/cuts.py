"""Cones and cuts: an elementwise value can be computed by one MLP from farther down.

A cut of a value's cone is a set of leaves that determine it. The values that the operation reads as
written are one cut; replacing a leaf by its own operands gives another, which saves a layer and
costs neurons. What a selector's width is decoded from can be read undecoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shoal.forms.count import Count
from shoal.lowering.context import Context
from shoal.lowering.held import Held, variables_of
from shoal.lowering.making import Recipe
from shoal.lowering.offers import LeftOut
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import choices, choices_of
from shoal.program.facts.joint import TooManyRowsError, joint
from shoal.program.facts.lookup import UNDEFINED, Classes
from shoal.program.ir import ELEMENTWISE, Node
from shoal.rasp.values import canonical_key

MOST_CUTS = 8
"""Cuts that are looked at for one value, besides its operands."""


class Leaf(NamedTuple):
    """A value that a cut reads: an s-op by node id; what it is decoded from, if it is raw."""

    node: int
    is_raw: bool = False


Cut = tuple[Leaf, ...]


def cuts(context: Context, node: Node) -> list[Cut]:
    """Cuts of a node's cone, nearest first; the very first has the operands as they are written."""
    found = [tuple(sorted({Leaf(operand) for operand in node.inputs}))]
    for cut in found:
        for leaf in cut:
            operands = _operands(context, leaf)
            wider = tuple(sorted((set(cut) - {leaf}) | operands))
            if operands and wider not in found and len(found) <= MOST_CUTS:
                found.append(wider)
    return found


def _operands(context: Context, leaf: Leaf) -> set[Leaf]:
    """What a leaf is computed from at the same position, if anything is."""
    node = context.node(leaf.node)
    if leaf.node in context.raw:
        return set() if leaf.is_raw else {Leaf(leaf.node, is_raw=True)}
    is_table = node.op in ELEMENTWISE and context.inferred.sops[leaf.node].table is not None
    return {Leaf(operand) for operand in node.inputs} if is_table else set()


def cut_table(
    context: Context, node: Node, cut: Cut, most_rows: int, held: Held | None = None
) -> Recipe | None:
    """The table of a node over a cut, on all joint values that can occur (or more).

    None if a leaf is not held, or its values cannot be listed.

    Args:
        context: what is held so far.
        node: an elementwise s-op.
        cut: of its cone.
        most_rows: of the table.
        held: what is computed, if it is not the node as it is held first.

    Raises:
        TooManyRowsError: there are more than ``most_rows`` rows.
    """
    operands = _held(context, cut)
    if operands is None or any(operand.codes is None for operand in operands):
        return None
    rows, classes = _evaluated(context, node, cut, most_rows)
    there = classes != UNDEFINED
    held = held or context.first(node.id)
    borne = context.borne(node, held.form)
    return Recipe(held, operands, rows[there], classes[there], borne)


def _held(context: Context, cut: Cut) -> list[Held] | None:
    """What the leaves of a cut are held as; None if one is not."""
    if any(leaf.node not in context.held and not leaf.is_raw for leaf in cut):
        return None
    return [context.raw[f.node] if f.is_raw else context.first(f.node) for f in cut]


def further_tables(
    context: Context, node: Node, held: Held | None = None
) -> Iterator[Recipe | LeftOut]:
    """The tables of a node over all cuts but the first, within the limits for fused ones.

    Cuts of numbers that are read from what a nearer cut is read from are passed over: what that has
    of them are affine functions, and neurons read these as well.

    Args:
        context: what is held so far.
        node: an elementwise s-op.
        held: as of ``cut_table``.
    """
    known: set[frozenset[str]] = set()
    for number, cut in enumerate(cuts(context, node)):
        operands = _held(context, cut) or ()
        names = frozenset(variables_of(operands))
        is_known = names in known and not any(o.form.picks_one for o in operands)
        if number == 0:
            known.add(names)
        if number == 0 or is_known:
            continue
        context.inferred.work.spend(1, node.label)
        try:
            recipe = cut_table(context, node, cut, context.inferred.limits.fused_rows, held)
        except TooManyRowsError as error:
            yield LeftOut(f"{node.label} would take {error.rows:,} rows")
            continue
        if recipe is not None:
            known.add(names)
            yield recipe


def raw_classes(context: Context, number: int) -> npt.NDArray[np.int_]:
    """For each value that an s-op is decoded from, its class; values may have been merged."""
    raw, domain = context.raw[number].domain, context.domain(number)
    assert isinstance(raw, Enumerated)
    assert isinstance(domain, Enumerated)
    return np.array([domain.class_of[canonical_key(value)] for value in raw.values], dtype=int)


def count_of(context: Context, number: int) -> Held | None:
    """The number that an s-op is decoded from, if there is one for each of its classes."""
    raw = context.raw.get(number)
    if raw is None or raw.form != Count():
        return None
    classes = raw_classes(context, number)
    return raw if np.array_equal(classes, np.arange(len(classes))) else None


def class_table(context: Context, node: Node, leaves: Sequence[int]) -> npt.NDArray[np.int32]:
    """[classes of each leaf], the class of a node that the leaves determine.

    UNDEFINED where functions are, as they may be where leaves never meet. The leaves are decoded
    values that are never None.
    """
    sizes = [len(context.inferred.listed(context.node(leaf), node.label)) for leaf in leaves]
    rows = np.indices(sizes).reshape(len(sizes), -1).T
    classes = _classes_on(context, node, tuple(map(Leaf, leaves)), rows)
    return classes.reshape(sizes).astype(np.int32)


def _evaluated(
    context: Context, node: Node, cut: Cut, most_rows: int
) -> tuple[npt.NDArray[np.int_], Classes]:
    """The classes of leaves [rows, leaves] that can meet, and with them that of a node [rows]."""
    facts, raw = context.inferred, context.raw
    values = [choices_of(raw[f.node].domain) if f.is_raw else choices(facts, f.node) for f in cut]
    rows = joint(values, most_rows)
    return rows, _classes_on(context, node, cut, rows)


def _classes_on(context: Context, node: Node, cut: Cut, rows: npt.NDArray[np.int_]) -> Classes:
    """The class of a node where leaves have the classes of some rows [rows, leaves]."""
    facts = context.inferred
    known: dict[int, Classes] = {}
    for column, leaf in zip(rows.T, cut, strict=True):
        known[leaf.node] = raw_classes(context, leaf.node)[column] if leaf.is_raw else column
    for part in context.upstream(node, lambda part: part.id in known):
        if part.id not in known:
            table = facts.sops[part.id].table
            assert table is not None
            operands = [known[number] for number in part.inputs]
            known[part.id] = table(np.array(operands, dtype=int).reshape(len(operands), len(rows)))
    return known[node.id]
