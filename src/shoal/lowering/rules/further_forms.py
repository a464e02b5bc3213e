"""Further forms: an s-op is held in other forms besides the one that the user wishes.

Readers that can use such a form directly have an alternative that does: tables over it, copies of
it, the result. For all others the first form can be decoded from it. The allocator decides.
"""

from __future__ import annotations

from itertools import islice, product

from shoal.forms.count import Count
from shoal.forms.form import Form
from shoal.forms.registry import FORMS
from shoal.lowering.context import Context
from shoal.lowering.cuts import raw_classes
from shoal.lowering.held import stored
from shoal.lowering.making import Recipe, decoding, offer_another
from shoal.lowering.offers import Offers
from shoal.lowering.rules.copy import copies
from shoal.lowering.rules.embedding import embedded
from shoal.lowering.rules.table import TABLES, recipe_over
from shoal.program.ir import ELEMENTWISE, Node, Op

MOST_COMBINATIONS = 8
"""Combinations of forms of operands that a table is offered over."""


def further_forms(context: Context, node: Node) -> Offers[None]:
    """An s-op in every further form that is switched on, narrower, and fits it."""
    for form in _others(context, node):
        name = context.fresh_name(f"{node.label}.{form.name}")
        if node.op in (Op.TOKENS, Op.INDICES):
            yield from embedded(context, node, form, name)
        elif node.op is Op.WIDTH:
            held = stored(form, name, context.domain(node.id), node.id)
            recipe = decoding(context.raw[node.id], held, raw_classes(context, node.id))
            yield from offer_another(context, recipe)
        elif node.op is Op.AGGREGATE and not context.inferred.sops[node.id].mixture:
            yield from copies(context, node, form, name)
        elif context.made_by[node.id] == TABLES:
            operands = [context.first(number) for number in node.inputs]
            recipe = recipe_over(context, node, form, name, operands)
            yield from offer_another(context, recipe)
        yield from _decoded(context, node, form)


def further_operands(context: Context, node: Node) -> Offers[None]:
    """An s-op by tables over other forms of its operands."""
    if context.made_by.get(node.id) != TABLES:
        return
    for held in context.ways(node.id):
        if held.own is None:
            continue
        (name,) = held.variables
        ways = [
            [way for way in context.ways(number) if way.form != Count()] for number in node.inputs
        ]
        # the first are all as they are wished
        for operands in islice(product(*ways), 1, MOST_COMBINATIONS):
            recipe = recipe_over(context, node, held.form, name, operands)
            yield from _if_as_exact(context, recipe)


def _others(context: Context, node: Node) -> list[Form]:
    """Forms that are switched on besides, where they fit and are narrower."""
    first, limits = context.first(node.id), context.inferred.limits
    if first.form.is_number:
        return []
    forms = [f for name, f in FORMS.items() if name in context.passes and f != first.form]
    fitting = [form for form in forms if form.misfit(first.domain, limits) is None]
    return [form for form in fitting if len(form.parts(first.domain)) < first.width]


def _decoded(context: Context, node: Node, form: Form) -> Offers[None]:
    """The first form, decoded from a further one."""
    first = context.first(node.id)
    sources = [held for held in context.ways(node.id) if held.form == form]
    by_mlp = node.op in ELEMENTWISE | {Op.WIDTH}  # a component of another kind is no alternative
    if first.own is not None and sources and by_mlp:
        yield from _if_as_exact(context, decoding(sources[0], first))


def _if_as_exact(context: Context, recipe: Recipe) -> Offers[None]:
    """Another way to a value, unless its readers would have to be dearer for it."""
    variable = recipe.held.own
    assert variable is not None
    is_read = context.inferred.program.graph.out_degree(variable.node)
    bears = context.variables[variable.name].errors.largest if is_read else float("inf")
    yield from offer_another(context, recipe, bears)
