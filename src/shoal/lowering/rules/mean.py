"""Aggregates of numbers: a head that averages, and where the mean is a class an MLP after it."""

from __future__ import annotations

import numpy as np

from shoal.contract import ROUNDING
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.forms.code import Code
from shoal.forms.scalar import Scalar
from shoal.lowering.context import Context
from shoal.lowering.heads import Term, aggregated, score_error, weight_of_unselected
from shoal.lowering.held import Errors, Held, stored
from shoal.lowering.making import decoding, must_make
from shoal.lowering.offers import Offer, Offers
from shoal.lowering.radii import coordinate_errors
from shoal.lowering.rules.decode import number_of
from shoal.lowering.selectors import terms_of
from shoal.program.facts.domains import Enumerated
from shoal.program.ir import Node
from shoal.rasp.values import is_number


def mean(context: Context, node: Node) -> Offers[None]:
    """A mean that is held as a number.

    Raises:
        UnsupportedProgramError: what is averaged is no number.
    """
    if node.id in context.held or not context.wish_of(node).is_number:
        return
    terms = yield from terms_of(context, context.node(node.inputs[0]))
    yield from averaged_number(context, node, terms)


def averaged_number(context: Context, node: Node, terms: list[Term]) -> Offers[None]:
    """A head that averages numbers, by its terms.

    Raises:
        UnsupportedProgramError: what is averaged is no number.
    """
    averaged = context.node(node.inputs[1])
    operand = yield from number_of(context, averaged.id, node.label)
    if operand is None:
        raise UnsupportedProgramError(
            Refusal.NO_NUMBER,
            node.label,
            f"averages {averaged.label!r}, which has values that are no numbers",
            "map it to numbers first",
        )
    held = stored(context.form_of(node), node.label, context.domain(node.id), node.id)
    yield _averaged(context, node, held, operand, terms)


def coded_mean(context: Context, node: Node) -> Offers[None]:
    """A mean of numbers that only the decoder reads, and that is exact enough for it.

    Where None can occur, numbers are moved away from 0.
    """
    domain = context.domain(node.id)
    code, is_mean = context.code_of(node), context.inferred.sops[node.id].mixture
    if node.id in context.held or not is_mean:
        return
    if not isinstance(code, Code) or not isinstance(domain, Enumerated):
        return
    held = stored(code, node.label, domain, node.id)
    operand = context.first(node.inputs[1]).as_number
    shift = code.shift(domain)
    if operand is None or operand.domain.nullable or shift is None:
        return
    terms = yield from terms_of(context, context.node(node.inputs[0]))
    offer = _averaged(context, node, held, operand, terms, shift=shift)
    if offer.errors.largest <= held.form.room(domain):
        yield offer


def decoded_mean(context: Context, node: Node) -> Offers[None]:
    """Numbers are averaged as a number, and an MLP makes the mean a class."""
    operand = None if node.id in context.held else _number_to_average(context, node)
    if operand is None:
        return
    domain = context.inferred.listed(node, node.label)
    # a default that is no number is among the values, but not used, or there would be no mean
    classes = [i for i, value in enumerate(domain.values) if isinstance(value, int | float)]
    numbers = Enumerated(tuple(domain.classes[i] for i in classes), domain.nullable)
    number = stored(Scalar(), context.fresh_name(f"{node.label}.mean"), numbers, None)
    terms = yield from terms_of(context, context.node(node.inputs[0]))
    yield _averaged(context, node, number, operand, terms)
    held = stored(context.form_of(node), node.label, domain, node.id)
    yield must_make(context, decoding(number, held, np.array(classes, dtype=int)), node.label)


def _number_to_average(context: Context, node: Node) -> Held | None:
    """The operand of an aggregate of classes, if it is held as a number and best averaged so."""
    default = context.default_of(node)
    operand = context.first(node.inputs[1])
    if operand.form == context.wish_of(node) and not context.inferred.sops[node.id].mixture:
        return None  # its code is copied
    if operand.as_indicators is not None or not (default is None or is_number(default)):
        return None
    return operand.as_number


def _averaged(
    context: Context,
    node: Node,
    held: Held,
    number: Held,
    terms: list[Term],
    shift: float = 0.0,
) -> Offer:
    """A head that averages a number into a variable that is a number (and presence).

    The weight that BOS keeps beside selected keys is below the rounding.

    Args:
        shift: added to the number.
    """
    space, default = held.coordinates.source, context.default_of(node)
    bias = (np.arange(len(space)) >= number.width).astype(float)  # surely there, if it is not read
    bias[0] += shift
    value = number.coordinates.into(space, np.eye(number.width, len(space)), bias)
    low, high = (bound + shift for bound in number.domain.bounds)
    size, at_bos = max(abs(low), abs(high)), np.zeros(len(space))
    if isinstance(default, int | float):
        at_bos[0] = default + shift
        size = max(size, abs(at_bos[0]))
        at_bos[1:] = 1.0
    mixes = context.inferred.widths[node.inputs[0]].high > 1
    rounding = 4 * ROUNDING if mixes else ROUNDING
    error = float(coordinate_errors(number, context.variables)[0])
    error += float(size * (rounding + weight_of_unselected(context, node, terms)))
    if mixes:
        error += (high - low) / 2 * score_error(terms, context.variables)
    errors = Errors(np.array([[error, 0.0][: len(space)]]))
    return aggregated(context, node, held, number, terms, value, at_bos, errors)
