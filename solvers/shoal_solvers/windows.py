"""The layers in which each operation can run at all, for a given number of layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import and_, or_

from shoal_solvers.problem import AllocationProblem, Operation, OutputChoice
from shoal_solvers.timeline import ALTERNATING, Kind


@dataclass(frozen=True)
class Windows:
    """What every allocation in ``num_layers`` layers has to keep to.

    Attributes:
        num_layers: layers that are available.
        width: columns that are available; None if nothing was left out for want of them.
        earliest: by (operation, alternative), the first layer in which it can run. A pair
            that is not here is never used.
        latest: by operation, the last layer in which it can run.
        required: the operations that are present in every allocation.
        feasible: False if no allocation fits into so few layers.
        options: by choice, the options that can be had.
    """

    num_layers: int
    width: int | None
    earliest: Mapping[tuple[str, int], int]
    latest: Mapping[str, int]
    required: frozenset[str]
    feasible: bool
    options: Mapping[str, tuple[int, ...]]

    @cached_property
    def usable(self) -> Mapping[str, tuple[int, ...]]:
        """By operation, the numbers of the alternatives that can be used, if there are any."""
        usable: dict[str, tuple[int, ...]] = {}
        for name, a in self.earliest:
            usable[name] = (*usable.get(name, ()), a)
        return usable

    def alternatives(self, operation: Operation) -> tuple[int, ...]:
        """The numbers of the alternatives that can be used; none if the operation is absent."""
        return self.usable.get(operation.name, ())

    @cached_property
    def first_layers(self) -> Mapping[str, int]:
        """By operation, the first layer in which it can run."""
        return {
            name: min(self.earliest[name, a] for a in usable)
            for name, usable in self.usable.items()
        }

    def first_layer(self, operation: Operation) -> int:
        """The first layer in which an operation with usable alternatives can run."""
        return self.first_layers[operation.name]

    def choosable(self, problem: AllocationProblem) -> frozenset[str]:
        """What is there at the end if it is chosen."""
        return frozenset(
            v for c in problem.choices for number in self.options[c.name] for v in c.options[number]
        )

    def certain_outputs(self, problem: AllocationProblem) -> frozenset[str]:
        """What is there at the end of every allocation."""
        return _certain_outputs(problem, self.options)


def columns_needed(problem: AllocationProblem, operation: Operation, alternative: int) -> int:
    """Columns that an operation needs at once by one of its alternatives.

    What attention writes needs columns that are clear while its operands are still there; of an
    MLP's operands all may be cleared while it writes.
    """
    written = sum(problem.variable[v].width for v in operation.writes)
    reads = set(operation.alternatives[alternative].reads)
    read = sum(problem.variable[v].width for v in reads)
    return read + written if operation.kind is Kind.ATTENTION else max(read, written)


def compute_windows(
    problem: AllocationProblem, num_layers: int, width: int | None = None
) -> Windows:
    """Propagate precedence forwards and backwards until no alternative drops out any more.

    Forwards: an alternative runs after the producers of all that it reads, each at its
    earliest. Backwards: the result of an operation has to be there for every reader that is
    present in all allocations and reads it under all of its alternatives, and for at least
    one reader if it is no output.

    Args:
        problem: what is allocated.
        num_layers: layers that there are.
        width: columns that there are; alternatives that need more by themselves drop out.
    """
    usable = {
        (o.name, a)
        for o in problem.operations
        for a in range(len(o.alternatives))
        if width is None or columns_needed(problem, o, a) <= width
    }
    while True:
        earliest = _earliest(problem, usable)
        options = {c.name: tuple(_usable_options(problem, c, earliest)) for c in problem.choices}
        required = _required(problem, earliest, options)
        latest = _latest(problem, num_layers, earliest, required, options)
        kept = {
            (name, a)
            for (name, a), layer in earliest.items()
            if name in latest and layer <= latest[name]
        }
        if kept == usable:
            feasible = all(options.values()) and all(
                any((n, a) in kept for a in _numbers(problem, n)) for n in required
            )
            return Windows(num_layers, width, earliest, latest, required, feasible, options)
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
            layer = max(
                (ready[p.name] + ALTERNATING.lag(p.kind, o.kind) for p in sources), default=0
            )
            earliest[o.name, a] = layer
            ready[o.name] = min(layer, ready.get(o.name, layer))
    return earliest


def _usable_options(
    problem: AllocationProblem, choice: OutputChoice, earliest: Mapping[tuple[str, int], int]
) -> Iterator[int]:
    """The options whose variables can all be computed."""
    computed = {v for name, _ in earliest for v in problem.operation[name].writes}
    for number, option in enumerate(choice.options):
        if all(v in computed or problem.variable[v].is_input for v in option):
            yield number


def _certain_outputs(
    problem: AllocationProblem, options: Mapping[str, tuple[int, ...]]
) -> frozenset[str]:
    certain = {v.name for v in problem.variables if v.is_output}
    for choice in problem.choices:
        found = [set(choice.options[number]) for number in options[choice.name]]
        certain |= set.intersection(*found) if found else set()
    return frozenset(certain)


def _required(
    problem: AllocationProblem,
    earliest: Mapping[tuple[str, int], int],
    options: Mapping[str, tuple[int, ...]],
) -> frozenset[str]:
    """What is present whatever alternatives and options are taken.

    With an operation comes what each of its alternatives needs, itself or through others.
    """
    place = {o.name: k for k, o in enumerate(problem.operations)}
    needed: dict[str, int] = {}  # by what is written, the operations that come with it, as bits

    def with_all(variables: Iterable[str]) -> int:
        return reduce(or_, (needed.get(v, 0) for v in variables), 0)

    for o in problem.topological_order:
        ways = [
            with_all(alternative.reads)
            for a, alternative in enumerate(o.alternatives)
            if (o.name, a) in earliest
        ]
        own = 1 << place[o.name] | (reduce(and_, ways) if ways else 0)
        needed.update(dict.fromkeys(o.writes, own))
    bits = with_all(v.name for v in problem.variables if v.is_output)
    for choice in problem.choices:
        each = [with_all(choice.options[number]) for number in options[choice.name]]
        bits |= reduce(and_, each) if each else 0
    return frozenset(o.name for k, o in enumerate(problem.operations) if bits >> k & 1)


def _latest(
    problem: AllocationProblem,
    num_layers: int,
    earliest: Mapping[tuple[str, int], int],
    required: frozenset[str],
    options: Mapping[str, tuple[int, ...]],
) -> dict[str, int]:
    latest: dict[str, int] = {}
    certain: dict[str, int] = {}
    outputs = [v.name for v in problem.variables if v.is_output]
    outputs += [v for c in problem.choices for number in options[c.name] for v in c.options[number]]
    possible: dict[str, int] = dict.fromkeys(outputs, num_layers - 1)
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
            layer = latest[o.name] - ALTERNATING.lag(source.kind, o.kind)
            possible[v] = max(possible.get(v, layer), layer)
            if o.name in required and all(v in names for names in reads):
                certain[v] = min(certain.get(v, layer), layer)
    return latest
