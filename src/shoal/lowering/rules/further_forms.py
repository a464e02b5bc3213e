"""Further forms: an s-op is held in other forms besides the one that the user wishes.

Readers that can use such a form directly have an alternative that does: tables over it, copies of
it, the result. For all others the first form can be decoded from it. The allocator decides.
"""

from __future__ import annotations

from itertools import islice, product

from shoal.forms.form import Form
from shoal.lowering.context import Context
from shoal.lowering.cuts import raw_classes
from shoal.lowering.held import Held, StreamVariable, stored
from shoal.lowering.making import Recipe, decoding, make_another, offer_another
from shoal.lowering.offers import LeftOut, Offers
from shoal.lowering.rules.aggregate import copied, copying
from shoal.lowering.rules.copy import code_rows, same_form
from shoal.lowering.rules.decode import one_hot
from shoal.lowering.rules.embedding import from_embedding
from shoal.lowering.rules.table import TABLES, recipe_over
from shoal.lowering.selectors import terms_of
from shoal.program.ir import ELEMENTWISE, Node, Op

MOST_COMBINATIONS = 8
"""Combinations of forms of operands that a table is offered over."""


def further_forms(context: Context, node: Node) -> Offers[None]:
    """An s-op in every further form that is switched on, narrower, and fits it."""
    for form in context.further_forms(node):
        name = context.fresh_name(f"{node.label}.{form.name}")
        if node.op in (Op.TOKENS, Op.INDICES):
            offer = from_embedding(context, node, form, name)
            if offer is not None:
                yield offer
        elif node.op is Op.WIDTH:
            yield from _decoded_width(context, node, form, name)
        elif node.op is Op.AGGREGATE:
            yield from _copied(context, node, form, name)
        elif context.made_by[node.id] == TABLES:
            yield from _tabulated(context, node, form, name)
        yield from _decoded(context, node, form)


def further_operands(context: Context, node: Node) -> Offers[None]:
    """An s-op by tables over other forms of its operands."""
    if node.op not in ELEMENTWISE or context.made_by[node.id] != TABLES:
        return
    for held in context.held[node.id]:
        (name,) = held.variables
        for operands in islice(_combinations(context, node), 1, MOST_COMBINATIONS):
            recipe = recipe_over(context, node, held.form, name, operands)
            yield from _if_as_exact(context, recipe)


def _combinations(context: Context, node: Node) -> product[tuple[Held, ...]]:
    """All forms of all operands; the first as they are wished."""
    return product(*(context.held[number] for number in node.inputs))


def _tabulated(context: Context, node: Node, form: Form, name: str) -> Offers[None]:
    operands = next(iter(_combinations(context, node)))
    yield from offer_another(context, recipe_over(context, node, form, name, operands))


def _decoded_width(context: Context, node: Node, form: Form, name: str) -> Offers[None]:
    variable, held = stored(form, name, context.domain(node.id), node.id)
    recipe = decoding(context.raw[node.id], variable, held, raw_classes(context, node.id))
    yield from offer_another(context, recipe)


def _copied(context: Context, node: Node, form: Form, name: str) -> Offers[None]:
    """The code of the selected value, from a one-hot value or from the same form."""
    if context.inferred.sops[node.id].mixture:
        return
    variable, held = stored(form, name, context.domain(node.id), node.id)
    operand = yield from one_hot(context, node.inputs[1], node.label)
    terms = yield from terms_of(context, context.node(node.inputs[0]))
    from_classes = copying(context, node, operand, code_rows(held), held.width)
    for what in (from_classes, same_form(context, node, held)):
        if what is not None:
            yield copied(context, node, variable, held, what, terms)


def _decoded(context: Context, node: Node, form: Form) -> Offers[None]:
    """The first form, decoded from a further one."""
    first = context.first(node.id)
    variable = _own_variable(context, node)
    sources = [h for h in context.held[node.id] if h.form == form]
    by_mlp = node.op in ELEMENTWISE | {Op.WIDTH}  # a component of another kind is no alternative
    if variable is None or not sources or not by_mlp:
        return
    yield from _if_as_exact(context, decoding(sources[0], variable, first))


def _if_as_exact(context: Context, recipe: Recipe) -> Offers[None]:
    """Another way to a value, unless its readers would have to be dearer for it."""
    offer = make_another(context, recipe)
    bears = context.variables[recipe.variable.name].errors.largest
    if not context.inferred.program.graph.out_degree(recipe.variable.node):
        bears = recipe.held.form.most_error
    if isinstance(offer, LeftOut) or (offer is not None and offer.errors.largest <= bears):
        yield offer


def _own_variable(context: Context, node: Node) -> StreamVariable | None:
    """The variable of the first form, unless that is a view."""
    first = context.first(node.id)
    return context.variables[node.label] if first.variables == (node.label,) else None
