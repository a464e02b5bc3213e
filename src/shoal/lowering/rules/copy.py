"""Aggregates of classes: a head that copies the selected value, or mixes several."""

from __future__ import annotations

import numpy as np

from shoal.forms.mixture import Mixture
from shoal.lowering.context import Context
from shoal.lowering.held import Held, StreamVariable, stored
from shoal.lowering.offers import Offers
from shoal.lowering.rules.aggregate import Copying, Rows, copied, copying, default_of
from shoal.lowering.rules.decode import one_hot
from shoal.lowering.selectors import terms_of
from shoal.program.facts.domains import Enumerated
from shoal.program.ir import Node, Op
from shoal.rasp.values import canonical_key


def copy(context: Context, node: Node) -> Offers[None]:
    """One position is selected, or several with the same value: the mean is that value's code."""
    if node.op is not Op.AGGREGATE or node.id in context.held:
        return
    if context.inferred.sops[node.id].mixture:
        operand = yield from one_hot(context, node.inputs[1], node.label)
        variable, held, rows = _mixture(context, node, operand)
        what = copying(context, node, operand, rows, len(variable.space))
    else:
        form, domain = context.form_of(node), context.domain(node.id)
        variable, held = stored(form, node.label, domain, node.id)
        what = same_form(context, node, held)
        if what is None:
            operand = yield from one_hot(context, node.inputs[1], node.label)
            what = copying(context, node, operand, code_rows(held), held.width)
    assert what is not None  # what is one-hot can be copied to anything
    terms = yield from terms_of(context, context.node(node.inputs[0]))
    yield copied(context, node, variable, held, what, terms)


def code_rows(held: Held) -> Rows:
    """For each value by key its code."""
    assert isinstance(held.domain, Enumerated)
    assert held.codes is not None
    return {key: held.codes[number] for key, number in held.domain.class_of.items()}


def same_form(context: Context, node: Node, held: Held) -> Copying | None:
    """How the operand of an aggregate is copied that is held in the form that is wanted."""
    for operand in context.held[node.inputs[1]]:
        if operand.form == held.form and operand.codes is not None:
            return copying(context, node, operand, code_rows(held), held.width)
    return None


def _mixture(context: Context, node: Node, operand: Held) -> tuple[StreamVariable, Held, Rows]:
    """Several values are averaged to a distribution over the operand's values and the default."""
    assert isinstance(operand.domain, Enumerated)
    base = list(operand.domain.values)
    place = dict(operand.domain.class_of)
    default = default_of(context, node)
    if default is not None and canonical_key(default) not in place:
        place[canonical_key(default)] = len(base)
        base.append(default)
    form = Mixture(Enumerated(tuple((value,) for value in base)))
    context.require_fit(form, context.domain(node.id), node.label)
    variable, held = stored(form, node.label, context.domain(node.id), node.id)
    return variable, held, {key: np.eye(len(base))[number] for key, number in place.items()}
