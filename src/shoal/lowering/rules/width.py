"""Selector widths: a head that averages the mark of BOS, and an MLP that decodes 1 / (1 + n)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shoal.contract import ROUNDING
from shoal.craft.affine import constant
from shoal.forms.reciprocal import Reciprocal
from shoal.lowering.context import Context
from shoal.lowering.cuts import raw_classes
from shoal.lowering.heads import LIKE_A_KEY, Term, head, score_error, terms_read
from shoal.lowering.held import Errors, stored
from shoal.lowering.making import decoding, must_make
from shoal.lowering.offers import Offer, Offers
from shoal.lowering.selectors import terms_of
from shoal.program.facts.domains import Enumerated, domain_of
from shoal.program.ir import Node


def width(context: Context, node: Node) -> Offers[None]:
    """A head that says 1 / (1 + width), and its decoding."""
    terms = yield from terms_of(context, context.node(node.inputs[0]))
    counts = domain_of([count] for count in all_widths(context, node))
    offer = reciprocal(context, f"{node.label}.reciprocal", terms, counts)
    yield replace(offer, block=node.label, raw_of=node.id)


def decode_width(context: Context, node: Node) -> Offers[None]:
    """The width from 1 / (1 + width)."""
    held = stored(context.form_of(node), node.label, context.domain(node.id), node.id)
    recipe = decoding(context.raw[node.id], held, raw_classes(context, node.id))
    yield must_make(context, recipe, node.label)


def all_widths(context: Context, node: Node) -> list[int]:
    """All widths that a selector can have; of those that are merged, each."""
    domain = context.domain(node.id)
    assert isinstance(domain, Enumerated)
    return sorted(v for group in domain.classes for v in group if isinstance(v, int))


def reciprocal(context: Context, name: str, terms: list[Term], counts: Enumerated) -> Offer:
    """A head whose result is 1 / (1 + width) of what the terms select."""
    held = stored(Reciprocal(), context.fresh_name(name), counts, None)
    value = constant(held.coordinates.source, np.zeros(1))
    (hidden,) = held.variables
    made = head(hidden, terms, value, np.ones(1), LIKE_A_KEY, context.inferred.work)
    error = 4 * ROUNDING + score_error(terms, context.variables) / 4
    return Offer(held, made, terms_read(terms), Errors(np.array([[error]])))
