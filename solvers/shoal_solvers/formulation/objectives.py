"""What the objectives of an allocation are in terms of the booleans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from shoal_solvers.formulation.booleans import Booleans
from shoal_solvers.formulation.linear_model import IntArray, Rows
from shoal_solvers.objectives import HEADS, NEURONS, TOTAL, Objective
from shoal_solvers.timeline import Kind

Weighted = tuple[IntArray, int]
"""Columns, one a layer, and the weight of all of them."""


def add_width(rows: Rows, b: Booleans, width: int, states: Sequence[int] | None) -> dict[int, int]:
    """In no state do the occupied columns exceed the width; the row of each layer's state.

    Attention only adds to the stream, so the states before each MLP and the last one
    are the only ones that can be the fullest. Without layers the last state is the first.
    """
    counted = b.layers if states is None else np.array(sorted(states), np.int64)
    terms = [*_occupied(b, counted, before_mlp=True)]
    row_of = {}
    for place, layer in enumerate(counted.tolist()):
        row_of[layer] = _sum_at_most(rows, terms, place, width)
    last = _occupied(b, b.end, before_mlp=False)
    row_of[b.windows.num_layers] = _sum_at_most(rows, last, 0, width)
    return row_of


def _occupied(b: Booleans, layers: IntArray, before_mlp: bool) -> list[Weighted]:
    terms: list[Weighted] = []
    gone = layers - 1 if before_mlp else layers
    where = b.index(np.maximum(gone, 0))
    for v in b.problem.variables:
        if not v.width:
            continue
        terms += [(written, v.width) for written in b.written(v, layers, before_mlp)]
        for cleared in b.cleared.get(v.name, ()):
            terms.append((np.where(gone >= 0, cleared[where], 0), -v.width))
    return terms


def _sum_at_most(rows: Rows, terms: Sequence[Weighted], place: int, most: int) -> int:
    columns = np.array([term[place] for term, _ in terms], np.int64)
    weights = np.array([weight for _, weight in terms], np.int64)
    return rows.weighted_at_most(columns, weights, most)


def _add_neurons(rows: Rows, b: Booleans, neurons: int) -> None:
    """In no MLP do the neurons of operations and erasures exceed the fullest one's."""
    _add_fullest(rows, b, _sizes(b, Kind.MLP), neurons)


def _add_heads(rows: Rows, b: Booleans, heads: int) -> None:
    """In no attention half-layer do the heads exceed the fullest one's."""
    _share_heads(rows, b)
    _add_fullest(rows, b, _sizes(b, Kind.ATTENTION), heads)


def _add_total(rows: Rows, b: Booleans, total: int) -> None:
    """Neurons and heads of all half-layers together are the total."""
    _share_heads(rows, b)
    terms: list[Weighted] = [
        (np.array([b.used[o.name, a]]), o.alternatives[a].size)
        for o in b.problem.operations
        if o.sharing is None
        for a in b.windows.alternatives(o)
    ]
    for sharing, size in _sharing_sizes(b).items():
        terms += [(np.array([column]), size) for column in b.shared[sharing].tolist()]
    for name, cleared in b.cleared.items():
        cost = b.problem.variable[name].erase_neurons or 0
        terms += [(c[-1:], cost) for c in cleared if cost]
    _sum_at_most(rows, terms, 0, total)


ADD: Mapping[Objective, Callable[[Rows, Booleans, int], None]] = MappingProxyType(
    {NEURONS: _add_neurons, HEADS: _add_heads, TOTAL: _add_total}
)
"""For each objective that sizes make up, what makes a column at least that."""


def _add_fullest(rows: Rows, b: Booleans, terms: Sequence[Weighted], most: int) -> None:
    for place in range(len(b.layers)):
        _sum_at_most(rows, terms, place, most)


def _sizes(b: Booleans, kind: Kind) -> list[Weighted]:
    """Heads or neurons in each half-layer of a kind."""
    terms: list[Weighted] = []
    for o in b.problem.operations:
        if o.kind is not kind or o.sharing is not None:
            continue
        for a in b.windows.alternatives(o):
            terms += _changes(b.done[o.name, a], o.alternatives[a].size)
    if kind is Kind.ATTENTION:
        terms += [(b.shared[sharing], size) for sharing, size in _sharing_sizes(b).items()]
    else:
        for name, cleared in b.cleared.items():
            for c in cleared:
                terms += _changes(c, b.problem.variable[name].erase_neurons or 0)
    return terms


def _changes(done: IntArray, size: int) -> list[Weighted]:
    """What is done in a layer is done by its end and was not by the end of the one before."""
    if not size:
        return []
    before = np.concatenate([np.zeros(1, np.int64), done[:-1]])
    return [(done, size), (before, -size)]


def _sharing_sizes(b: Booleans) -> dict[str, int]:
    """The heads of each sharing that is there at all."""
    return {
        o.sharing: o.alternatives[0].size
        for o in b.problem.operations
        if o.sharing is not None and o.sharing in b.shared
    }


def _share_heads(rows: Rows, b: Booleans) -> None:
    """Heads that operations share are in a layer if one of these operations runs there."""
    for o in b.problem.operations:
        if o.sharing is None or o.sharing not in b.shared:
            continue
        here = b.operation_done(o)
        before = [np.concatenate([np.zeros(1, np.int64), done[:-1]]) for done in here]
        rows.at_most(here, [*before, b.shared[o.sharing]])
