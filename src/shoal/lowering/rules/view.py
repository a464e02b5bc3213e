"""Views: values that are affine functions of variables that are there anyway.

A map of a one-hot value is linear on it, and so is a linear combination of numbers. Every reader
can absorb such a value into its own weights, so it needs no neurons, no columns and no layer. What
is to be kept in the stream is no view; but where the token or the index determines it, the
embedding provides it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shoal.craft.affine import Matrix, concatenate
from shoal.craft.bases import numbered_space
from shoal.craft.fitting import fit_affine
from shoal.forms.form import Form, with_none
from shoal.forms.one_hot import OneHot
from shoal.lowering.context import Context
from shoal.lowering.cuts import count_of
from shoal.lowering.held import Held, points_of, variables_of
from shoal.lowering.offers import Offer, Offers
from shoal.lowering.radii import is_decodable
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.lookup import NONE
from shoal.program.ir import Node, Op

_LARGEST_FIT = 2**18


def view(context: Context, node: Node) -> Offers[None]:
    """An elementwise node as a view of its operands, if it is one."""
    held = None if node.is_kept else view_of(context, node)
    if held is not None:
        yield Offer(held, view_of=node.id)


def view_of(context: Context, node: Node) -> Held | None:
    """How an elementwise node is read off its operands; None if it cannot be."""
    operands = [context.first(number) for number in node.inputs]
    one_hot = [operand.as_indicators for operand in operands]
    if len(operands) < 2 and None not in one_hot:
        return _of_classes(context, node, [operand for operand in one_hot if operand is not None])
    if any(operand.domain.nullable for operand in operands):
        return None
    if context.is_for_decoder_alone(node):
        return _code(context, node, operands)
    if not node.is_numerical:
        return None
    if node.op is Op.LINEAR:
        return linear_combination(context, node)
    return _affine_function(context, node, operands)


def _of_classes(context: Context, node: Node, operands: list[Held]) -> Held:
    """A function of a one-hot value, or of nothing."""
    domain, form = context.inferred.listed(node, node.label), context.form_of(node)
    if context.is_for_decoder_alone(node):
        coded = _class_by_class(context, node, operands, form, domain)
        if is_decodable(coded, context.variables):
            return coded
        form = OneHot()  # it takes no columns, so it may as well be told apart most safely
    return _class_by_class(context, node, operands, form, domain)


def _class_by_class(
    context: Context, node: Node, operands: list[Held], form: Form, domain: Enumerated
) -> Held:
    """A function of a one-hot value, or of nothing, in a form."""
    table = context.inferred.sops[node.id].table
    assert table is not None
    codes = with_none(form.codes(domain))[np.maximum(table.entries, NONE)]
    if operands:
        return affine_view(context, node, form, operands, codes, np.zeros(codes.shape[1]))
    return affine_view(context, node, form, [], np.zeros((0, len(codes))), codes)


def linear_combination(context: Context, node: Node) -> Held | None:
    """A weighted sum of numbers that are there."""
    numbers = [context.first(number).as_number for number in node.inputs]
    operands = [operand for operand in numbers if operand is not None]
    if len(operands) < len(numbers):
        return None
    weights = np.array(node.factors, dtype=float)[:, None]
    return affine_view(context, node, context.form_of(node), operands, weights, np.zeros(1))


def _code(context: Context, node: Node, operands: list[Held]) -> Held | None:
    """A result whose code happens to be such a function, and exact enough to be decoded.

    Counts that heads have written themselves are read as they are.
    """
    counts = [
        count_of(context, number) or operand
        for number, operand in zip(node.inputs, operands, strict=True)
    ]
    for read in (operands,) if counts == operands else (counts, operands):
        held = _affine_function(context, node, read)
        if held is not None and is_decodable(held, context.variables):
            return held
    return None


def _affine_function(context: Context, node: Node, operands: list[Held]) -> Held | None:
    """A number that happens to be an affine function of its operands' coordinates."""
    table, domain = context.inferred.sops[node.id].table, context.domain(node.id)
    if table is None or any(operand.codes is None for operand in operands) or domain.nullable:
        return None
    form = context.form_of(node)
    codes = form.codes(context.inferred.listed(node, node.label))
    rows = table.rows
    width = sum(operand.width for operand in operands)
    if len(rows) * (width + 1) > _LARGEST_FIT or not len(rows):
        return None
    fitted = fit_affine(points_of(operands, rows), codes[table(rows.T)])
    return None if fitted is None else affine_view(context, node, form, operands, *fitted)


def affine_view(
    context: Context,
    node: Node,
    form: Form,
    operands: Sequence[Held],
    matrix: Matrix,
    bias: Matrix,
) -> Held:
    """A value as an affine function, matrix and bias, of its operands' coordinates."""
    joint = numbered_space(f"operands of {node.label}", len(matrix))
    together = concatenate([operand.coordinates for operand in operands], joint)
    coordinates = together.into(numbered_space(node.label, len(bias)), matrix, bias)
    return Held(form, context.domain(node.id), variables_of(operands), coordinates)
