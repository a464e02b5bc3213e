"""The layers in which each operation can run at all, for a given number of layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shoal_solvers.problem import AllocationProblem, Kind, Operation


@dataclass(frozen=True)
class Windows:
    """What every allocation in ``num_layers`` layers has to keep to.

    Attributes:
        num_layers: layers that are available.
        earliest: by (operation, alternative), the first layer in which it can run. A pair
            that is not here is never used.
        latest: by operation, the last layer in which it can run.
        required: the operations that are present in every allocation.
        feasible: False if no allocation fits into so few layers.
    """

    num_layers: int
    earliest: Mapping[tuple[str, int], int]
    latest: Mapping[str, int]
    required: frozenset[str]
    feasible: bool

    def alternatives(self, operation: Operation) -> list[int]:
        """The numbers of the alternatives that can be used; none if the operation is absent."""
        return [
            a for a in range(len(operation.alternatives)) if (operation.name, a) in self.earliest
        ]

    def first_layer(self, operation: Operation) -> int:
        """The first layer in which an operation with usable alternatives can run."""
        return min(self.earliest[operation.name, a] for a in self.alternatives(operation))


def lag(source: Kind, target: Kind) -> int:
    """Layers that must lie between an operation and one that reads its result.

    What attention writes can be read by the MLP of the same layer; nothing else can be read
    in the layer that writes it.
    """
    return 0 if source is Kind.ATTENTION and target is Kind.MLP else 1


def compute_windows(problem: AllocationProblem, num_layers: int) -> Windows:
    """Propagate precedence forwards and backwards until no alternative drops out any more.

    Forwards: an alternative runs after the producers of all that it reads, each at its
    earliest. Backwards: the result of an operation has to be there for every reader that is
    present in all allocations and reads it under all of its alternatives, and for at least
    one reader if it is no output.
    """
    usable = {(o.name, a) for o in problem.operations for a in range(len(o.alternatives))}
    while True:
        earliest = _earliest(problem, usable)
        required = _required(problem, earliest)
        latest = _latest(problem, num_layers, earliest, required)
        kept = {
            (name, a)
            for (name, a), layer in earliest.items()
            if name in latest and layer <= latest[name]
        }
        if kept == usable:
            feasible = all(any((n, a) in kept for a in _numbers(problem, n)) for n in required)
            return Windows(num_layers, earliest, latest, required, feasible)
        usable = kept


def _numbers(problem: AllocationProblem, operation: str) -> range:
    return range(len(problem.operation[operation].alternatives))


def _earliest(
    problem: AllocationProblem, usable: set[tuple[str, int]]
) -> dict[tuple[str, int], int]:
    earliest: dict[tuple[str, int], int] = {}
    ready: dict[str, int] = {}
    for o in problem.topological_order:
        for a, alternative in enumerate(o.alternatives):
            sources = [problem.producer[v] for v in alternative.reads if v in problem.producer]
            if (o.name, a) not in usable or any(p.name not in ready for p in sources):
                continue
            layer = max((ready[p.name] + lag(p.kind, o.kind) for p in sources), default=0)
            earliest[o.name, a] = layer
            ready[o.name] = min(layer, ready.get(o.name, layer))
    return earliest


def _required(
    problem: AllocationProblem, earliest: Mapping[tuple[str, int], int]
) -> frozenset[str]:
    read_for_sure = {v.name for v in problem.variables if v.is_output}
    required = set()
    for o in reversed(problem.topological_order):
        if read_for_sure.isdisjoint(o.writes):
            continue
        required.add(o.name)
        reads = [
            set(alternative.reads)
            for a, alternative in enumerate(o.alternatives)
            if (o.name, a) in earliest
        ]
        if reads:
            read_for_sure |= set.intersection(*reads)
    return frozenset(required)


def _latest(
    problem: AllocationProblem,
    num_layers: int,
    earliest: Mapping[tuple[str, int], int],
    required: frozenset[str],
) -> dict[str, int]:
    latest: dict[str, int] = {}
    certain: dict[str, int] = {}
    possible: dict[str, int] = {v.name: num_layers - 1 for v in problem.variables if v.is_output}
    for o in reversed(problem.topological_order):
        reads = [
            set(alternative.reads)
            for a, alternative in enumerate(o.alternatives)
            if (o.name, a) in earliest
        ]
        ends = [possible[v] for v in o.writes if v in possible]
        if not ends or not reads:
            continue
        latest[o.name] = min([max(ends)] + [certain[v] for v in o.writes if v in certain])
        for v in set.union(*reads):
            source = problem.producer.get(v)
            if source is None:
                continue
            layer = latest[o.name] - lag(source.kind, o.kind)
            possible[v] = max(possible.get(v, layer), layer)
            if o.name in required and all(v in names for names in reads):
                certain[v] = min(certain.get(v, layer), layer)
    return latest
