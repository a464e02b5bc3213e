"""Selectors as disjoint unions of selectors that one head each evaluates.

What a selector wants is a condition on each of several one-hot queries and keys. Where one head
cannot evaluate it, sets on each axis whose products make it up without overlap are parts that can.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from math import prod

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Int
from shoal.lowering.context import Context
from shoal.lowering.cuts import class_table, cuts
from shoal.lowering.heads import Term
from shoal.lowering.held import Held
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
from shoal.program.facts.lookup import UNDEFINED
from shoal.program.ir import ELEMENTWISE, Node
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


def split_selector(context: Context, selector: Node) -> list[list[Term]]:
    """The parts of ``split_conditions`` as bilinear forms of one head each."""
    return [terms_where(conditions) for conditions in split_conditions(context, selector)]


def split_conditions(context: Context, selector: Node) -> list[list[Condition]]:
    """Disjoint selectors whose union a selector is: what all has to hold for each of them.

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
            found.append([_conditions(pairs, part) for part in products])
    return min(found, key=_dimensions, default=[])


def as_written(context: Context, selector: Node) -> Condition | None:
    """What a selector of one key and one query wants of them, if both are held as one-hot."""
    groups = groups_of(context, selector)
    if len(groups) > 1:
        return None
    (group,) = groups
    key, query = (_as_it_is(context, context.node(n)) for n in (group.key, group.query))
    if key is None or query is None or not group.pattern.size:
        return None
    holds = holds_where(context, selector, truth_of(groups, [group.pattern]))
    return Condition(query, key, holds & (group.pattern != UNDEFINED))


def _dimensions(parts: list[list[Condition]]) -> int:
    """Of queries and keys of the heads that count parts."""
    found = [condition.holds for conditions in parts for condition in conditions]
    return sum(min(len(different_rows(m)[0]), len(different_rows(m.T)[0])) for m in found)


@dataclass(frozen=True, eq=False)
class Condition:
    """What a selector wants of a one-hot query and a one-hot key.

    Attributes:
        query: what is one-hot at queries.
        key: the same at keys.
        holds: [query classes, key classes], whether they are as it wants them.
    """

    query: Held
    key: Held
    holds: Truth


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


def _conditions(pairs: list[_Pair], part: tuple[Truth, ...]) -> list[Condition]:
    """What all holds where all pairs are seen as they should."""
    chosen = [(pair, seen) for pair, seen in zip(pairs, part, strict=True) if not seen.all()]
    chosen = chosen or [(pairs[0], part[0])]
    return [Condition(pair.query, pair.key, seen[pair.pattern]) for pair, seen in chosen]


def terms_where(conditions: list[Condition]) -> list[Term]:
    """One head's score: 1 where all conditions hold, and at most 0 elsewhere.

    Each has a share in that 1, which is a power of two, or such a sum, so that nothing is rounded.
    """
    count = len(conditions)
    least = 2.0 ** -(count - 1).bit_length()
    shares = [1.0 - (count - 1) * least, *[least] * (count - 1)]
    return [
        Term(c.query, c.key, np.where(c.holds, share, share - 1.0))
        for c, share in zip(conditions, shares, strict=True)
    ]
