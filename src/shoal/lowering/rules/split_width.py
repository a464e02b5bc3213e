"""Selectors over computed keys and queries, read from farther down.

Let key and query be elementwise functions F(a, b) and G(c, d). Whether the selector holds is then a
matrix over pairs (c, a) and pairs (d, b). Each different row of it, as a set of pairs (d, b), goes
with the set of pairs (c, a) that have this row; so the selector is a disjoint union of selectors
"(c, a) is in this set and (d, b) in that one". Each of these fits one head that reads a, b, c and d
themselves, and the width of the union is the sum of their widths.

Comparing numbers that are made unique by their index, for one, splits into "less" and "equal, and
earlier": the numbers need not be computed first, which saves a layer and a one-hot value with many
dimensions.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shoal.craft.affine import concatenate
from shoal.craft.bases import numbered_space
from shoal.forms.count import Count
from shoal.forms.scalar import Scalar
from shoal.lowering.context import Context
from shoal.lowering.cuts import class_table, cuts, raw_classes
from shoal.lowering.heads import Term
from shoal.lowering.held import Held, stored, variables_of
from shoal.lowering.making import Recipe, decoding, must_make, offer_another
from shoal.lowering.offers import Offer, Offers
from shoal.lowering.radii import coordinate_errors
from shoal.lowering.rules.width import all_widths, as_code, counted, counts_of
from shoal.lowering.selectors import Truth
from shoal.program.facts.domains import domain_of
from shoal.program.ir import ELEMENTWISE, Node, Op
from shoal.rows import different_rows

MOST_PARTS = 3
"""Selectors that one is split into at most; each takes a head."""

_MOST_PAIRS = 2**20
"""Entries of the matrix over pairs that are looked at."""


def parts(context: Context, node: Node) -> Offers[None]:
    """The widths of disjoint parts of a selector: as numbers, or as 1 / (1 + n) and decoded."""
    for number, terms in enumerate(split_selector(context, context.node(node.inputs[0]))):
        counts = domain_of([count] for count in range(all_widths(context, node)[-1] + 1))
        offer = yield from counted(context, node, f"{node.label}.part", terms, counts)
        what = "count" if offer.held.form == Count() else "raw"
        raw = yield replace(offer, purpose=_purpose(node, number, what))
        if what == "count":
            continue
        held = stored(Scalar(), context.fresh_name(f"{node.label}.part"), counts, None)
        made = must_make(context, decoding(raw, held), node.label)
        yield replace(made, purpose=_purpose(node, number, "count"))


def is_split(context: Context, node: Node) -> bool:
    """Whether the parts of a width are offered, which may be there before it is."""
    return any(_helpers(context, node, what) for what in ("raw", "count"))


def _helpers(context: Context, node: Node, what: str) -> list[Held]:
    purposes = [_purpose(node, number, what) for number in range(MOST_PARTS)]
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
    number = _sum(context, node, _helpers(context, node, "count"))
    if number is not None:
        error = float(coordinate_errors(number, context.variables).max())
        coded = as_code(context, node, number, error)
        if coded is not None:
            yield Offer(coded, view_of=node.id)
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


def split_selector(context: Context, selector: Node) -> list[list[Term]]:
    """Disjoint selectors whose union a select is, as bilinear forms of one head each.

    There are none if the keys and queries are not functions of two one-hot values each, or if no
    split into few parts is found.
    """
    if selector.op is not Op.SELECT:
        return []
    key, query = (context.node(number) for number in selector.inputs)
    keys, queries = _leaves(context, key), _leaves(context, query)
    if not (keys and queries):
        return []
    key_classes = class_table(context, key, list(keys))
    query_classes = class_table(context, query, list(queries))
    predicate = context.inferred.predicates[selector.id]
    if not predicate.size or key_classes.size * query_classes.size > _MOST_PAIRS:
        return []
    context.inferred.work.spend(key_classes.size * query_classes.size / 20, selector.label)
    known = (query_classes >= 0)[:, :, None, None] & (key_classes >= 0)
    rows = np.maximum(query_classes, 0)[:, :, None, None]
    holds = (predicate[rows, np.maximum(key_classes, 0)] == 1) & known  # [c, d, a, b]
    splits = []
    read, first = list(queries.values()), list(keys.values())
    for paired, order in ((first, (0, 2, 1, 3)), (first[::-1], (0, 3, 1, 2))):
        products = disjoint_products(holds.transpose(order))
        if products is not None:
            splits.append([_terms(read, paired, part) for part in products])
    return min(splits, key=len, default=[])


def _leaves(context: Context, node: Node) -> dict[int, Held]:
    """The nearest two one-hot values, if any, by node id, from which an MLP computes a node."""
    if node.op not in ELEMENTWISE or node.label not in context.variables:
        return {}
    for cut in cuts(context, node):
        read = {f.node: context.first(f.node).as_indicators for f in cut if not f.is_raw}
        never_none = {n: h for n, h in read.items() if h is not None and not h.domain.nullable}
        if len(cut) == len(never_none) == 2:
            return never_none
    return {}


def disjoint_products(holds: Truth) -> list[tuple[Truth, Truth]] | None:
    """Sets of pairs [c, a] and [d, b] whose products make up [c, a, d, b] without overlap."""
    first, second = holds.shape[:2], holds.shape[2:]
    matrix = holds.reshape(first[0] * first[1], -1)
    by_rows = _different(matrix)
    by_columns = _different(matrix.T)
    parts = by_rows if len(by_rows) <= len(by_columns) else [(b, a) for a, b in by_columns]
    if not 0 < len(parts) <= MOST_PARTS:
        return None
    return [(rows.reshape(first), columns.reshape(second)) for rows, columns in parts]


def _different(matrix: Truth) -> list[tuple[Truth, Truth]]:
    """For each different row that is not empty, the rows that are like it, and the row."""
    first, which = different_rows(matrix)
    return [(which == i, row) for i, row in enumerate(matrix[first]) if row.any()]


def _terms(queries: list[Held], keys: list[Held], part: tuple[Truth, Truth]) -> list[Term]:
    """One head's score: 1 where both pairs are in their sets, and at most 0 elsewhere."""
    pairs = list(zip(queries, keys, part, strict=True))
    pairs = [pair for pair in pairs if not pair[2].all()] or pairs[:1]
    share = 1.0 / len(pairs)
    outside = 0.0 if len(pairs) == 1 else -share
    return [Term(query, key, np.where(inside, share, outside)) for query, key, inside in pairs]
