"""Aggregates of classes: a head that copies the selected value, or mixes several."""

from __future__ import annotations

import numpy as np

from shoal.forms.mixture import Mixture
from shoal.lowering.context import Context
from shoal.lowering.heads import terms_read
from shoal.lowering.held import Held, StreamVariable, stored
from shoal.lowering.offers import Offer, Offers
from shoal.lowering.rules.aggregate import copying_head, default_of, sharing_of
from shoal.lowering.rules.decode import one_hot
from shoal.lowering.selectors import terms_of
from shoal.program.facts.domains import Enumerated
from shoal.program.ir import Node, Op
from shoal.rasp.values import Key, canonical_key


def copy(context: Context, node: Node) -> Offers[None]:
    """One position is selected, or several with the same value: the mean is that value's code."""
    if node.op is not Op.AGGREGATE or node.id in context.held:
        return
    operand = yield from one_hot(context, node.inputs[1], node.label)
    if context.inferred.sops[node.id].mixture:
        variable, held, rows = _mixture(context, node, operand)
    else:
        variable, held = stored(context.form_of(node), node.label, context.domain(node.id), node.id)
        assert isinstance(held.domain, Enumerated)
        assert held.codes is not None
        rows = {key: held.codes[number] for key, number in held.domain.class_of.items()}
    terms = yield from terms_of(context, context.node(node.inputs[0]))
    made, errors = copying_head(context, node, variable, operand, rows, terms)
    reads = (*terms_read(terms), *operand.variables)
    sharing = sharing_of(context, node)
    yield Offer(held, node.id, variable, made, reads, errors, node.label, sharing)


def _mixture(
    context: Context, node: Node, operand: Held
) -> tuple[StreamVariable, Held, dict[Key, np.ndarray]]:
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
