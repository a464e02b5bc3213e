"""A solution of an allocation problem, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from shoal_solvers.cards import allocation_card
from shoal_solvers.plain_text import allocation_text
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.timeline import ALTERNATING, Kind


@dataclass(frozen=True)
class Placement:
    """Where an operation runs, and by which of its alternatives."""

    half_layer: int
    alternative: int


@dataclass(frozen=True)
class Allocation:
    """For every present operation its half-layer, for every variable its columns and lifetime.

    Attributes:
        num_layers: layers of the transformer.
        placements: by operation name; an operation that is not here is absent.
        erasures: by variable name, the MLP half-layer that erases it; a variable that
            is not here is kept to the end.
        columns: by variable name, the residual columns of every present variable.
        outputs: by choice, the number of the option that is there at the end.
    """

    num_layers: int
    placements: Mapping[str, Placement]
    erasures: Mapping[str, int]
    columns: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return allocation_text(self)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return allocation_card(self)


class Lifetime(NamedTuple):
    """The states of the residual stream in which a variable occupies its columns.

    Both ends are included; for the numbers of states see ``Timeline``.
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
        """The values in their lexicographic order."""
        return (self.layers, self.width, self.neurons, self.heads, self.total)


def present_variables(
    problem: AllocationProblem, placements: Mapping[str, Placement], outputs: Mapping[str, int]
) -> tuple[str, ...]:
    """The variables that occupy columns, in the order of the problem.

    Those are what placed operations write, and the inputs that a placed operation reads
    or that are outputs.
    """
    present: set[str] = set()
    needed = set(problem.outputs(outputs))
    for name, placement in placements.items():
        operation = problem.operation[name]
        present.update(operation.writes)
        needed.update(operation.alternatives[placement.alternative].reads)
    return tuple(
        v.name for v in problem.variables if v.name in present or (v.is_input and v.name in needed)
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
    outputs: Mapping[str, int],
) -> dict[str, Lifetime]:
    """The lifetime of every present variable.

    What half-layer t writes is in the stream from state t + 1; what half-layer e erases
    is in it up to state e.
    """
    end = ALTERNATING.last_state(num_layers)
    written = {
        v: placement.half_layer + 1
        for name, placement in placements.items()
        for v in problem.operation[name].writes
    }
    return {
        name: Lifetime(written.get(name, 0), erasures.get(name, end))
        for name in present_variables(problem, placements, outputs)
    }


def lifetimes_in(problem: AllocationProblem, allocation: Allocation) -> dict[str, Lifetime]:
    """The lifetimes of an allocation's variables."""
    a = allocation
    return lifetimes(problem, a.num_layers, a.placements, a.erasures, a.outputs)


def occupied(
    problem: AllocationProblem, lives: Mapping[str, Lifetime], num_layers: int
) -> list[int]:
    """[states], the columns that are occupied in each state."""
    change = [0] * (ALTERNATING.last_state(num_layers) + 2)
    for name, life in lives.items():
        width = problem.variable[name].width
        change[life.first] += width
        change[life.last + 1] -= width
    return list(accumulate(change[:-1]))


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
    sizes = half_layer_sizes(problem, allocation.placements, allocation.erasures)
    fullest = dict.fromkeys(Kind, 0)
    for half_layer, size in sizes.items():
        kind = ALTERNATING.kind(half_layer)
        fullest[kind] = max(fullest[kind], size)
    return Costs(
        layers=allocation.num_layers,
        width=max(occupied(problem, lifetimes_in(problem, allocation), allocation.num_layers)),
        neurons=fullest[Kind.MLP],
        heads=fullest[Kind.ATTENTION],
        total=sum(sizes.values()),
    )
