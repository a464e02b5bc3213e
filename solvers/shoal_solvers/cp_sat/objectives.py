"""What the objectives of an allocation are in terms of the booleans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ortools.sat.python import cp_model

from shoal_solvers.cp_sat.booleans import Booleans, Term
from shoal_solvers.objectives import HEADS, NEURONS, TOTAL, WIDTH, Objective
from shoal_solvers.timeline import Kind


def _add_width(b: Booleans, width: cp_model.IntVar) -> None:
    """In no state do the occupied columns exceed the width.

    Attention only adds to the stream, so the states before each MLP and the last one
    are the only ones that can be the fullest. Without layers the last state is the first.
    """
    num_layers = b.windows.num_layers
    for layer in range(num_layers):
        b.model.add(_occupied(b, layer, before_mlp=True) <= width)
    b.model.add(_occupied(b, num_layers - 1, before_mlp=False) <= width)


def _occupied(b: Booleans, layer: int, before_mlp: bool) -> cp_model.LinearExprT:
    terms: list[Term] = []
    weights: list[int] = []
    for v in b.problem.variables:
        written = b.written(v, layer, before_mlp)
        gone = b.erased(v.name, layer - 1 if before_mlp else layer)
        terms += [*written, gone]
        weights += [v.width] * len(written) + [-v.width]
    return cp_model.LinearExpr.weighted_sum(terms, weights)


def _add_neurons(b: Booleans, neurons: cp_model.IntVar) -> None:
    """In no MLP do the neurons of operations and erasures exceed the fullest one's."""
    for layer in range(b.windows.num_layers):
        b.model.add(_size(b, Kind.MLP, layer) <= neurons)


def _add_heads(b: Booleans, heads: cp_model.IntVar) -> None:
    """In no attention half-layer do the heads exceed the fullest one's."""
    for layer in range(b.windows.num_layers):
        b.model.add(_size(b, Kind.ATTENTION, layer) <= heads)


def _add_total(b: Booleans, total: cp_model.IntVar) -> None:
    """Neurons and heads of all half-layers together are the total."""
    sizes = [_size(b, kind, layer) for kind in Kind for layer in range(b.windows.num_layers)]
    b.model.add(sum(sizes) <= total)


ADD: Mapping[Objective, Callable[[Booleans, cp_model.IntVar], None]] = MappingProxyType(
    {WIDTH: _add_width, NEURONS: _add_neurons, HEADS: _add_heads, TOTAL: _add_total}
)
"""For each objective besides layers, which are fixed, what makes a variable at least that."""


def _size(b: Booleans, kind: Kind, layer: int) -> cp_model.LinearExprT:
    """Heads or neurons in one half-layer."""
    terms: list[Term] = []
    weights: list[int] = []
    for o in b.problem.operations:
        if o.kind is not kind or o.sharing is not None:
            continue
        for a in b.windows.alternatives(o):
            terms += [b.done(o.name, a, layer), b.done(o.name, a, layer - 1)]
            weights += [o.alternatives[a].size, -o.alternatives[a].size]
    if kind is Kind.ATTENTION:
        _add_shared_heads(b)
        for sharing, members in b.sharings.items():
            if (sharing, layer) in b.shared:
                terms.append(b.shared[sharing, layer])
                weights.append(members[0].alternatives[0].size)
    if kind is Kind.MLP:
        for v in b.problem.variables:
            if v.erase_neurons:
                terms += [b.erased(v.name, layer), b.erased(v.name, layer - 1)]
                weights += [v.erase_neurons, -v.erase_neurons]
    return cp_model.LinearExpr.weighted_sum(terms, weights)


def _add_shared_heads(b: Booleans) -> None:
    """Heads that operations share are in a layer if one of these operations runs there."""
    if b.shared:
        return
    for sharing, members in b.sharings.items():
        for o in members:
            usable = b.windows.alternatives(o)
            if not usable:
                continue
            for layer in range(b.windows.first_layer(o), b.windows.latest[o.name] + 1):
                if (sharing, layer) not in b.shared:
                    b.shared[sharing, layer] = b.model.new_bool_var("")
                here = [b.done(o.name, a, layer) for a in usable]
                before = [b.done(o.name, a, layer - 1) for a in usable]
                b.at_most(here, [*before, b.shared[sharing, layer]])
