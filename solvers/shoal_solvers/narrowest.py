"""A placement that is narrow, however deep: one operation after the other, by beam search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shoal_solvers.allocation import Allocation, Placement
from shoal_solvers.heuristics import (
    earliest_half_layers,
    first_ready,
    present_operations,
    with_erasures,
    without_empty_layers,
)
from shoal_solvers.problem import AllocationProblem, Operation
from shoal_solvers.timeline import ALTERNATING, Kind

BEAM = 32
"""Partial orders that are kept of each length."""

MOST_FLIPS = 40
"""Alternatives that are tried."""

MOST_STEPS = 200_000
"""Partial orders that are looked at; beyond, the beam gets narrower."""


@dataclass(frozen=True)
class _Order:
    """Some operations in an order.

    Attributes:
        width: the most columns that were occupied on the way.
        occupied: columns that are now.
        done: the operations, a bit each.
        last: the last operation's place; -1 for none.
        before: the order without it.
    """

    width: int
    occupied: int
    done: int
    last: int
    before: _Order | None


def narrowest(problem: AllocationProblem) -> Allocation:
    """Operations one after the other such that few columns are occupied at any time.

    Without a limit on layers an order is all that matters: what runs together occupies no less than
    what runs one after the other. Options are those of the critical path. Alternatives begin as
    there, or as written, and change one at a time as long as that makes it narrower and few have
    been tried.
    """
    earliest, quickest = earliest_half_layers(problem)
    outputs = first_ready(problem, earliest)
    written = {o.name: 0 for o in problem.operations}
    starts = [_narrow(problem, chosen, outputs) for chosen in (quickest, written)]
    best = min(starts, key=lambda found: found.width)
    flips = [
        (o.name, a)
        for o in problem.operations
        for a in range(len(o.alternatives))
        if len(o.alternatives) > 1
    ]
    for name, a in flips[:MOST_FLIPS]:
        if best.chosen[name] != a:
            other = _narrow(problem, {**best.chosen, name: a}, outputs)
            best = min(best, other, key=lambda found: found.width)
    return _placed(problem, best, outputs)


@dataclass(frozen=True)
class _Found:
    """An order of operations by some alternatives, and how many columns it needs."""

    order: Sequence[Operation]
    width: int
    chosen: Mapping[str, int]


def _narrow(
    problem: AllocationProblem, chosen: Mapping[str, int], outputs: Mapping[str, int]
) -> _Found:
    present = present_operations(problem, chosen, outputs)
    order, width = _Search(problem, present, chosen, problem.outputs(outputs)).run()
    return _Found(order, width, chosen)


def _placed(problem: AllocationProblem, found: _Found, outputs: Mapping[str, int]) -> Allocation:
    chosen = found.chosen
    placements: dict[str, Placement] = {}
    half_layer = -1
    for o in found.order:
        half_layer = ALTERNATING.next_half_layer(o.kind, half_layer + 1)
        placements[o.name] = Placement(half_layer, chosen[o.name])
    return without_empty_layers(problem, with_erasures(problem, placements, outputs))


class _Search:
    def __init__(
        self,
        problem: AllocationProblem,
        present: Sequence[Operation],
        chosen: Mapping[str, int],
        outputs: frozenset[str],
    ) -> None:
        self.present = present
        place = {o.name: k for k, o in enumerate(present)}
        reads = [tuple(dict.fromkeys(o.alternatives[chosen[o.name]].reads)) for o in present]
        readers: dict[str, int] = {}
        for k, names in enumerate(reads):
            for v in names:
                readers[v] = readers.get(v, 0) | 1 << k
        computed = problem.producer
        self.waits = [
            sum(1 << k for k in {place[computed[v].name] for v in names if v in computed})
            for names in reads
        ]
        self.written = [sum(problem.variable[v].width for v in o.writes) for o in present]
        self.ends = [
            [
                (readers.get(v, 0), problem.variable[v].width)
                for v in dict.fromkeys((*names, *o.writes))
                if v not in outputs and problem.variable[v].erase_neurons is not None
            ]
            for o, names in zip(present, reads, strict=True)
        ]
        inputs = [v for v in problem.variables if v.is_input]
        self.first = sum(v.width for v in inputs if v.name in readers or v.name in outputs)

    def run(self) -> tuple[list[Operation], int]:
        """The order of the present operations whose width is least among those kept, and that."""
        beam = [_Order(self.first, self.first, 0, -1, None)]
        size = max(1, min(BEAM, MOST_STEPS // max(1, len(self.present) ** 2)))
        for _ in self.present:
            best: dict[int, _Order] = {}
            for order in beam:
                for longer in self._extensions(order):
                    known = best.get(longer.done)
                    if known is None or longer.width < known.width:
                        best[longer.done] = longer
            beam = sorted(best.values(), key=lambda order: (order.width, order.occupied))[:size]
        result: list[Operation] = []
        step: _Order | None = beam[0]
        while step is not None and step.last >= 0:
            result.append(self.present[step.last])
            step = step.before
        return result[::-1], beam[0].width

    def _extensions(self, order: _Order) -> Iterator[_Order]:
        for k, o in enumerate(self.present):
            if order.done >> k & 1 or self.waits[k] & ~order.done:
                continue
            done = order.done | 1 << k
            gone = sum(width for readers, width in self.ends[k] if not readers & ~done)
            after = order.occupied + self.written[k] - gone
            peak = order.occupied + self.written[k] if o.kind is Kind.ATTENTION else after
            yield _Order(max(order.width, peak, after), after, done, k, order)
