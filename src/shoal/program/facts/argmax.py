"""Selectors that pick the best of the keys that match: the nearest one before, or the greatest.

RASP has no such selector, so programs count. The latest key that matches has as many matching keys
before it as the query has, less one; the greatest value is the one that no other one exceeds. Where
a selector compares such counts, it picks by an order of keys, and whoever attends by it can let
the best key score most, and needs no count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

import networkx as nx
import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Int
from shoal.program.facts.combinations import conjuncts
from shoal.program.facts.counts import Count, count_in
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import Inferred, Predicate
from shoal.program.facts.lookup import NONE, UNDEFINED
from shoal.program.facts.matching import Classes, Pairs, all_parts, is_counted
from shoal.program.ir import Node, Op


@dataclass(frozen=True, eq=False)
class Argmax:
    """Of all keys that match, those that come first in an order.

    Attributes:
        matching: the selectors by which a key matches, all of them; none if all keys do.
        flags: s-ops, by node id, of which a key that matches has certain classes: [classes].
        by: the s-op, by node id, that orders keys; None if it is their position, and no s-op says
            where that is.
        ranks: [query classes of it, key classes of it], from 1, which of the keys that match is
            picked: that of the greatest rank. 0 for those that are not eligible.
        picks_one: whether no two keys of an input have the same rank.
    """

    matching: tuple[Node, ...]
    flags: Mapping[int, Classes]
    by: int | None
    ranks: Int[Array, "queries keys"]
    picks_one: bool


@dataclass(frozen=True, eq=False)
class _Choice:
    """The first or the last of some keys in an order.

    Attributes:
        eligible: which keys may be picked.
        is_last: whether the last one is.
    """

    eligible: Pairs
    is_last: bool


@dataclass(frozen=True, eq=False)
class _Order:
    """An order of the classes of an s-op.

    Attributes:
        by: the s-op, by node id; None for the position.
        place: [classes], how many classes come before each.
        is_reflexive: whether keys that are as the query are counted with those before it.
        is_of_positions: whether that is the order of positions, so that no two keys are equal.
    """

    by: int | None
    place: Int[Array, " classes"]
    is_reflexive: bool
    is_of_positions: bool

    @property
    def before(self) -> Pairs:
        """Whether a key comes before a query."""
        return np.asarray(self.place < self.place[:, None])

    @property
    def same(self) -> Pairs:
        """Whether they are one."""
        return np.eye(len(self.place), dtype=bool)


def argmax_of(facts: Inferred, selector: Node) -> Argmax | None:
    """By which order a selector picks among which keys; None if it is not seen to do so."""
    parts = list(conjuncts(facts.program, selector))
    for part in parts:
        if part.op is Op.SELECT:
            ranks = count_in(facts, facts.program.node(part.inputs[0]))
            if ranks is not None:
                rest = tuple(other for other in parts if other is not part)
                found = _by_ranks(facts, part, ranks, rest)
                if found is not None:
                    return found
    return None


def picks_one(facts: Inferred, selector: Node) -> bool:
    """Whether each query selects one key at most, since no two are as good."""
    best = argmax_of(facts, selector)
    return best is not None and best.picks_one


def looks_at(facts: Inferred, found: Argmax) -> Sequence[int]:
    """The s-ops, by node id, that say which keys match, and which of them is picked."""
    selects = [p for p in all_parts(facts, found.matching) if p.op is Op.SELECT]
    by = [] if found.by is None else [found.by]
    matched = (number for select in selects for number in select.inputs)
    return list(dict.fromkeys([*matched, *found.flags, *by]))


def _by_ranks(facts: Inferred, part: Node, ranks: Count, rest: tuple[Node, ...]) -> Argmax | None:
    """What is picked by a select of ranks among keys that match the rest.

    Args:
        part: the select.
        ranks: its keys.
        rest: what else is to hold.
    """
    order, query = _order(facts, ranks, part), facts.program.node(part.inputs[1])
    if order is None:
        return None
    is_same = facts.domain(query.id).is_constant and not facts.domain(query.id).nullable
    asked = None if is_same else count_in(facts, query)
    if not is_same and (asked is None or asked.flag is not None):
        return None
    picked = _picked(facts.predicates[part.id], ranks, asked, _allowed(facts, ranks.flag, rest))
    if picked is None:
        return None
    holds, flags = picked
    if asked is None:
        choice = _of_all(order, ranks, holds)
    else:
        choice = _of_query(facts, order, ranks, asked, holds)
    others = None if asked is None else asked.matching
    if choice is None:
        return None
    windows = [p for p in rest if p.op is Op.SELECT and {*p.inputs} == {order.by}]
    matching = tuple(p for p in rest if p not in windows)
    for window in windows:
        choice = _within(facts.predicates[window.id], order, choice)
        if choice is None:
            return None
    is_one = order.is_of_positions or (order.by is not None and facts.sops[order.by].distinct)
    found = Argmax(matching, flags, order.by, _ranks(order, choice), is_one)
    counts = {*ranks.by_way_of, *(asked.by_way_of if asked is not None else ())}
    if _looks_at_counts(facts, found, counts):
        return None
    return found if is_counted(facts, ranks.matching, matching, flags, others) else None


def _picked(
    predicate: Predicate, ranks: Count, asked: Count | None, allowed: Classes
) -> tuple[Predicate, Mapping[int, Classes]] | None:
    """Whether a select holds by [widths asked for, or 1, widths of keys], and for which flags.

    None if the two do not decide apart from each other.

    Args:
        predicate: of the select.
        ranks: its keys.
        asked: its queries; None if they are one value.
        allowed: [classes], which flags a key has that matches what else is to hold.
    """
    rows = predicate[:1]
    if asked is not None:
        classes = asked.classes
        rows = np.where(classes < 0, UNDEFINED, predicate[np.maximum(classes[:, 0], 0)])
    holds = np.where(ranks.classes == NONE, 0, rows[:, np.maximum(ranks.classes, 0)])
    holds = np.where(ranks.classes == UNDEFINED, UNDEFINED, holds)
    if ranks.flag is None:
        return holds[:, :, 0], {}
    holds = holds[:, :, allowed]
    is_flag, by_width = (holds == 1).any(axis=(0, 1)), (holds == 1).any(axis=2)
    if not _agree(holds, by_width[:, :, None] & is_flag):
        return None
    flags = ~allowed
    flags[allowed] = is_flag
    return by_width.astype(np.int32), {} if flags.all() else {ranks.flag: flags}


def _allowed(facts: Inferred, flag: int | None, rest: Sequence[Node]) -> Classes:
    """[classes], those of an s-op with which a key can match, as far as selects of it alone say."""
    if flag is None:
        return np.ones(0, dtype=bool)
    domain = facts.domain(flag)
    assert isinstance(domain, Enumerated)
    found = np.ones(len(domain), dtype=bool)
    for part in rest:
        if part.op is Op.SELECT and part.inputs[0] == flag:
            found &= (facts.predicates[part.id] == 1).any(axis=0)
    return found


def _ranks(order: _Order, choice: _Choice) -> Int[Array, "queries keys"]:
    """From 1, the greatest for what is picked first; 0 for what is not eligible."""
    place = order.place + 1 if choice.is_last else len(order.place) - order.place
    eligible = choice.eligible[:1] if choice.eligible.all() else choice.eligible
    return np.where(eligible, place, 0)


def _looks_at_counts(facts: Inferred, found: Argmax, counts: Set[int]) -> bool:
    """Whether what a head would look at depends on a count itself that a select compares."""
    graph = facts.program.graph
    looked_at = set(looks_at(facts, found))
    return not counts.isdisjoint(looked_at.union(*(nx.ancestors(graph, n) for n in looked_at)))


def _order(facts: Inferred, ranks: Count, part: Node) -> _Order | None:
    """The order by which some counts are ranks.

    Under a causal mask only earlier keys are counted, so that there is no other order than that
    of the indices; and no select is needed for it.
    """
    causal = facts.program.causal
    if ranks.order is None:
        if not causal:
            return None
        return _Order(_all_positions(facts, part), np.arange(facts.max_seq_len), True, True)
    by = facts.program.node(ranks.order.inputs[0])
    holds = facts.predicates[ranks.order.id]
    is_reflexive = bool(holds[0, 0])
    place = holds.sum(axis=1) - is_reflexive
    is_of_positions = by.is_plain_index and facts.sops[by.id].distinct
    if causal and not (is_of_positions and (place == np.arange(len(place))).all()):
        return None
    return _Order(by.id, place, is_reflexive, is_of_positions)


def _all_positions(facts: Inferred, part: Node) -> int | None:
    """The s-op that is the position, by node id; None if the program has none before a select."""
    for node in facts.program:
        if node.id == part.id:
            return None
        if node.is_plain_index and facts.sops[node.id].distinct:
            return node.id
    return None


def _of_all(order: _Order, ranks: Count, holds: Predicate) -> _Choice | None:
    """The first of all keys, where the count is that of the first; of several that are equal, if
    they are not counted themselves."""
    if order.is_reflexive and not order.is_of_positions:
        return None
    if not _agree(holds[0], ranks.widths == int(order.is_reflexive)):
        return None
    return _Choice(np.ones_like(order.same), is_last=False)


def _of_query(
    facts: Inferred,
    order: _Order,
    ranks: Count,
    asked: Count,
    holds: Predicate,
) -> _Choice | None:
    """The first key from the query on, or the last one up to it, by how many the query counts."""
    if not order.is_of_positions:
        return None
    before = ranks.widths - int(order.is_reflexive)  # how many keys come before each
    counted = _counted_by_query(facts, order, asked)
    if counted is None:
        return None
    if _agree(holds, asked.widths[:, None] - 1 == before):
        return _Choice(counted, is_last=True)
    if not facts.program.causal and _agree(holds, asked.widths[:, None] == before):
        return _Choice(~counted, is_last=False)
    return None


def _counted_by_query(facts: Inferred, order: _Order, asked: Count) -> Pairs | None:
    """Which keys a query counts, if they match: those before it, with itself or without, or all."""
    if asked.order is None:
        return np.ones_like(order.same)  # under a causal mask, too, which hides the others
    if asked.order.inputs[0] != order.by:
        return None
    holds = np.asarray(facts.predicates[asked.order.id] == 1)
    is_there = [order.before, order.before | order.same]
    return holds if any(np.array_equal(holds, each) for each in is_there) else None


def _agree(picked: Predicate, wanted: npt.NDArray[np.bool_]) -> bool:
    """Whether a select holds where it should, or is not defined there."""
    return bool(((picked == wanted) | (picked == UNDEFINED)).all())


def _within(holds: Predicate, order: _Order, choice: _Choice) -> _Choice | None:
    """What is picked among fewer keys: the same one, if it is there, and else none.

    That is the last one among these, if they are the last ones, and likewise the first one.
    """
    if (holds == UNDEFINED).any():
        return None
    eligible = choice.eligible & (holds == 1)
    left_out = choice.eligible & ~eligible
    places = np.broadcast_to(order.place, eligible.shape)
    count = len(order.place)
    if choice.is_last:
        is_end = np.where(left_out, places, -1).max(axis=1) < np.where(eligible, places, count).min(
            axis=1
        )
    else:
        is_end = np.where(left_out, places, count).min(axis=1) > np.where(eligible, places, -1).max(
            axis=1
        )
    return replace(choice, eligible=eligible) if is_end.all() else None
