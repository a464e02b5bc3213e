"""A solution of an allocation problem, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from shoal_solvers.problem import AllocationProblem, Kind

OBJECTIVES = ("layers", "width", "neurons", "heads", "total")
"""The objectives in their lexicographic order."""


@dataclass(frozen=True)
class Placement:
    """Where an operation runs, and by which of its alternatives."""

    half_layer: int
    alternative: int


@dataclass(frozen=True)
class Allocation:
    """For every present operation its half-layer, for every variable its columns and lifetime.

    Attributes:
        num_layers: layers of the transformer; half-layers are 0 .. 2 * num_layers - 1.
        placements: by operation name; an operation that is not here is absent.
        erasures: by variable name, the MLP half-layer that erases it; a variable that
            is not here is kept to the end.
        columns: by variable name, the residual columns of every present variable.
    """

    num_layers: int
    placements: Mapping[str, Placement]
    erasures: Mapping[str, int]
    columns: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Lifetime:
    """The states of the residual stream in which a variable occupies its columns.

    State h is the stream just before half-layer h; the last state, 2 * num_layers, is the
    network's output. Both ends are included.
    """

    first: int
    last: int


@dataclass(frozen=True)
class Costs:
    """The value of every objective.

    Attributes:
        layers: attention + MLP pairs.
        width: the largest number of columns occupied in any state.
        neurons: hidden neurons of the fullest MLP, erasures included.
        heads: heads of the fullest attention half-layer; shared ones count once.
        total: neurons and heads of all half-layers together.
    """

    layers: int
    width: int
    neurons: int
    heads: int
    total: int

    def as_tuple(self) -> tuple[int, int, int, int, int]:
        """The values in the order of ``OBJECTIVES``."""
        return (self.layers, self.width, self.neurons, self.heads, self.total)


def present_variables(
    problem: AllocationProblem, placements: Mapping[str, Placement]
) -> tuple[str, ...]:
    """The variables that occupy columns, in the order of the problem.

    Those are what placed operations write, and the inputs that a placed operation reads
    or that are outputs.
    """
    read = {
        v
        for name, placement in placements.items()
        for v in problem.operation[name].alternatives[placement.alternative].reads
    }
    written = {v for name in placements for v in problem.operation[name].writes}
    return tuple(
        v.name
        for v in problem.variables
        if v.name in written or (v.is_input and (v.is_output or v.name in read))
    )


def last_reads(problem: AllocationProblem, placements: Mapping[str, Placement]) -> dict[str, int]:
    """For every variable that is read, the last half-layer that reads it."""
    last: dict[str, int] = {}
    for name, placement in placements.items():
        for v in problem.operation[name].alternatives[placement.alternative].reads:
            last[v] = max(last.get(v, -1), placement.half_layer)
    return last


def lifetimes(
    problem: AllocationProblem,
    num_layers: int,
    placements: Mapping[str, Placement],
    erasures: Mapping[str, int],
) -> dict[str, Lifetime]:
    """The lifetime of every present variable.

    What half-layer t writes is in the stream from state t + 1; what half-layer e erases
    is in it up to state e.
    """
    result = {}
    for name in present_variables(problem, placements):
        producer = problem.producer.get(name)
        first = 0 if producer is None else placements[producer.name].half_layer + 1
        result[name] = Lifetime(first, erasures.get(name, 2 * num_layers))
    return result


def half_layer_sizes(
    problem: AllocationProblem,
    placements: Mapping[str, Placement],
    erasures: Mapping[str, int],
) -> Counter[int]:
    """Heads or neurons in every half-layer that has any, shared heads once, erasures included."""
    sizes: Counter[int] = Counter()
    counted: set[tuple[int, str]] = set()
    for name, placement in placements.items():
        operation = problem.operation[name]
        if operation.sharing is not None:
            if (placement.half_layer, operation.sharing) in counted:
                continue
            counted.add((placement.half_layer, operation.sharing))
        sizes[placement.half_layer] += operation.alternatives[placement.alternative].size
    for name, half_layer in erasures.items():
        sizes[half_layer] += problem.variable[name].erase_neurons or 0
    return sizes


def measure(problem: AllocationProblem, allocation: Allocation) -> Costs:
    """The costs of an allocation. Source: section 6 of the design.

    The width is counted from the lifetimes, not from the column numbers; the checker makes
    sure that the columns attain it.
    """
    placements, erasures = allocation.placements, allocation.erasures
    change: Counter[int] = Counter()
    for name, life in lifetimes(problem, allocation.num_layers, placements, erasures).items():
        change[life.first] += problem.variable[name].width
        change[life.last + 1] -= problem.variable[name].width
    occupied = width = 0
    for state in range(2 * allocation.num_layers + 1):
        occupied += change[state]
        width = max(width, occupied)
    sizes = half_layer_sizes(problem, placements, erasures)
    by_kind = {
        kind: max((s for h, s in sizes.items() if h % 2 == kind.parity), default=0) for kind in Kind
    }
    return Costs(
        layers=allocation.num_layers,
        width=width,
        neurons=by_kind[Kind.MLP],
        heads=by_kind[Kind.ATTENTION],
        total=sum(sizes.values()),
    )
