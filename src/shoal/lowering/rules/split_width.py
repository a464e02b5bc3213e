"""Selectors over computed keys and queries, read from farther down.

Let key and query be elementwise functions F(a, b) and G(c, d). Whether the selector holds is then a
matrix over pairs (c, a) and pairs (d, b). Each different row of it, as a set of pairs (d, b), goes
with the set of pairs (c, a) that have this row; so the selector is a disjoint union of selectors
"(c, a) is in this set and (d, b) in that one". Each of these fits one head that reads a, b, c and d
themselves, and the width of the union is the sum of their widths.

Comparing numbers that are made unique by their index, for one, splits into "less" and "equal, and
earlier": the numbers need not be computed first, which saves a layer and a one-hot value with many
dimensions. So does a selector of several keys and queries that fits no head, such as "more, or as
many and less, or the same and earlier": what it sees of each of them makes up products, too.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shoal.craft.affine import concatenate
from shoal.craft.bases import numbered_space
from shoal.forms.count import Count
from shoal.forms.scalar import Scalar
from shoal.lowering.context import Context
from shoal.lowering.cuts import raw_classes
from shoal.lowering.heads import Term
from shoal.lowering.held import Held, stored, variables_of
from shoal.lowering.making import Recipe, decoding, must_make, offer_another
from shoal.lowering.offers import Offer, Offers
from shoal.lowering.radii import coordinate_errors
from shoal.lowering.rules.width import (
    LINEAR_COUNTS,
    Countable,
    all_widths,
    as_code,
    count_of,
    countable_terms,
    counted,
    counts_of,
)
from shoal.lowering.selectors import (
    fitting_weights,
    groups_of,
)
from shoal.lowering.splits import split_selector
from shoal.program.facts.domains import Enumerated, domain_of
from shoal.program.ir import Node, Op

SPLIT_SELECTORS = "split-selectors"
"""The name of the rule."""

MOST_HEADS = 16
"""Heads that one count may take."""


def parts(context: Context, node: Node) -> Offers[None]:
    """The widths of disjoint parts of a selector: as numbers, or as 1 / (1 + n) and decoded."""
    if is_split(context, node):
        return
    for number, terms in enumerate(split_selector(context, context.node(node.inputs[0]))):
        counts = _counts_of_parts(context, node)
        offer = yield from counted(context, node, f"{node.label}.part", terms, counts)
        what = "count" if offer.held.form == Count() else "raw"
        raw = yield replace(offer, purpose=_purpose(node, number, what))
        if what == "count":
            continue
        held = stored(Scalar(), context.fresh_name(f"{node.label}.part"), counts, None)
        made = must_make(context, decoding(raw, held), node.label)
        yield replace(made, purpose=_purpose(node, number, "count"))


def _counts_of_parts(context: Context, node: Node) -> Enumerated:
    """What a part of a width can be: as much as all of it, or anything less."""
    return domain_of([count] for count in range(all_widths(context, node)[-1] + 1))


def is_split(context: Context, node: Node) -> bool:
    """Whether the parts of a width are offered, which may be there before it is."""
    return any(_helpers(context, node, what) for what in ("raw", "count"))


def _helpers(context: Context, node: Node, what: str) -> list[Held]:
    purposes = [_purpose(node, number, what) for number in range(MOST_HEADS)]
    return [context.helpers[p] for p in purposes if p in context.helpers]


def _sum(context: Context, node: Node, parts: list[Held]) -> Held | None:
    """The sum of numbers that heads wrote; None if there are none, or they had to be decoded."""
    if not parts or _helpers(context, node, "raw"):
        return None
    joint = numbered_space(f"parts of {node.label}", len(parts))
    together = concatenate([part.coordinates for part in parts], joint)
    total = together.into(numbered_space(node.label, 1), np.ones((len(parts), 1)), np.zeros(1))
    return Held(Count(), counts_of(context, node), variables_of(parts), total)


def _purpose(node: Node, number: int, what: str) -> str:
    return f"part {number} of {node.id}, {what}"


def sum_of_parts(context: Context, node: Node) -> Offers[None]:
    """The width, decoded from those of the parts, or from what they are decoded from.

    The sum of numbers is read as one number.
    """
    if node.id in context.raw and context.raw[node.id].own is None:
        return  # it is the sum already
    number = _sum(context, node, _helpers(context, node, "count"))
    if number is not None:
        yield from _coded(context, node, number)
        if node.id in context.raw:
            recipe = decoding(number, context.first(node.id), raw_classes(context, node.id))
            yield from offer_another(context, recipe)
        return
    for what in ("raw", "count"):
        operands = _helpers(context, node, what)
        if not operands or node.id not in context.raw:
            return
        widths, classes = all_widths(context, node), raw_classes(context, node.id)
        rows = np.indices([widths[-1] + 1] * len(operands)).reshape(len(operands), -1).T
        rows = rows[np.isin(rows.sum(axis=1), widths)]
        if len(rows) <= context.inferred.limits.fused_rows:
            sums = classes[np.searchsorted(widths, rows.sum(axis=1))]
            held = context.first(node.id)
            yield from offer_another(context, Recipe(held, operands, rows, sums))


def only_parts(context: Context, node: Node) -> Offers[None]:
    """A width of a selector that fits no head, as the sum of what heads write by its parts.

    Nothing has to be joined to tuples then.
    """
    selector = context.node(node.inputs[0])
    if selector.op is Op.SELECT or LINEAR_COUNTS not in context.passes or node.is_numerical:
        return
    if node.id in context.raw:  # the sum of what is counted by digits
        return
    if fitting_weights(context, selector, groups_of(context, selector)) is None:
        yield from sum_of_counts(context, node, split_selector(context, selector))


def sum_of_counts(context: Context, node: Node, selectors: list[list[Term]]) -> Offers[None]:
    """A width as the sum of what heads count, each by a part of its selector.

    Nothing is offered if a head cannot count well enough.

    Args:
        context: what is held.
        node: the width.
        selectors: the terms of each part; no two of them select the same key.
    """
    counts = _counts_of_parts(context, node)
    countable: list[Countable] = []
    for terms in selectors:
        part = countable_terms(context, terms, counts)
        if part is None:
            return
        countable.append(part)
    found = []
    for number, part in enumerate(countable):
        name = context.fresh_name(f"{node.label}.part.count")
        offer = yield from count_of(context, name, part, counts)
        found.append((yield replace(offer, purpose=_purpose(node, number, "count"))))
    total = _sum(context, node, found)
    if total is not None:
        yield Offer(total, raw_of=node.id)
        yield from _coded(context, node, total)


def _coded(context: Context, node: Node, total: Held) -> Offers[None]:
    """The sum of numbers as the code of a result, if that will do."""
    error = float(coordinate_errors(total, context.variables).max())
    coded = as_code(context, node, total, error)
    if coded is not None:
        yield Offer(coded, view_of=node.id)
