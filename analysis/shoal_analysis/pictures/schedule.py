"""Which half-layer runs what, and what else it could have run: what schedules are drawn from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from shoal_analysis.pictures.solutions import require_solution
from shoal_solvers import ALTERNATING, Allocation, AllocationProblem, Kind, Operation
from shoal_solvers.allocation import half_layer_sizes
from shoal_solvers.windows import Windows, compute_windows


@dataclass(frozen=True)
class Run:
    """Operations of one half-layer that have the same row, most often one; or erased inputs.

    Attributes:
        names: of the operations, or of the inputs.
        half_layer: in which they run; None for inputs, which are there before.
        earliest: the first half-layer in which one of them could run.
        latest: the last one.
        size: their heads or neurons, each by itself.
        erasures: the half-layers that erase what they write.
        alternative: by which a single operation is computed; 0 is as written.
    """

    names: tuple[str, ...]
    half_layer: int | None
    earliest: int
    latest: int
    size: int
    erasures: tuple[int, ...] = ()
    alternative: int = 0


@dataclass(frozen=True)
class Schedule:
    """All operations of an allocation.

    Attributes:
        runs: inputs that are erased, then operations in the order in which they run.
        num_layers: of the network.
        sizes: for each half-layer the heads or neurons in use, shared heads once, erasures
            included.
    """

    runs: tuple[Run, ...]
    num_layers: int
    sizes: tuple[int, ...]

    def most(self, kind: Kind) -> int:
        """Heads, or neurons, of the half-layer that has most."""
        used = (size for h, size in enumerate(self.sizes) if ALTERNATING.kind(h) is kind)
        return max(used, default=0)

    def grouped(self, most: int) -> Schedule:
        """The same in so many rows, if it can be.

        Operations of one half-layer that could run in the same ones are joined first. If that does
        not do, all of a half-layer are; there is then a row for each half-layer, and no fewer.

        Args:
            most: rows.
        """
        if len(self.runs) <= most:
            return self
        runs = _joined(sorted(self.runs, key=_place))
        if len(runs) > most:
            runs = _joined(self.runs, by_window=False)
        return Schedule(runs, self.num_layers, self.sizes)


def schedule_of(problem: AllocationProblem, allocation: Allocation) -> Schedule:
    """The schedule of an allocation, among those that need no more layers.

    Raises:
        InvalidInputError: something else is given.
        InvalidAllocationError: the allocation is not one of the problem.
    """
    require_solution(problem, allocation)
    windows = compute_windows(problem, allocation.num_layers)
    erased_inputs = [
        Run((name,), None, 0, -1, 0, (half_layer,))
        for name, half_layer in allocation.erasures.items()
        if problem.variable[name].is_input
    ]
    runs = [
        _run(operation, allocation, windows)
        for operation in problem.topological_order
        if operation.name in allocation.placements
    ]
    sizes = half_layer_sizes(problem, allocation.placements, allocation.erasures)
    return Schedule(
        (*erased_inputs, *sorted(runs, key=lambda run: _place(run)[0])),
        allocation.num_layers,
        tuple(sizes[h] for h in ALTERNATING.half_layers(allocation.num_layers)),
    )


def _run(operation: Operation, allocation: Allocation, windows: Windows) -> Run:
    placement = allocation.placements[operation.name]
    erasures = {allocation.erasures[v] for v in operation.writes if v in allocation.erasures}
    first, last = windows.first_layer(operation), windows.latest[operation.name]
    return Run(
        (operation.name,),
        placement.half_layer,
        ALTERNATING.half_layer(first, operation.kind),
        ALTERNATING.half_layer(last, operation.kind),
        operation.alternatives[placement.alternative].size,
        tuple(sorted(erasures)),
        placement.alternative,
    )


def _place(run: Run) -> tuple[int, int, int]:
    """By what rows are ordered, and joined."""
    return (-1 if run.half_layer is None else run.half_layer, run.earliest, run.latest)


def _joined(runs: Iterable[Run], by_window: bool = True) -> tuple[Run, ...]:
    """Neighbours of one half-layer as one."""
    groups = groupby(runs, key=lambda run: _place(run) if by_window else _place(run)[:1])
    return tuple(_union(list(group)) for _, group in groups)


def _union(runs: list[Run]) -> Run:
    if len(runs) == 1:
        return runs[0]
    return Run(
        tuple(name for run in runs for name in run.names),
        runs[0].half_layer,
        min(run.earliest for run in runs),
        max(run.latest for run in runs),
        sum(run.size for run in runs),
        tuple(sorted({half_layer for run in runs for half_layer in run.erasures})),
    )
