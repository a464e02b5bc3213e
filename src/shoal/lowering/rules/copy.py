"""Aggregates of classes: a head that copies the selected value, or mixes several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from shoal.contract import COLDNESS, ROUNDING
from shoal.craft.affine import Matrix
from shoal.craft.fitting import fit_affine
from shoal.forms.count import Count
from shoal.forms.form import Affine, Form, with_none
from shoal.forms.mixture import Mixture
from shoal.lowering.context import Context
from shoal.lowering.cuts import count_of
from shoal.lowering.heads import Term, aggregated, score_error, weight_of_unselected
from shoal.lowering.held import Errors, Held, stored
from shoal.lowering.offers import Offer, Offers
from shoal.lowering.radii import projected_errors
from shoal.lowering.rules.decode import one_hot
from shoal.lowering.selectors import terms_of
from shoal.program.facts.domains import Enumerated
from shoal.program.ir import Node
from shoal.rasp.values import Key, canonical_key

Rows = Mapping[Key, Matrix]
"""For each value, and the default, by key the dimensions of a variable that it takes."""


def copy(context: Context, node: Node) -> Offers[None]:
    """One position is selected, or several with the same value: the mean is that value's code."""
    if node.id in context.held or context.wish_of(node).is_number:
        return
    if not context.inferred.sops[node.id].mixture:
        yield from copies(context, node, context.form_of(node), node.label)
        yield from _copied_count(context, node)
        return
    operand = yield from one_hot(context, node.inputs[1], node.label)
    held, rows = _mixture(context, node, operand)
    terms = yield from terms_of(context, context.node(node.inputs[0]))
    yield _copied(context, node, held, rows, operand, fitted_to(held, rows, operand), terms)


def copies(
    context: Context, node: Node, form: Form, name: str, terms: list[Term] | None = None
) -> Offers[None]:
    """Heads that write the code of the selected value in a form.

    By the given terms, or those of the selector.

    They read an operand that is held in the same form; where there is none, and besides where the
    form is a further one, a one-hot operand.
    """
    held = stored(form, name, context.domain(node.id), node.id)
    rows = code_rows(held)
    same = [h for h in context.ways(node.inputs[1]) if h.form == form and h.codes is not None][:1]
    ways = [(operand, fitted_to(held, rows, operand)) for operand in same]
    ways = [(operand, fitted) for operand, fitted in ways if fitted is not None]
    if node.id in context.held or not ways:
        operand = yield from one_hot(context, node.inputs[1], node.label)
        ways.insert(0, (operand, fitted_to(held, rows, operand)))
    if terms is None:
        terms = yield from terms_of(context, context.node(node.inputs[0]))
    for way in ways:
        yield _copied(context, node, held, rows, *way, terms)


def _copied_count(context: Context, node: Node) -> Offers[None]:
    """A count that is fetched as a head has written it, for those who need it no other way."""
    count, domain = count_of(context, node.inputs[1]), context.domain(node.id)
    if count is None or not isinstance(domain, Enumerated) or domain.nullable:
        return
    if any(type(value) is not int for value in domain.values):
        return
    held = stored(Count(), context.fresh_name(f"{node.label}.count"), domain, None)
    rows = code_rows(held)
    terms = yield from terms_of(context, context.node(node.inputs[0]))
    fitted = fitted_to(held, rows, count)
    if fitted is None:
        return
    made = _copied(context, node, held, rows, count, fitted, terms)
    if made.errors.largest <= held.form.room(domain):
        yield replace(made, raw_of=node.id)


def code_rows(held: Held) -> Rows:
    """For each value by key its code."""
    assert isinstance(held.domain, Enumerated)
    assert held.codes is not None
    return {key: held.codes[number] for key, number in held.domain.class_of.items()}


def _mixture(context: Context, node: Node, operand: Held) -> tuple[Held, Rows]:
    """Several values are averaged to a distribution over the operand's values and the default."""
    assert isinstance(operand.domain, Enumerated)
    base = list(operand.domain.values)
    place = dict(operand.domain.class_of)
    default = context.default_of(node)
    if default is not None and canonical_key(default) not in place:
        place[canonical_key(default)] = len(base)
        base.append(default)
    form = Mixture(Enumerated(tuple((value,) for value in base)))
    context.require_fit(form, context.domain(node.id), node.label)
    held = stored(form, node.label, context.domain(node.id), node.id)
    shares = np.eye(len(base))
    return held, {key: shares[number] for key, number in place.items()}


def fitted_to(held: Held, rows: Rows, operand: Held) -> Affine | None:
    """Matrix and bias by which an operand's codes become what is written; None if none does."""
    assert isinstance(operand.domain, Enumerated)
    size = len(held.coordinates.source)
    keys = [canonical_key(value) for value in operand.domain.values]
    wanted = np.array([rows.get(key, np.zeros(size)) for key in keys]).reshape(len(keys), size)
    if operand.form.picks_one:
        return wanted, np.zeros(size)
    occurs = np.array([key in rows for key in keys], dtype=bool)
    codes, nullable = operand.points(np.flatnonzero(occurs)), operand.domain.nullable
    return fit_affine(with_none(codes, nullable), with_none(wanted[occurs], nullable))


def _copied(
    context: Context,
    node: Node,
    held: Held,
    rows: Rows,
    operand: Held,
    fitted: Affine | None,
    terms: list[Term],
) -> Offer:
    """A head that copies what is held to what it is in a variable.

    What should have no weight has a little. Who reads large numbers off the copy sees it.
    """
    assert held.own is not None
    assert fitted is not None  # what is one-hot can be copied to anything
    matrix, bias = fitted
    space, ranges = held.own.space, held.own.ranges
    size = float(ranges.largest) * (2 if ranges.signed.any() else 1)  # how far apart two codes are
    default, at_bos = context.default_of(node), np.zeros(len(space))
    off = projected_errors(operand, context.variables, matrix)
    left = np.full(len(space), size * weight_of_unselected(context, node, terms))
    if default is not None:
        at_bos = rows[canonical_key(default)]
        of_default = at_bos != 0
        left[of_default & ~matrix.any(axis=0) & ~bias.astype(bool)] = 0.0  # no key has it
        left[of_default] += size * np.exp(-COLDNESS / 2)
    if context.inferred.sops[node.id].mixture:  # else all selected values are the same
        off = off + score_error(terms, context.variables) / 2 + 4 * ROUNDING
    # all dimensions that hold one value may be off at once
    each = (matrix != 0).sum(axis=1) if operand.form.picks_one else [len(space)]
    errors = Errors(apart=max([*each, 1]) * (off + left))
    value = operand.coordinates.into(space, matrix, bias)
    return aggregated(context, node, held, operand, terms, value, at_bos, errors)
