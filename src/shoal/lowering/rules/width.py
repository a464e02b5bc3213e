"""Selector widths: a head that counts, and an MLP that makes the count what it is held as.

A count is read in one of two ways. If BOS scores like a selected key and is all that has a value,
the head writes 1 / (1 + n). If BOS scores so much more that it has nearly all the weight, and
values are multiplied by what its weight exceeds that of a key by, the head writes n itself: n / (1
+ n / B) with B = ``BOS_WEIGHT``, which float32 does not tell from n. Nothing has to be decoded from
that where a number will do; but a picture of the attention shows BOS alone.

What BOS itself holds then counts B times. So values are read from a mark of tokens, which is 0 at
the BOS position as it is embedded, and no weight that is a little off makes anything else of that.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from shoal.arrays import Array, Float
from shoal.contract import COLDNESS, ROUNDING
from shoal.craft.affine import constant
from shoal.craft.bases import numbered_space
from shoal.forms.code import Code
from shoal.forms.count import Count
from shoal.forms.reciprocal import Reciprocal
from shoal.forms.scalar import Scalar
from shoal.lowering.context import MARK_OF_TOKENS, Context
from shoal.lowering.cuts import raw_classes
from shoal.lowering.heads import (
    LIKE_A_KEY,
    Term,
    head,
    score_error,
    terms_read,
    with_parabola,
)
from shoal.lowering.held import Errors, Held, stored
from shoal.lowering.making import decoding, make_well_enough, must_make
from shoal.lowering.offers import InputTable, Offer, Offers
from shoal.lowering.selectors import terms_of
from shoal.program.facts.domains import Enumerated, domain_of
from shoal.program.ir import Node

LINEAR_COUNTS = "linear-counts"
"""The name of the rule by which heads write counts themselves."""

_MORE = 20.8125
"""What BOS scores more than a selected key: a multiple of 1/16, so exact beside whole numbers."""

BOS_WEIGHT = math.exp(_MORE)
"""How many times the weight of a selected key BOS has, so that a count is linear; about 2**30.

Up to 2**12 keys n / (1 + n / B) is off by n**2 / B, 1/64 at most. The sum of all weights is 1 in
float32, as 2**12 / 2**30 is below its rounding, so what is computed is off by still less.
"""

MOST_ERROR = 0.1
"""Counts that may be off by more are not read linearly."""

MOST_PARABOLA_ERROR = 0.02
"""Counts that may be off by more, since scores are, are better made by scores that are exact."""

_SCORE = COLDNESS + _MORE
"""The score of BOS then."""

_SCORE_ERROR = 4 * 2.0**-24 * _SCORE
"""How far float32 may take the difference of two scores off, over some operations."""


def width(context: Context, node: Node) -> Offers[None]:
    """A head that says the width, or 1 / (1 + width)."""
    if node.id in context.raw:  # the sum of what heads say
        return
    terms = yield from terms_of(context, context.node(node.inputs[0]))
    counts = counts_of(context, node)
    if context.is_for_decoder_alone(node):
        offer = yield from linear_count(context, node.label, terms, counts)
        held = None if offer is None else as_code(context, node, offer.held, offer.errors.largest)
        if offer is not None and held is not None and held.own is not None:
            own = replace(held.own, node=node.id, words=held.form.words(held.domain))
            yield replace(offer, held=replace(held, own=own), block=node.label)
            return
    offer = yield from counted(context, node, node.label, terms, counts)
    yield replace(offer, block=node.label, raw_of=node.id)


def decode_width(context: Context, node: Node) -> Offers[None]:
    """The width from what a head says, if that is not the width itself.

    Where counts that are written as they are cannot be told apart, 1 / (1 + width) may do.
    """
    if node.id in context.held or node.id not in context.raw:
        return
    held = stored(context.form_of(node), node.label, context.domain(node.id), node.id)
    recipe = decoding(context.raw[node.id], held, raw_classes(context, node.id))
    offer = make_well_enough(context, recipe)
    if offer is None and context.raw[node.id].form == Count():
        terms = yield from terms_of(context, context.node(node.inputs[0]))
        name = f"{node.label}.reciprocal"
        other = reciprocal(context, name, terms, counts_of(context, node))
        raw = yield replace(other, block=node.label, raw_of=node.id)
        recipe = decoding(raw, held, raw_classes(context, node.id))
    yield offer or must_make(context, recipe, node.label)


def as_code(context: Context, node: Node, count: Held, error: float) -> Held | None:
    """A count as the code of a result, if a code will do and may be so far off."""
    domain = context.domain(node.id)
    code = context.code_of(node)
    if not isinstance(code, Code) or not isinstance(domain, Enumerated):
        return None
    shift = code.shift(domain)
    if shift is None or domain.nullable or error > code.room(domain):
        return None
    space = numbered_space(node.label, 1)
    coordinates = count.coordinates.into(space, np.eye(1), np.array([shift]))
    return replace(count, form=code, domain=domain, coordinates=coordinates)


def all_widths(context: Context, node: Node) -> list[int]:
    """All widths that a selector can have; of those that are merged, each."""
    domain = context.domain(node.id)
    assert isinstance(domain, Enumerated)
    return sorted(v for group in domain.classes for v in group if isinstance(v, int))


def counts_of(context: Context, node: Node) -> Enumerated:
    """The same as a domain, each width a class."""
    return domain_of([width] for width in all_widths(context, node))


def counted(
    context: Context, node: Node, name: str, terms: list[Term], counts: Enumerated
) -> Offers[Offer]:
    """A head whose result is the width of what the terms select, or 1 / (1 + width).

    Args:
        node: the width; if it is to be a number, little is allowed to be off.
        name: of the variable, but for an ending.
    """
    linear = None
    if not node.is_numerical:
        own = context.fresh_name(f"{name}.count")
        linear = yield from linear_count(context, own, terms, counts)
    return linear or reciprocal(context, f"{name}.reciprocal", terms, counts)


def linear_count(
    context: Context, name: str, terms: list[Term], counts: Enumerated
) -> Offers[Offer | None]:
    """A head that writes the width of what the terms select; None if it may be too far off."""
    countable = countable_terms(context, terms, counts)
    return None if countable is None else (yield from count_of(context, name, countable, counts))


def count_of(
    context: Context, name: str, countable: Countable, counts: Enumerated
) -> Offers[Offer]:
    """A head that writes how many keys terms select, which it can."""
    mark = yield from mark_of_tokens(context)
    made = counted_values(context, name, countable, counts, mark, np.ones(mark.width))
    return replace(made, due_to=LINEAR_COUNTS)


Countable = tuple[list[Term], float]
"""Terms of a selector, and how far off a count of what they select may be."""


def countable_terms(context: Context, terms: list[Term], counts: Enumerated) -> Countable | None:
    """The terms by which a head can write counts; None if it may not, or they are too far off."""
    most = float(counts.bounds[1])
    terms = with_parabola(context, terms, MOST_PARABOLA_ERROR / max(1.0, most))
    error = most * (score_error(terms, context.variables) + _SCORE_ERROR + most / BOS_WEIGHT)
    return None if LINEAR_COUNTS not in context.passes or error > MOST_ERROR else (terms, error)


def counted_values(
    context: Context,
    name: str,
    countable: Countable,
    counts: Enumerated,
    counted: Held,
    values: Float[Array, " coordinates"],
) -> Offer:
    """A head that writes a sum over what terms select.

    Args:
        context: what is held.
        name: of the variable.
        countable: the terms, and how far off the sum may be.
        counts: what the sum can be.
        counted: what is 0 at the BOS position as it is embedded.
        values: what each coordinate of it adds to the sum.
    """
    terms, error = countable
    held = stored(Count(), name, counts, None)
    space = held.coordinates.source
    value = counted.coordinates.into(space, BOS_WEIGHT * values[:, None], np.zeros(1))
    made = head(name, terms, value, None, _SCORE / COLDNESS, context.inferred.work)
    reads = (*terms_read(terms), *counted.variables)
    return Offer(held, made, reads, Errors(np.array([[error]])))


def mark_of_tokens(context: Context) -> Offers[Held]:
    """What is 1 at every token, and 0 at the BOS position as it is embedded."""
    if MARK_OF_TOKENS in context.helpers:
        return context.helpers[MARK_OF_TOKENS]
    held = stored(Scalar(), context.fresh_name("token"), domain_of([[1]]), None)
    by_token = np.ones((len(context.inferred.vocab) + 1, 1))
    by_token[-1] = 0.0  # BOS
    table = InputTable(held.variables[0], by_token, None)
    return (yield Offer(held, purpose=MARK_OF_TOKENS, table=table))


def reciprocal(context: Context, name: str, terms: list[Term], counts: Enumerated) -> Offer:
    """A head whose result is 1 / (1 + width) of what the terms select."""
    held = stored(Reciprocal(), context.fresh_name(name), counts, None)
    value = constant(held.coordinates.source, np.zeros(1))
    (hidden,) = held.variables
    made = head(hidden, terms, value, np.ones(1), LIKE_A_KEY, context.inferred.work)
    error = 4 * ROUNDING + score_error(terms, context.variables) / 4
    return Offer(held, made, terms_read(terms), Errors(np.array([[error]])))
