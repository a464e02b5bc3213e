"""Tables: an elementwise s-op by an MLP over its operands, as it is written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shoal.errors import Refusal, UnsupportedProgramError
from shoal.forms.form import Form
from shoal.lowering.context import Context
from shoal.lowering.held import Held, stored, with_none
from shoal.lowering.making import Recipe, make
from shoal.lowering.offers import Offers
from shoal.lowering.rules.decode import one_hot
from shoal.program.facts.inferred import choices
from shoal.program.facts.joint import joint
from shoal.program.facts.lookup import UNDEFINED, Lookup
from shoal.program.ir import ELEMENTWISE, Node, Op

TABLES = "tables"
"""The name of the rule."""


def table(context: Context, node: Node) -> Offers[None]:
    """An elementwise s-op that is no view, by the cheapest exact MLP.

    Where the operands as they are held cannot be told apart, they are looked up one-hot.

    Raises:
        UnsupportedProgramError: no MLP is exact enough.
    """
    if node.op not in ELEMENTWISE | {Op.CONSTANT} or node.id in context.held:
        return
    form = context.form_of(node)
    operands = [context.first(number) for number in node.inputs]
    recipe = recipe_over(context, node, form, node.label, operands)
    offer = make(context, recipe)
    if offer is None and not context.inferred.program.graph.out_degree(node.id):
        # a result that nothing reads only has to be nearest to the right code
        offer = make(context, recipe, form.room(context.domain(node.id)) / 2)
    if offer is None:
        decoded = []
        for number in node.inputs:
            decoded.append((yield from one_hot(context, number, node.label)))
        offer = make(context, recipe_over(context, node, form, node.label, decoded))
    if offer is None:
        raise UnsupportedProgramError(
            Refusal.TOO_INEXACT,
            node.label,
            "its results cannot be computed exactly enough in float32",
            "make them smaller numbers, or drop rasp.numerical",
        )
    yield offer


def recipe_over(
    context: Context, node: Node, form: Form, name: str, operands: Sequence[Held]
) -> Recipe:
    """The table of an s-op over its operands, in the forms in which they are given.

    Raises:
        UnsupportedProgramError: it could not even be written down.
    """
    entries = context.inferred.sops[node.id].table
    assert entries is not None
    domain = context.domain(node.id)
    variable, held = stored(form, name, domain, node.id)
    codes = held.codes if held.codes is not None else np.zeros((0, held.width))
    _require_memory(context, node, operands, len(entries.rows), held.width)
    if operands:
        rows = _rows(context, node, entries)
        points = np.hstack([operand.points(rows[:, i]) for i, operand in enumerate(operands)])
        classes = entries(rows.T)
    else:
        points, classes = np.zeros((1, 0)), entries.entries[None]
    results = with_none(codes)[classes]
    return Recipe(variable, held, operands, points, results, node.label)


def _rows(context: Context, node: Node, entries: Lookup) -> npt.NDArray[np.int_]:
    """[rows, operands], the classes, or NONE, on which the s-op is defined."""
    operands = [choices(context.inferred, number) for number in node.inputs]
    if not any(operand.nullable for operand in operands):
        return entries.rows
    rows = joint(operands, 2**62)
    return _in_order(rows[entries(rows.T) != UNDEFINED])


def _in_order(rows: npt.NDArray[np.int_]) -> npt.NDArray[np.int_]:
    """Rows by their classes, the first operand's first; those with None come last."""
    with_none_last = np.where(rows < 0, rows.max(initial=0) + 1, rows)
    return rows[np.lexsort([*with_none_last.T[::-1], (rows < 0).any(axis=1)])]


def _require_memory(
    context: Context, node: Node, operands: Sequence[Held], rows: int, results: int
) -> None:
    """Refuse a table that could not even be written down."""
    width = sum(operand.width for operand in operands) + results
    limit = 4 * context.inferred.limits.mlp_weights
    if rows * width > limit:
        raise UnsupportedProgramError(
            Refusal.TABLE_TOO_LARGE,
            node.label,
            f"its table has {rows:,} rows of {width:,} entries, {rows * width:,} in all; the limit "
            f"is {limit:,}",
            "use a smaller vocab or max_seq_len, or map the operands to fewer values first",
        )
