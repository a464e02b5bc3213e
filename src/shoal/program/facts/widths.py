"""How many keys a query can select: bounds that hold on every input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shoal.program.ir import Node, Op, Program


@dataclass(frozen=True)
class WidthBounds:
    """Bounds on a selector's width, for the selector and for its complement.

    Attributes:
        low: every query selects at least so many keys (0 or 1).
        high: no query selects more.
        low_of_complement: the same for the complement.
        high_of_complement: the same for the complement.
    """

    low: int
    high: int
    low_of_complement: int
    high_of_complement: int


def width_bounds(
    node: Node,
    program: Program,
    predicates: Mapping[int, npt.NDArray[np.int32]],
    local: Mapping[int, npt.NDArray[np.int32] | None],
    known: Mapping[int, WidthBounds],
    max_seq_len: int,
) -> WidthBounds:
    """The bounds for a selector whose operands' bounds are known.

    A query selects at least one key if it selects its own position, the only one (besides the
    first) that surely exists. It selects at most as many keys as there are positions that can
    hold a matching key.

    Args:
        node: the selector.
        program: the program that it belongs to.
        predicates: for each ``Select``, whether it holds for classes of [query, key].
        local: for each s-op, its class by [token, position], where that determines it.
        known: bounds of the selectors that this one is made of.
        max_seq_len: the greatest number of tokens.
    """
    parts = [known[operand] for operand in node.inputs if operand in known]
    match node.op:
        case Op.NOT:
            (part,) = parts
            return WidthBounds(part.low_of_complement, part.high_of_complement, part.low, part.high)
        case Op.AND:
            return WidthBounds(
                low=min(part.low for part in parts),
                high=min(part.high for part in parts),
                low_of_complement=max(part.low_of_complement for part in parts),
                high_of_complement=min(sum(part.high_of_complement for part in parts), max_seq_len),
            )
        case Op.OR:
            return WidthBounds(
                low=max(part.low for part in parts),
                high=min(sum(part.high for part in parts), max_seq_len),
                low_of_complement=min(part.low_of_complement for part in parts),
                high_of_complement=min(part.high_of_complement for part in parts),
            )
    keys, queries = node.inputs
    holds, fails = predicates[node.id] == 1, predicates[node.id] == 0
    grids = (local[keys], local[queries])
    return WidthBounds(
        low=_own_position(holds, keys == queries, *grids),
        high=_most_positions(holds, local[keys], max_seq_len),
        low_of_complement=_own_position(fails, keys == queries, *grids),
        high_of_complement=_most_positions(fails, local[keys], max_seq_len),
    )


def _own_position(
    matches: npt.NDArray[np.bool_],
    same: bool,
    keys: npt.NDArray[np.int32] | None,
    queries: npt.NDArray[np.int32] | None,
) -> int:
    """1 if a query surely matches the key at its own position, else 0."""
    if matches.all():
        return 1
    if same:
        return int(np.diagonal(matches).all())
    if keys is None or queries is None:
        return 0
    there = (keys >= 0) & (queries >= 0)
    return int(matches[queries[there], keys[there]].all())


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
