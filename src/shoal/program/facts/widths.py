"""How many keys a query can select: bounds that hold on every input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from shoal.program.facts.distinct import meets_its_rank
from shoal.program.facts.inferred import SOpFacts
from shoal.program.facts.occurrences import most_occurrences
from shoal.program.facts.width_bounds import WidthBounds
from shoal.program.ir import Node, Op, Program


def width_bounds(
    node: Node,
    program: Program,
    predicates: Mapping[int, npt.NDArray[np.int32]],
    sops: Mapping[int, SOpFacts],
    known: Mapping[int, WidthBounds],
    max_seq_len: int,
) -> WidthBounds:
    """The bounds for a selector whose operands' bounds are known.

    A query selects at least one key if it selects its own position, the only one (besides the
    first) that surely exists, or if both are ranks, and equal ones meet; of both of two selectors
    it selects a key if both select its own position. It selects at most as many keys as there are
    positions that can hold a matching key, as often as keys that match can occur, and all but its
    own position if it does not select that; and one, if that is promised.

    Args:
        node: the selector.
        program: the program that it belongs to.
        predicates: for each ``Select``, whether it holds for classes of [query, key].
        sops: facts about s-ops.
        known: bounds of the selectors that this one is made of.
        max_seq_len: the greatest number of tokens.
    """
    parts = [known[operand] for operand in node.inputs if operand in known]
    if node.op is not Op.SELECT:
        bounds = _of_parts(node.op, parts, max_seq_len)
    else:
        bounds = _of_select(node, program.causal, predicates[node.id], sops, max_seq_len)
    return replace(bounds, high=min(bounds.high, 1)) if node.is_unique else bounds


def _of_parts(op: Op, parts: Sequence[WidthBounds], max_seq_len: int) -> WidthBounds:
    """The bounds for a combination of selectors."""
    if op is Op.NOT:
        (part,) = parts
        return WidthBounds(
            part.low_of_complement,
            part.high_of_complement,
            part.low,
            part.high,
            part.own_of_complement,
            part.own,
        )
    if op is Op.AND:
        own = all(part.own for part in parts)
        return WidthBounds(
            low=int(own),
            high=min(part.high for part in parts),
            low_of_complement=max(part.low_of_complement for part in parts),
            high_of_complement=min(sum(part.high_of_complement for part in parts), max_seq_len),
            own=own,
            own_of_complement=any(part.own_of_complement for part in parts),
        )
    complements = [_of_parts(Op.NOT, [part], max_seq_len) for part in parts]
    return _of_parts(Op.NOT, [_of_parts(Op.AND, complements, max_seq_len)], max_seq_len)


def _of_select(
    node: Node,
    causal: bool,
    predicate: npt.NDArray[np.int32],
    sops: Mapping[int, SOpFacts],
    max_seq_len: int,
) -> WidthBounds:
    """The bounds for a select, from what it holds for."""
    key, query = node.inputs
    keys, queries = sops[key], sops[query]
    holds, fails = predicate == 1, predicate == 0
    own, high = _bounds(holds, key == query, keys, queries, max_seq_len)
    own_of_fails, high_of_fails = _bounds(fails, key == query, keys, queries, max_seq_len)
    meets = not causal and meets_its_rank(holds, keys, queries)
    low = int(own or meets)
    return WidthBounds(
        low,
        min(high, max_seq_len - own_of_fails),
        int(own_of_fails),
        min(high_of_fails, max_seq_len - low),
        own,
        own_of_fails,
    )


def _bounds(
    matches: npt.NDArray[np.bool_], same: bool, keys: SOpFacts, queries: SOpFacts, max_seq_len: int
) -> tuple[bool, int]:
    """Whether a query surely matches the key at its own position; how many keys at most."""
    high = _most_positions(matches, keys.local, max_seq_len)
    high = min(high, most_occurrences(matches, keys.occurs, max_seq_len))
    return _own_position(matches, same, keys.local, queries.local), high


def _own_position(
    matches: npt.NDArray[np.bool_],
    same: bool,
    keys: npt.NDArray[np.int32] | None,
    queries: npt.NDArray[np.int32] | None,
) -> bool:
    """Whether a query surely matches the key at its own position."""
    if matches.all():
        return True
    if same:
        return bool(np.diagonal(matches).all())
    if keys is None or queries is None:
        return False
    there = (keys >= 0) & (queries >= 0)
    return bool(matches[queries[there], keys[there]].all())


def _most_positions(
    matches: npt.NDArray[np.bool_], keys: npt.NDArray[np.int32] | None, max_seq_len: int
) -> int:
    """The greatest number of positions that can hold a key that one query matches."""
    if not matches.any():
        return 0
    if keys is None:
        return max_seq_len
    possible = np.zeros((matches.shape[1], keys.shape[1]), dtype=bool)
    tokens, positions = np.nonzero(keys >= 0)
    possible[keys[tokens, positions], positions] = True
    return int(((matches.astype(int) @ possible.astype(int)) > 0).sum(axis=1).max())
