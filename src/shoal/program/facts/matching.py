"""Whether what keys count is what queries match."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Bool
from shoal.program.facts.combinations import all_classes, parts_of, selected
from shoal.program.facts.inferred import Inferred
from shoal.program.ir import Node, Op

_MOST_PAIRS = 2**18
"""Joint values of what is matched, of queries and keys."""

_MOST_KEYS = 1024
"""Joint values of keys alone."""

Classes = npt.NDArray[np.bool_]
"""[classes], which ones."""

Pairs = Bool[Array, "queries keys"]
"""By the classes that queries and keys have of an s-op."""


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
    query_rows = all_classes(facts, queries, _MOST_PAIRS)
    key_rows = all_classes(facts, keys, _MOST_KEYS)
    if query_rows is None or key_rows is None or len(query_rows) * len(key_rows) > _MOST_PAIRS:
        return False
    facts.work.spend(len(key_rows) * (len(key_rows) + len(query_rows)) / 50, "")
    query, key = (
        dict(zip(numbers, rows.T, strict=True))
        for numbers, rows in ((queries, query_rows), (keys, key_rows))
    )
    shape = len(query_rows), len(key_rows)
    matches = _all_hold(facts, matching, query, key, shape)
    counts = _all_hold(facts, ranked, key, key, (len(key_rows), len(key_rows)))
    if matches is None or counts is None:
        return False
    for number, is_flag in flags.items():
        matches = matches & is_flag[key[number]]
    if asked is not None:
        by_query = _all_hold(facts, asked, query, key, shape)
        if by_query is None or not np.array_equal(by_query, matches):
            return False
    # [queries, keys], how many keys one of them counts and the other does not
    apart = matches.astype(np.float32) @ (~counts).T + (~matches) @ counts.T.astype(np.float32)
    return not (apart[matches] > 0).any()


def all_parts(facts: Inferred, selectors: Sequence[Node]) -> Iterator[Node]:
    """All that some selectors are made of, these included."""
    for selector in selectors:
        yield from parts_of(facts, selector) or ()


def _all_hold(
    facts: Inferred,
    selectors: Sequence[Node],
    queries: Mapping[int, npt.NDArray[np.int_]],
    keys: Mapping[int, npt.NDArray[np.int_]],
    shape: tuple[int, int],
) -> Pairs | None:
    """[queries, keys], whether all of some selectors hold; None if that is not known."""
    found = np.ones(shape, dtype=bool)
    for selector in selectors:
        parts = parts_of(facts, selector)
        holds = None if parts is None else selected(facts, parts, queries, keys)
        if holds is None:
            return None
        found = found & holds
    return found
