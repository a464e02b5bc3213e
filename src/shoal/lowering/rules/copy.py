"""Aggregates of classes: a head that copies the selected value, or mixes several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shoal.contract import COLDNESS, ROUNDING
from shoal.craft.affine import Matrix
from shoal.craft.fitting import fit_affine
from shoal.forms.form import Form, with_none
from shoal.forms.mixture import Mixture
from shoal.lowering.context import Context
from shoal.lowering.heads import Term, score_error, weight_of_unselected
from shoal.lowering.held import Errors, Held, stored
from shoal.lowering.offers import Offer, Offers
from shoal.lowering.radii import projected_errors
from shoal.lowering.rules.aggregate import aggregated, default_of
from shoal.lowering.rules.decode import one_hot
from shoal.lowering.selectors import terms_of
from shoal.program.facts.domains import Enumerated
from shoal.program.ir import Node, Op
from shoal.rasp.values import Key, canonical_key

Rows = Mapping[Key, Matrix]
"""For each value, and the default, by key the dimensions of a variable that it takes."""


@dataclass(frozen=True, eq=False)
class _Copying:
    """How what is held becomes what is written where it is copied.

    Attributes:
        operand: what is copied.
        matrix: [coordinates of the operand, dimensions that are written].
        bias: [dimensions that are written].
        of_default: [dimensions that are written], what is written where nothing is selected.
    """

    operand: Held
    matrix: Matrix
    bias: Matrix
    of_default: Matrix


def copy(context: Context, node: Node) -> Offers[None]:
    """One position is selected, or several with the same value: the mean is that value's code."""
    if node.op is not Op.AGGREGATE or node.id in context.held:
        return
    if not context.inferred.sops[node.id].mixture:
        yield from copies(context, node, context.form_of(node), node.label)
        return
    operand = yield from one_hot(context, node.inputs[1], node.label)
    held, rows = _mixture(context, node, operand)
    how = _copying(context, node, operand, rows, len(held.coordinates.source))
    assert how is not None  # what is one-hot can be copied to anything
    terms = yield from terms_of(context, context.node(node.inputs[0]))
    yield _copied(context, node, held, how, terms)


def copies(context: Context, node: Node, form: Form, name: str) -> Offers[None]:
    """Heads that write the code of the selected value in a form.

    They read an operand that is held in the same form, if there is one. It is offered to read it
    one-hot where there is none, or where the variable is another one than the s-op's first.
    """
    held = stored(form, name, context.domain(node.id), node.id)
    rows = code_rows(held)
    same = [h for h in context.held[node.inputs[1]] if h.form == form and h.codes is not None][:1]
    ways = [_copying(context, node, operand, rows, held.width) for operand in same]
    if node.id in context.held or not any(ways):
        operand = yield from one_hot(context, node.inputs[1], node.label)
        ways.insert(0, _copying(context, node, operand, rows, held.width))
    terms = yield from terms_of(context, context.node(node.inputs[0]))
    for how in ways:
        if how is not None:
            yield _copied(context, node, held, how, terms)


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
    default = default_of(context, node)
    if default is not None and canonical_key(default) not in place:
        place[canonical_key(default)] = len(base)
        base.append(default)
    form = Mixture(Enumerated(tuple((value,) for value in base)))
    context.require_fit(form, context.domain(node.id), node.label)
    held = stored(form, node.label, context.domain(node.id), node.id)
    return held, {key: np.eye(len(base))[number] for key, number in place.items()}


def _copying(context: Context, node: Node, operand: Held, rows: Rows, size: int) -> _Copying | None:
    """How an operand with codes is copied to so many dimensions; None if these do not allow it."""
    assert isinstance(operand.domain, Enumerated)
    default = default_of(context, node)
    of_default = np.zeros(size) if default is None else rows[canonical_key(default)]
    keys = [canonical_key(value) for value in operand.domain.values]
    wanted = np.array([rows.get(key, np.zeros(size)) for key in keys]).reshape(len(keys), size)
    if operand.form.picks_one:
        return _Copying(operand, wanted, np.zeros(size), of_default)
    occurs = np.array([key in rows for key in keys], dtype=bool)
    codes = operand.points(np.flatnonzero(occurs))
    nullable = operand.domain.nullable
    fitted = fit_affine(with_none(codes, nullable), with_none(wanted[occurs], nullable))
    return None if fitted is None else _Copying(operand, *fitted, of_default)


def _copied(context: Context, node: Node, held: Held, how: _Copying, terms: list[Term]) -> Offer:
    """A head that copies what is held to what it is in a variable.

    What should have no weight has a little. Who reads large numbers off the copy sees it.
    """
    assert held.own is not None
    space, size = held.own.space, float(held.own.ranges.largest)
    operand, at_bos = how.operand, how.of_default
    off = projected_errors(operand, context.variables, how.matrix)
    left = np.full(len(space), size * weight_of_unselected(context, node))
    if default_of(context, node) is not None:
        of_default = at_bos > 0
        left[of_default & ~how.matrix.any(axis=0) & ~how.bias.astype(bool)] = 0.0  # no key has it
        left[of_default] += size * np.exp(-COLDNESS / 2)
    if context.inferred.sops[node.id].mixture:  # else all selected values are the same
        off = off + score_error(terms, context.variables) / 2 + 4 * ROUNDING
    # all dimensions that hold one value may be off at once
    each = (how.matrix != 0).sum(axis=1) if operand.form.picks_one else [len(space)]
    errors = Errors(apart=max([*each, 1]) * (off + left))
    value = operand.coordinates.into(space, how.matrix, how.bias)
    return aggregated(context, node, held, operand, terms, value, at_bos, errors)
