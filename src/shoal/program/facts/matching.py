"""Whether what keys count is what queries match."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Bool, Int
from shoal.program.facts.combinations import combined, parts_of
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import Inferred
from shoal.program.facts.lookup import UNDEFINED
from shoal.program.ir import Node, Op

_MOST_PAIRS = 2**18
"""Joint values of what is matched, of queries and keys."""

_MOST_KEYS = 1024
"""Joint values of keys alone."""

Classes = npt.NDArray[np.bool_]
"""[classes], which ones."""

Pairs = Bool[Array, "queries keys"]
"""By the classes that queries and keys have of an s-op."""


@dataclass(frozen=True, eq=False)
class _Side:
    """Joint values of queries, or of keys.

    Attributes:
        sops: by node id.
        rows: [rows, sops], the class that each has.
    """

    sops: Sequence[int]
    rows: Int[Array, "rows sops"]

    def classes(self, number: int) -> Int[Array, " rows"]:
        """Those of one s-op."""
        return self.rows[:, self.sops.index(number)]


def is_counted(
    facts: Inferred,
    ranked: Sequence[Node],
    matching: Sequence[Node],
    flags: Mapping[int, Classes],
    asked: Sequence[Node] | None,
) -> bool:
    """Whether what is counted is always what matches.

    Of whatever query, a key that matches counts the same keys as that query, and so does the query.

    Args:
        ranked: what keys count, but for the order.
        matching: what a key has to match.
        flags: of which s-ops besides it has which classes, by node id.
        asked: what queries count; None if they count nothing.
    """
    sides = ranked, matching, asked or ()
    selects = [[p for p in all_parts(facts, side) if p.op is Op.SELECT] for side in sides]
    of_ranked, of_matching, of_asked = selects
    counting = {s.inputs[1] for s in of_ranked}
    keys = sorted(counting.union(flags, (s.inputs[0] for each in selects for s in each)))
    queries = sorted({s.inputs[1] for s in (*of_matching, *of_asked)})
    rows = [_joint(facts, numbers) for numbers in (queries, keys)]
    if any(row is None for row in rows):
        return False
    query_rows, key_rows = (row for row in rows if row is not None)
    if len(query_rows) * len(key_rows) > _MOST_PAIRS or len(key_rows) > _MOST_KEYS:
        return False
    facts.work.spend(len(key_rows) * (len(key_rows) + len(query_rows)) / 50, "")
    query, key = _Side(queries, query_rows), _Side(keys, key_rows)
    matches = _selected(facts, matching, query, key)
    counts = _selected(facts, ranked, key, key)
    if matches is None or counts is None:
        return False
    for number, is_flag in flags.items():
        matches = matches & is_flag[key.classes(number)]
    if asked is not None:
        by_query = _selected(facts, asked, query, key)
        if by_query is None or not np.array_equal(by_query, matches):
            return False
    # [queries, keys], how many keys one of them counts and the other does not
    apart = matches.astype(np.float32) @ (~counts).T + (~matches) @ counts.T.astype(np.float32)
    return not (apart[matches] > 0).any()


def all_parts(facts: Inferred, selectors: Sequence[Node]) -> Iterator[Node]:
    """All that some selectors are made of, these included."""
    for selector in selectors:
        yield from parts_of(facts, selector) or ()


def _joint(facts: Inferred, numbers: Sequence[int]) -> Int[Array, "rows sops"] | None:
    """All classes of some s-ops together, whether they ever meet or not; None if too many."""
    domains = [facts.domain(number) for number in numbers]
    sizes = [len(d) for d in domains if isinstance(d, Enumerated) and not d.nullable]
    if len(sizes) < len(domains) or prod(sizes) > _MOST_PAIRS:
        return None
    return np.indices(sizes).reshape(len(sizes), prod(sizes)).T


def _selected(
    facts: Inferred, selectors: Sequence[Node], queries: _Side, keys: _Side
) -> Pairs | None:
    """[queries, keys], whether all of some selectors hold; None if that is not known."""
    found = np.ones((len(queries.rows), len(keys.rows)), dtype=bool)
    for selector in selectors:
        parts = parts_of(facts, selector)
        if parts is None:
            return None
        known: dict[int, Pairs] = {}
        for part in parts:
            if part.op is not Op.SELECT:
                known[part.id] = combined(part, known)
                continue
            key, query = keys.classes(part.inputs[0]), queries.classes(part.inputs[1])
            table = facts.predicates[part.id][query[:, None], key]
            if (table == UNDEFINED).any():
                return None
            known[part.id] = table == 1
        found = found & known[selector.id]
    return found
