"""Tables: an elementwise s-op by an MLP over its operands, as it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shoal.errors import Refusal, UnsupportedProgramError
from shoal.forms.form import Form
from shoal.forms.one_hot import OneHot
from shoal.lowering.context import Context
from shoal.lowering.cuts import cut_table, cuts
from shoal.lowering.held import Held, stored
from shoal.lowering.making import Recipe, make, make_well_enough
from shoal.lowering.offers import Offer, Offers
from shoal.lowering.rules.decode import one_hot
from shoal.lowering.synthesis.choose import TooManyNeuronsError
from shoal.program.facts.inferred import choices
from shoal.program.facts.joint import TooManyRowsError, in_order, joint
from shoal.program.facts.lookup import UNDEFINED
from shoal.program.ir import Node

TABLES = "tables"
"""The name of the rule."""


def table(context: Context, node: Node) -> Offers[None]:
    """An elementwise s-op that is no view, by the cheapest exact MLP.

    Where it cannot be computed as it is written, it may be from farther down.

    Raises:
        UnsupportedProgramError: no MLP is exact enough, or within the limits.
    """
    if node.id in context.held or node.id in context.raw:
        return
    try:
        yield from _as_written(context, node)
    except UnsupportedProgramError as error:
        offer = None if error.kind is Refusal.TOO_MUCH_WORK else _from_farther_down(context, node)
        if offer is None:
            raise
        yield offer


def _as_written(context: Context, node: Node) -> Offers[None]:
    """An s-op over its operands; those that cannot be told apart as they are held are decoded.

    Raises:
        UnsupportedProgramError: no MLP is exact enough.
    """
    form = context.form_of(node)
    operands = [context.first(number) for number in node.inputs]
    recipe = recipe_over(context, node, form, node.label, operands)
    offer = make_well_enough(context, recipe)
    if offer is None and not context.inferred.program.graph.out_degree(node.id):
        # a number that nothing reads only has to be close enough
        offer = make(context, replace(recipe, borne=form.room(context.domain(node.id)) / 2))
    other = None
    if offer is None and context.is_for_decoder_alone(node):  # it may be had sooner than a code
        name = context.fresh_name(f"{node.label}.one_hot")
        other = make(context, recipe_over(context, node, OneHot(), name, operands))
    if offer is None:
        decoded = []
        for number in node.inputs:
            decoded.append((yield from one_hot(context, number, node.label)))
        offer = make(context, recipe_over(context, node, form, node.label, decoded))
    if offer is None and other is None:
        raise UnsupportedProgramError(
            Refusal.TOO_INEXACT,
            node.label,
            "its results cannot be computed exactly enough in float32",
            "make them smaller numbers, or drop rasp.numerical",
        )
    for found in (offer, other):
        if found is not None:
            yield found


def _from_farther_down(context: Context, node: Node) -> Offer | None:
    """An s-op over the nearest other cut of its cone that will do, if any does.

    Raises:
        UnsupportedProgramError: it takes more work than there is left.
    """
    limits, held = context.inferred.limits, None
    for cut in cuts(context, node)[1:]:
        held = held or stored(context.form_of(node), node.label, context.domain(node.id), node.id)
        try:
            recipe = cut_table(context, node, cut, limits.table_entries, held)
            if recipe is None or len(recipe.rows) * recipe.width > 4 * limits.mlp_weights:
                continue
            offer = make_well_enough(context, recipe)
        except (TooManyNeuronsError, TooManyRowsError):
            continue
        if offer is not None:
            return offer
    return None


def recipe_over(
    context: Context, node: Node, form: Form, name: str, operands: Sequence[Held]
) -> Recipe:
    """The table of an s-op over its operands, in the forms in which they are given.

    Raises:
        UnsupportedProgramError: it could not even be written down.
    """
    entries = context.inferred.sops[node.id].table
    assert entries is not None
    held = stored(form, name, context.domain(node.id), node.id)
    classes, borne = entries(entries.rows.T), context.borne(node, form)
    recipe = Recipe(held, operands, entries.rows, classes, borne)
    rows, limit = len(recipe.rows), 4 * context.inferred.limits.mlp_weights
    if rows * recipe.width > limit:
        raise UnsupportedProgramError(
            Refusal.TABLE_TOO_LARGE,
            node.label,
            f"its table has {rows:,} rows of {recipe.width:,} entries, {rows * recipe.width:,} in "
            f"all; the limit is {limit:,}",
            "use a smaller vocab or max_seq_len, or map the operands to fewer values first",
        )
    values = [choices(context.inferred, number) for number in node.inputs]
    if not any(value.nullable for value in values):
        return recipe
    every = in_order(joint(values, 2**62))
    classes = entries(every.T)
    there = classes != UNDEFINED
    return Recipe(held, operands, every[there], classes[there], borne)
