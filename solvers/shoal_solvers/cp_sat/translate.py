"""Between allocations and values of the booleans."""

from __future__ import annotations

from collections.abc import Callable

from ortools.sat.python import cp_model

from shoal_solvers.allocation import Allocation, Placement, lifetimes, present_variables
from shoal_solvers.columns import assign_columns
from shoal_solvers.cp_sat.booleans import Booleans
from shoal_solvers.timeline import ALTERNATING, Kind


def hint(b: Booleans, allocation: Allocation) -> None:
    """Start the next search from an allocation in as many layers."""
    placements, erasures = allocation.placements, allocation.erasures

    def layer_of(name: str) -> int | None:
        return ALTERNATING.layer(placements[name].half_layer) if name in placements else None

    for (name, a, layer), variable in b.started.items():
        there = layer_of(name)
        by_it = there is not None and placements[name].alternative == a
        b.model.add_hint(variable, there is not None and by_it and there <= layer)
    for (name, a), term in b.used.items():
        if not isinstance(term, int):
            b.model.add_hint(term, name in placements and placements[name].alternative == a)
    for (name, number), term in b.chosen.items():
        if not isinstance(term, int):
            b.model.add_hint(term, allocation.outputs[name] == number)
    for name, term in b.needed.items():
        if not isinstance(term, int):
            b.model.add_hint(term, name in allocation.columns)
    for (name, layer), variable in b.cleared.items():
        gone = name in erasures and ALTERNATING.layer(erasures[name]) <= layer
        b.model.add_hint(variable, gone)
    for (sharing, layer), variable in b.shared.items():
        b.model.add_hint(variable, any(layer_of(o.name) == layer for o in b.sharings[sharing]))


def extract(b: Booleans, value: Callable[[cp_model.IntVar], int]) -> Allocation:
    """The allocation that belongs to values of the booleans."""
    placements: dict[str, Placement] = {}
    for (name, a), used in b.used.items():
        if not (used if isinstance(used, int) else value(used)):
            continue
        latest = b.windows.latest[name]
        layers = range(b.windows.earliest[name, a], latest)
        layer = next((k for k in layers if value(b.started[name, a, k])), latest)
        kind = b.problem.operation[name].kind
        placements[name] = Placement(ALTERNATING.half_layer(layer, kind), a)
    outputs = {
        name: number
        for (name, number), chosen in b.chosen.items()
        if (chosen if isinstance(chosen, int) else value(chosen))
    }
    present = set(present_variables(b.problem, placements, outputs))
    erasures: dict[str, int] = {}
    for (name, layer), variable in b.cleared.items():
        if name in present and value(variable):
            erasures.setdefault(name, ALTERNATING.half_layer(layer, Kind.MLP))
    num_layers = b.windows.num_layers
    lives = lifetimes(b.problem, num_layers, placements, erasures, outputs)
    columns = assign_columns(b.problem, lives)
    return Allocation(num_layers, placements, erasures, columns, outputs)
