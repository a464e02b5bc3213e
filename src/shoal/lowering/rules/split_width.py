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

from dataclasses import dataclass, replace
from itertools import permutations
from math import prod

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Int
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
from shoal.lowering.rules.width import (
    LINEAR_COUNTS,
    all_widths,
    as_code,
    counted,
    counts_of,
    linear_count,
)
from shoal.lowering.selectors import (
    MOST_COMBINATIONS,
    Group,
    Truth,
    fitting_weights,
    groups_of,
    holds_where,
    of_one_value,
    truth_of,
)
from shoal.program.facts.domains import Enumerated, domain_of
from shoal.program.facts.lookup import UNDEFINED
from shoal.program.ir import ELEMENTWISE, Node, Op
from shoal.rows import different_rows

MOST_PARTS = 4
"""Selectors that one is split into at most; each takes a head."""

_MOST_LEAVES = 4
"""One-hot values that a key is computed from."""

_MOST_WAYS = 3
"""Cuts of a key that are looked at."""

Patterns = npt.NDArray[np.int_]
"""Numbers of patterns of a group, or UNDEFINED, of as many axes as are told apart."""

_MOST_PAIRS = 2**20
"""Entries of the matrix over pairs that are looked at."""


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
    if fitting_weights(context, selector, groups_of(context, selector)) is not None:
        return
    counts, found = _counts_of_parts(context, node), []
    for number, terms in enumerate(split_selector(context, selector)):
        name = context.fresh_name(f"{node.label}.part.count")
        offer = yield from linear_count(context, name, terms, counts)
        if offer is None:
            return
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


def split_selector(context: Context, selector: Node) -> list[list[Term]]:
    """Disjoint selectors whose union a selector is, as bilinear forms of one head each.

    There are none if one head does, if its keys and queries are not functions of as many one-hot
    values each, or if no split into few parts is found.
    """
    groups = groups_of(context, selector)
    ways = [_compared(context, group) for group in groups]
    found = []
    for number in range(max(map(len, ways), default=0)):
        compared = [way[min(number, len(way) - 1)] for way in ways if way]
        pairs = [pair for each in compared for pair in each.pairs]
        if len(compared) < len(ways) or prod(pair.count for pair in pairs) > MOST_COMBINATIONS:
            continue
        is_as_written = len(pairs) == len(groups)
        if is_as_written and fitting_weights(context, selector, groups) is not None:
            continue
        products = disjoint_products(_holds(context, selector, compared))
        if products is not None:
            found.append([_terms(pairs, part) for part in products])
    return min(found, key=_dimensions, default=[])


def _dimensions(parts: list[list[Term]]) -> int:
    """Of queries and keys of the heads that count parts."""
    scores = [term.scores for terms in parts for term in terms]
    return sum(min(len(different_rows(m)[0]), len(different_rows(m.T)[0])) for m in scores)


@dataclass(frozen=True, eq=False)
class _Pair:
    """A one-hot query and a one-hot key that are compared by themselves.

    Attributes:
        query: what is one-hot at queries.
        key: the same at keys.
        pattern: [query classes, key classes], numbers of what is seen of them.
        count: how many such numbers there are.
    """

    query: Held
    key: Held
    pattern: Int[Array, "queries keys"]
    count: int


@dataclass(frozen=True, eq=False)
class _Compared:
    """Selects with the same keys and queries, as a function of pairs that are compared each.

    Attributes:
        group: the selects.
        pairs: that decide which of them hold.
        pattern: by what is seen of each pair, the pattern of the group, or UNDEFINED.
    """

    group: Group
    pairs: tuple[_Pair, ...]
    pattern: Patterns


def _compared(context: Context, group: Group) -> list[_Compared]:
    """Selects as functions of pairs; none if keys or queries are not made of one-hot values."""
    key, query = context.node(group.key), context.node(group.query)
    ways = zip(_leaves(context, key), _leaves(context, query), strict=False)
    apart = [_apart(context, group, *way) for way in ways if len(way[0]) == len(way[1])]
    found = [each for each in apart if each is not None]
    if found:
        return found
    of_key, of_query = _as_it_is(context, key), _as_it_is(context, query)
    if of_key is None or of_query is None or not group.pattern.size:
        return []
    different, pattern = np.unique(group.pattern.astype(int), return_inverse=True)
    pair = _Pair(of_query, of_key, pattern.reshape(group.pattern.shape), len(different))
    return [_Compared(group, (pair,), different)]


def _apart(
    context: Context, group: Group, keys: dict[int, Held], queries: dict[int, Held]
) -> _Compared | None:
    """Selects of computed values by what these are computed from, in the pairing that tells least.

    None if there is too much to look at.
    """
    key_classes = class_table(context, context.node(group.key), list(keys))
    query_classes = class_table(context, context.node(group.query), list(queries))
    if not group.pattern.size or key_classes.size * query_classes.size > _MOST_PAIRS:
        return None
    context.inferred.work.spend(key_classes.size * query_classes.size / 20, "")
    count = len(keys)
    known = np.logical_and.outer(query_classes >= 0, key_classes >= 0)
    of_query = np.maximum(query_classes, 0).reshape(*query_classes.shape, *[1] * count)
    pattern = np.where(known, group.pattern[of_query, np.maximum(key_classes, 0)], UNDEFINED)
    found = []
    for order in permutations(range(count)):
        paired = [(list(queries.values())[i], list(keys.values())[j]) for i, j in enumerate(order)]
        axes = [axis for i, j in enumerate(order) for axis in (i, count + j)]
        found.append(_Compared(group, *_by_pairs(paired, pattern.transpose(axes))))
    return min(found, key=lambda each: prod(pair.count for pair in each.pairs))


def _by_pairs(
    paired: list[tuple[Held, Held]], pattern: Patterns
) -> tuple[tuple[_Pair, ...], Patterns]:
    """Pairs with what is to be seen of each, and the patterns by that.

    Args:
        paired: queries with keys.
        pattern: an axis for each query and one for its key.
    """
    pairs = []
    for query, key in paired:  # each time the next pair comes first, and its patterns go last
        shape = pattern.shape[:2]
        rows = pattern.reshape(shape[0] * shape[1], -1)
        first, number = different_rows(rows)
        pairs.append(_Pair(query, key, number.reshape(shape), len(first)))
        pattern = np.moveaxis(rows[first].reshape(len(first), *pattern.shape[2:]), 0, -1)
    return tuple(pairs), pattern


def _holds(context: Context, selector: Node, compared: list[_Compared]) -> Truth:
    """By what is seen of each pair, whether a selector holds."""
    shape = [pair.count for each in compared for pair in each.pairs]
    context.inferred.work.spend(prod(shape) / 20, selector.label)
    seen, found, start = np.indices(shape), [], 0
    for each in compared:
        end = start + len(each.pairs)
        found.append(each.pattern[tuple(seen[start:end])])
        start = end
    truth = truth_of([each.group for each in compared], found)
    undefined = np.any([pattern == UNDEFINED for pattern in found], axis=0)
    return np.asarray(holds_where(context, selector, truth) & ~undefined)


def _as_it_is(context: Context, node: Node) -> Held | None:
    """A key or query that is held as one-hot, and is never None."""
    if context.domain(node.id).nullable:
        return None
    if context.domain(node.id).is_constant:
        return of_one_value(context, node.id)
    ways = (way.as_indicators for way in context.held.get(node.id, ()))
    return next((way for way in ways if way is not None), None)


def _leaves(context: Context, node: Node) -> list[dict[int, Held]]:
    """One-hot values, by node id, from which an MLP computes a node: the nearest, and others."""
    if node.op not in ELEMENTWISE or node.label not in context.variables:
        return []
    found = []
    for cut in cuts(context, node):
        read = {f.node: context.held.get(f.node) for f in cut if not f.is_raw}
        one_hot = {n: h[0].as_indicators for n, h in read.items() if h}
        never_none = {n: h for n, h in one_hot.items() if h is not None and not h.domain.nullable}
        if 1 < len(cut) == len(never_none) <= _MOST_LEAVES:
            found.append(never_none)
    return found[:_MOST_WAYS]


def disjoint_products(holds: Truth) -> list[tuple[Truth, ...]] | None:
    """Sets on each axis whose products make up what holds without overlap; None if too many."""
    found = _products(holds)
    return found if 0 < len(found) <= MOST_PARTS else None


def _products(holds: Truth) -> list[tuple[Truth, ...]]:
    """The fewest that are found by telling one axis after the other apart."""
    if holds.ndim == 1:
        return [(holds,)] if holds.any() else []
    found = (_by_axis(holds, axis) for axis in range(holds.ndim))
    return min(found, key=len)


def _by_axis(holds: Truth, axis: int) -> list[tuple[Truth, ...]]:
    """For each different slice that is not empty where it is, with the products that it has."""
    slices = np.moveaxis(holds, axis, 0)
    rows = slices.reshape(len(slices), -1)
    first, which = different_rows(rows)
    return [
        (*part[:axis], which == number, *part[axis:])
        for number, start in enumerate(first)
        if rows[start].any()
        for part in _products(slices[start])
    ]


def _terms(pairs: list[_Pair], part: tuple[Truth, ...]) -> list[Term]:
    """One head's score: 1 where all pairs are seen as they should, and at most 0 elsewhere."""
    chosen = [(pair, seen) for pair, seen in zip(pairs, part, strict=True) if not seen.all()]
    chosen = chosen or [(pairs[0], part[0])]
    share = 1.0 / len(chosen)
    return [
        Term(pair.query, pair.key, np.where(seen[pair.pattern], share, share - 1.0))
        for pair, seen in chosen
    ]
