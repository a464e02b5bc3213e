"""Aggregates of numbers: a head that averages, and where the mean is a class an MLP after it."""

from __future__ import annotations

import numpy as np

from shoal.errors import Refusal, UnsupportedProgramError
from shoal.forms.form import number_codes
from shoal.forms.scalar import Scalar
from shoal.lowering.context import Context
from shoal.lowering.held import Held, stored, with_none
from shoal.lowering.making import Recipe, must_make
from shoal.lowering.offers import Offers
from shoal.lowering.rules.aggregate import averaged, default_of
from shoal.lowering.rules.decode import number_of
from shoal.lowering.selectors import terms_of
from shoal.program.facts.domains import Interval
from shoal.program.ir import Node, Op
from shoal.rasp.values import is_number


def mean(context: Context, node: Node) -> Offers[None]:
    """A mean that is held as a number.

    Raises:
        UnsupportedProgramError: what is averaged is no number.
    """
    if node.op is not Op.AGGREGATE or not context.wish_of(node).is_number:
        return
    operand = yield from number_of(context, node.inputs[1], node.label)
    if operand is None:
        raise UnsupportedProgramError(
            Refusal.NO_NUMBER,
            node.label,
            f"averages {context.node(node.inputs[1]).label!r}, which has values that are no "
            "numbers",
            "map it to numbers first",
        )
    variable, held = stored(context.form_of(node), node.label, context.domain(node.id), node.id)
    terms = yield from terms_of(context, context.node(node.inputs[0]))
    yield averaged(context, node, variable, held, operand, terms)


def averaged_number(context: Context, node: Node) -> Held | None:
    """The operand of an aggregate of classes, if it is held as a number and best averaged so."""
    default = default_of(context, node)
    operand = context.first(node.inputs[1])
    if operand.form == context.wish_of(node) and not context.inferred.sops[node.id].mixture:
        return None  # its code is copied
    if operand.as_number is None or not (default is None or is_number(default)):
        return None
    return operand if operand.as_indicators is None else None


def decoded_mean(context: Context, node: Node) -> Offers[None]:
    """Numbers are averaged as a number, and an MLP makes the mean a class."""
    if node.op is not Op.AGGREGATE or node.id in context.held:
        return
    operand = averaged_number(context, node)
    if operand is None:
        return
    domain = context.inferred.listed(node, node.label)
    hidden = context.fresh_name(f"{node.label}.mean")
    scalar, number = stored(Scalar(), hidden, Interval(*domain.bounds, domain.nullable), None)
    terms = yield from terms_of(context, context.node(node.inputs[0]))
    yield averaged(context, node, scalar, number, operand, terms)
    variable, held = stored(context.form_of(node), node.label, domain, node.id)
    # a default that is no number is among the values, but not used, or there would be no mean
    classes = [i for i, value in enumerate(domain.values) if isinstance(value, int | float)]
    points = with_none(number_codes(domain), domain.nullable)
    results = with_none(held.points(np.array(classes, dtype=int)), domain.nullable)
    recipe = Recipe(variable, held, [number], points, results, node.label)
    yield must_make(context, recipe, node.label)
