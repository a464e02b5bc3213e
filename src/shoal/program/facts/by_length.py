"""Values that the length of the input and the position determine, exactly.

What is computed from indices alone, selectors included, is the same on all inputs of one length. So
it is tabulated for each length n and index i: exact values, widths and means in place of what value
sets that know nothing of each other would allow. What does not depend on n either is known for each
position (``SOpFacts.local``). Under a causal mask nothing depends on n.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shoal.errors import EvaluationError
from shoal.program.facts.combinations import combined, parts_of
from shoal.program.facts.domains import Enumerated, group_close
from shoal.program.facts.inferred import (
    Inferred,
    Lengths,
    Predicate,
    SOpFacts,
    encoded,
    local_result,
)
from shoal.program.facts.lookup import NONE, UNDEFINED
from shoal.program.facts.width_bounds import WidthBounds
from shoal.program.ir import Node, Op
from shoal.rasp.values import Value, canonical_key, mean

Selections = Sequence[npt.NDArray[np.bool_]]
"""For each length n [queries, keys], n of each, what is selected."""

MOST_PAIRS = 20_000_000
"""Pairs of query and key at all lengths, of which a selector is tabulated at most."""

MOST_PLACES = 3_000_000
"""Positions of inputs of all lengths, of which an s-op is tabulated at most."""

MOST_AVERAGED = 200_000
"""Keys that are averaged, of one aggregate at all lengths."""


def widths_by_length(facts: Inferred, selector: Node) -> WidthBounds | None:
    """How many keys a selector of indices selects; None for other selectors."""
    known = _counted(facts, selector)
    if known is None:
        return None
    counts, own = known
    lengths = range(1, len(counts) + 1)
    visible = [np.arange(1, n + 1) if facts.program.causal else np.full(n, n) for n in lengths]
    others = [seen - count for seen, count in zip(visible, counts, strict=True)]
    low, high = int(min(map(np.min, counts))), int(max(map(np.max, counts)))
    low_of_rest, high_of_rest = int(min(map(np.min, others))), int(max(map(np.max, others)))
    always, never = all(part.all() for part in own), not any(part.any() for part in own)
    return WidthBounds(min(low, 1), high, min(low_of_rest, 1), high_of_rest, always, never)


def _counted(
    facts: Inferred, selector: Node
) -> tuple[Sequence[npt.NDArray[np.int_]], Sequence[npt.NDArray[np.bool_]]] | None:
    """For each length how many keys each query selects, and whether it selects its own.

    None for selectors of which that is not known.
    """
    if selector.op is Op.SELECT:
        select = _select(facts, selector)
        known = None if select is None else select.counts(facts.program.causal)
        if known is not None:
            facts.work.spend(facts.max_seq_len**2 / 50, selector.label)
            return known
    selected = selections(facts, selector)
    if selected is None:
        return None
    return [chosen.sum(axis=1) for chosen in selected], [np.diagonal(each) for each in selected]


def facts_by_length(facts: Inferred, node: Node) -> SOpFacts | None:
    """The facts about a width or an aggregate that depends on indices alone; None for others.

    Raises:
        UnsupportedProgramError: its values cannot be held.
    """
    if node.op is Op.AGGREGATE and not _is_known(facts, node.inputs[1]):
        return None
    selector = facts.program.node(node.inputs[0])
    if node.op is Op.WIDTH:
        known = _counted(facts, selector)
        return known and _tabulated(facts, node, [count.tolist() for count in known[0]])
    selected = selections(facts, selector)
    if selected is None:
        return None
    members = sum(int(chosen.sum()) for chosen in selected)
    if members > MOST_AVERAGED:
        return None
    facts.work.spend(2 * members, node.label)
    rows: list[list[Value]] = []
    is_mixture = False
    try:
        for chosen, values in zip(selected, _rows(facts, node.inputs[1]), strict=True):
            found = [_mean(node, keys, values) for keys in chosen]
            is_mixture = is_mixture or any(mixed for _, mixed in found)
            rows.append([value for value, _ in found])
    except EvaluationError:
        return None
    return _tabulated(facts, node, rows, is_mixture)


def _tabulated(
    facts: Inferred, node: Node, rows: Sequence[Sequence[Value]], is_mixture: bool = False
) -> SOpFacts:
    """The facts about an s-op of which the values are known in inputs of 1, 2, ... tokens.

    Args:
        facts: about the program.
        node: the s-op.
        rows: its values at each length.
        is_mixture: whether some are means of numbers that differ.

    Raises:
        UnsupportedProgramError: they cannot be held.
    """
    every = {canonical_key(value): value for row in rows for value in row}
    values = [value for value in every.values() if value is not None]
    groups = [[value] for value in values]
    if is_mixture:
        groups += group_close(values)
    domain = encoded(node, groups, len(values) < len(every))
    grid = np.full((facts.max_seq_len, facts.max_seq_len), UNDEFINED, dtype=np.int32)
    for number, row in enumerate(rows):
        classes = [NONE if v is None else domain.class_of[canonical_key(v)] for v in row]
        grid[number, : number + 1] = classes
    return _with_grid(facts, SOpFacts(domain, mixture=is_mixture), grid)


def with_places(facts: Inferred, node: Node, known: SOpFacts) -> SOpFacts:
    """The facts about an elementwise s-op that has a table, with its class where it is known.

    By token and position, or else by length and position.
    """
    assert known.table is not None
    known = replace(known, local=local_result(facts, node.inputs, known.table))
    return known if known.local is not None else _elementwise_by_length(facts, node, known)


def _elementwise_by_length(facts: Inferred, node: Node, known: SOpFacts) -> SOpFacts:
    """The facts about an elementwise s-op, with its class at each length and index if known."""
    operands = [facts.sops[operand] for operand in node.inputs]
    if known.table is None or not any(operand.by_length is not None for operand in operands):
        return known
    grids = [grid_of(facts, operand) for operand in node.inputs]
    present = [grid for grid in grids if grid is not None]
    if len(present) < len(grids):
        return known
    return _with_grid(facts, known, known.table(present))


def _with_grid(facts: Inferred, known: SOpFacts, grid: Lengths) -> SOpFacts:
    """The facts about an s-op of which the class is known at each length and index.

    Where a function raises somewhere, nothing is known.
    """
    if not _is_defined(grid):
        return known
    last = grid[-1]
    if ((grid == last) | (grid == UNDEFINED)).all():
        return replace(known, local=np.repeat(last[None, :], len(facts.vocab), axis=0))
    return replace(known, by_length=grid)


def _mean(node: Node, keys: npt.NDArray[np.bool_], values: Sequence[Value]) -> tuple[Value, bool]:
    """What an aggregate is where keys are selected, and whether they have different values."""
    chosen = [values[int(key)] for key in np.flatnonzero(keys)]
    if not chosen:
        return node.value, False
    return mean(chosen), len(set(map(canonical_key, chosen))) > 1


def _is_known(facts: Inferred, number: int) -> bool:
    """Whether length and index determine the value of an s-op, and not its class alone."""
    domain = facts.domain(number)
    if not isinstance(domain, Enumerated) or any(len(members) > 1 for members in domain.classes):
        return False
    return grid_of(facts, number) is not None


def grid_of(facts: Inferred, number: int) -> Lengths | None:
    """[lengths, positions], the class of an s-op that length and index determine."""
    known = facts.sops[number]
    longest = facts.max_seq_len
    if known.by_length is not None:
        return known.by_length
    if known.local is None or not (known.local == known.local[:1]).all():
        return None
    if longest * longest > MOST_PLACES:
        return None
    grid = np.repeat(known.local[:1], longest, axis=0)
    grid[~np.tri(longest, dtype=bool)] = UNDEFINED
    return grid if _is_defined(grid) else None


def _is_defined(grid: Lengths) -> bool:
    """Whether there is a class, or None, at every position of inputs of every length."""
    return bool((grid[np.tri(len(grid), dtype=bool)] != UNDEFINED).all())


def _rows(facts: Inferred, number: int) -> Iterator[list[Value]]:
    """The values of an s-op at each length."""
    grid, domain = grid_of(facts, number), facts.domain(number)
    assert grid is not None
    assert isinstance(domain, Enumerated)
    for length, row in enumerate(grid, 1):
        yield [None if c == NONE else domain.values[c] for c in row[:length].tolist()]


@dataclass(frozen=True, eq=False)
class _Select:
    """A select of indices.

    Attributes:
        holds: [query classes, key classes], whether it holds; UNDEFINED where it raises.
        keys: [lengths, positions], their classes.
        queries: the same for queries.
    """

    holds: Predicate
    keys: Lengths
    queries: Lengths

    def at(self, length: int) -> npt.NDArray[np.bool_] | None:
        """[queries, keys] in inputs of a length; None where the predicate is not defined."""
        keys, queries = (grid[length - 1, :length] for grid in (self.keys, self.queries))
        if (keys < 0).any() or (queries < 0).any():
            return None
        table = self.holds[queries[:, None], keys]
        return None if (table == UNDEFINED).any() else table == 1

    def counts(
        self, causal: bool
    ) -> tuple[Sequence[npt.NDArray[np.int_]], Sequence[npt.NDArray[np.bool_]]] | None:
        """As of ``_counted``, where keys do not depend on the length: they are added up once."""
        keys = self.keys[-1]
        if not ((self.keys == keys) | (self.keys == UNDEFINED)).all() or (keys < 0).any():
            return None
        there = np.tri(len(keys), dtype=bool)
        used = np.unique(self.queries[there])
        if used[0] < 0 or (self.holds[np.ix_(used, keys)] == UNDEFINED).any():
            return None
        holds = self.holds[:, keys] == 1
        so_far = holds.cumsum(axis=1)
        counts, own = [], []
        for length in range(1, len(keys) + 1):
            queries, places = self.queries[length - 1, :length], np.arange(length)
            counts.append(so_far[queries, places if causal else length - 1])
            own.append(holds[queries, places])
        return counts, own


def selections(facts: Inferred, selector: Node) -> Selections | None:
    """For each length [queries, keys], what a selector of indices selects, above the mask nothing.

    None for other selectors, and where that takes too much.
    """
    found = []
    for selected in each_selection(facts, selector):
        if selected is None:
            return None
        found.append(selected)
    return found


def each_selection(facts: Inferred, selector: Node) -> Iterator[npt.NDArray[np.bool_] | None]:
    """The same for one length after the other; None, and no more, where ``selections`` is."""
    longest = facts.max_seq_len
    parts = parts_of(facts, selector)
    if parts is None or len(parts) * longest**3 / 3 > MOST_PAIRS:
        yield None
        return
    facts.work.spend(len(parts) * longest**3 / 150, selector.label)
    selects: dict[int, _Select] = {}
    for part in parts:
        if part.op is Op.SELECT:
            select = _select(facts, part)
            if select is None:
                yield None
                return
            selects[part.id] = select
    for length in range(1, longest + 1):
        chosen: dict[int, npt.NDArray[np.bool_]] = {}
        for part in parts:
            one = selects[part.id].at(length) if part.id in selects else combined(part, chosen)
            if one is None:
                yield None
                return
            chosen[part.id] = one
        last = chosen[selector.id]
        yield np.tril(last) if facts.program.causal else last


def _select(facts: Inferred, select: Node) -> _Select | None:
    """What decides a select; None if anything but indices does.

    Of operands that make no difference nothing has to be known but that they are never None.
    """
    holds = facts.predicates[select.id]
    key, query = select.inputs
    is_constant = holds.size and bool((holds == 1).all() or (holds == 0).all())
    if is_constant and not any(facts.domain(number).nullable for number in select.inputs):
        anything = np.zeros((facts.max_seq_len, facts.max_seq_len), dtype=np.int32)
        return _Select(holds[:1, :1], anything, anything)
    keys, queries = grid_of(facts, key), grid_of(facts, query)
    return None if keys is None or queries is None else _Select(holds, keys, queries)
