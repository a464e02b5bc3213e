"""Values that differ between any two positions of an input, and ranks, which are 0, 1, 2, ..."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import Inferred, SOpFacts
from shoal.program.facts.lookup import NONE
from shoal.program.facts.orders import Order, order_of
from shoal.program.ir import ELEMENTWISE, Node, Op


def with_positions(facts: Inferred, node: Node, known: SOpFacts) -> SOpFacts:
    """What is known about an s-op, and how its values at different positions differ.

    Args:
        facts: about its operands.
        node: the s-op.
        known: about itself.
    """
    if node.op is Op.INDICES:
        return replace(known, distinct=True, ranks_from=0)
    if node.op is Op.WIDTH:
        start = _ranks_from(facts, facts.program.node(node.inputs[0]))
        return replace(known, distinct=start is not None, ranks_from=start)
    if known.local is not None:
        return replace(known, distinct=_in_one_place_each(known.local))
    if known.by_length is not None and _differs_at_each_length(known.by_length):
        return replace(known, distinct=True)
    if node.op in ELEMENTWISE and known.table is not None:
        operands = enumerate(node.inputs)
        entries = known.table.entries
        tells = any(facts.sops[n].distinct and _tells(entries, axis) for axis, n in operands)
        return replace(known, distinct=tells)
    return known


def _in_one_place_each(grid: npt.NDArray[np.int32]) -> bool:
    """Whether each class of a grid [tokens, positions] is at one position, and none is None."""
    if (grid < 0).any():
        return False
    return _in_one_row_each(grid.T)


def _differs_at_each_length(grid: npt.NDArray[np.int32]) -> bool:
    """Whether in each row of a grid [lengths, positions] all classes differ, and none is None."""
    rows = [row[: number + 1] for number, row in enumerate(grid)]
    return all((row >= 0).all() and len(np.unique(row)) == len(row) for row in rows)


def _tells(entries: npt.NDArray[np.int32], axis: int) -> bool:
    """Whether each class in a table comes from one class of an operand, and none is None."""
    if (entries == NONE).any() or not entries.size:
        return not entries.size
    return _in_one_row_each(entries.swapaxes(0, axis).reshape(entries.shape[axis], -1))


def _in_one_row_each(rows: npt.NDArray[np.int32]) -> bool:
    """Whether each class that occurs is in one row [rows, classes]; what is UNDEFINED is none."""
    is_there = np.zeros((len(rows), int(rows.max(initial=0)) + 1), dtype=bool)
    row, column = np.nonzero(rows >= 0)
    is_there[row, rows[row, column]] = True
    return bool((is_there.sum(axis=0) <= 1).all())


def _ranks_from(facts: Inferred, selector: Node) -> int | None:
    """0 or 1 if a selector's widths are ranks: n values that differ, compared by a total order.

    A strict order selects 0 to n - 1 of them, one that is reflexive 1 to n. Under a causal mask
    keys that come later are missing.
    """
    order = None if facts.program.causal else order_of(facts, selector)
    return int(order.is_reflexive) if order is not None and _differs(facts, order) else None


def is_total_order(facts: Inferred, selector: Node) -> bool:
    """Whether a selector compares values that surely differ by a total order."""
    order = order_of(facts, selector)
    return order is not None and _differs(facts, order)


def _differs(facts: Inferred, order: Order) -> bool:
    """Whether no two positions of an input have equal values."""
    return any(facts.sops[number].distinct for number in order.operands)


def ordered_by(facts: Inferred, node: Node) -> Sequence[int]:
    """The s-ops of which a width counts the values before each, or also those that are equal.

    In a total order of values, so that these are equal wherever the width is. There are none under
    a causal mask, where later values are not counted.
    """
    if node.op is not Op.WIDTH or facts.program.causal:
        return ()
    order = order_of(facts, facts.program.node(node.inputs[0]))
    return () if order is None else order.operands


def selects_one_value(facts: Inferred, key: Node, holds: npt.NDArray[np.bool_]) -> bool:
    """Whether each query selects one value of the keys at most."""
    domain = facts.domain(key.id)
    if not isinstance(domain, Enumerated):
        return False
    sizes = np.array([len(members) for members in domain.classes], dtype=int)
    return bool((holds.astype(int) @ sizes).max(initial=0) <= 1)


def meets_its_rank(holds: npt.NDArray[np.bool_], keys: SOpFacts, queries: SOpFacts) -> bool:
    """Whether every query surely selects a key, since keys are all ranks that there are.

    Both are ranks and equal ones meet, or a query selects one that is there at its position in
    inputs of whatever length, or of its length.

    Args:
        holds: [query classes, key classes], whether a select holds.
        keys: facts about the keys.
        queries: facts about the queries.
    """
    key_domain, query_domain = keys.domain, queries.domain
    if keys.ranks_from is None or not isinstance(key_domain, Enumerated):
        return False
    if not isinstance(query_domain, Enumerated):
        return False
    if queries.ranks_from is None:
        return _asks_for_what_is_there(holds, _least_ranks(key_domain, keys.ranks_from), queries)
    rank = {value: number for number, value in enumerate(key_domain.values)}
    places = [
        rank.get(value - queries.ranks_from + keys.ranks_from)
        for value in query_domain.values
        if isinstance(value, int)
    ]
    known = [(q, k) for q, k in enumerate(places) if k is not None]
    return len(known) == len(query_domain) and all(holds[q, k] for q, k in known)


def _least_ranks(domain: Enumerated, start: int) -> npt.NDArray[np.int_]:
    """[classes], the least rank from 0 of each class of ranks that begin somewhere."""
    groups = ([int(v) for v in group if isinstance(v, int)] for group in domain.classes)
    return np.array([min(group) for group in groups], dtype=int) - start


def _asks_for_what_is_there(
    holds: npt.NDArray[np.bool_], ranks: npt.NDArray[np.int_], queries: SOpFacts
) -> bool:
    """Whether a query selects a rank from 0 that is less than the length of every input."""
    beyond = np.iinfo(int).max
    least = np.where(holds, ranks, beyond).min(axis=1, initial=beyond)
    if queries.local is not None:  # an input with a position has one token more at least
        lengths = np.arange(1, queries.local.shape[1] + 1)
        return bool((queries.local >= 0).all() and (least[queries.local] < lengths).all())
    if queries.by_length is not None:
        rows = [row[: n + 1] for n, row in enumerate(queries.by_length)]
        return all(bool((row >= 0).all() and (least[row] <= n).all()) for n, row in enumerate(rows))
    return False
