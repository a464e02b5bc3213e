"""How far the exact allocator goes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from benchmarks.document.chapter import Chapter, Scale, table
from benchmarks.random_instances import InstanceShape, random_instance
from shoal_solvers import SOLVERS, Status, solve

SETTLED = 2
"""Objectives that count as the answer: depth and width."""


@dataclass(frozen=True)
class Run:
    """The allocators on one random problem.

    Attributes:
        operations: of the problem.
        heuristic: layers and width of the best heuristic.
        exact: of the exact one.
        are_proven: whether both are proven optimal.
        seconds: wall-clock time of the exact one.
    """

    operations: int
    heuristic: tuple[int, int]
    exact: tuple[int, int]
    are_proven: bool
    seconds: float


def solver_scale(scale: Scale, progress: Callable[[str], None]) -> Chapter:
    """Random allocation problems of growing size."""
    runs = [
        one_run(operations, seed, scale.limit)
        for operations in scale.operations
        for seed in range(1, scale.seeds + 1)
        if progress(f"{operations} operations, seed {seed}") is None
    ]
    return Chapter(
        title="How far the allocator goes",
        command="python -m benchmarks.document solver-scale",
        text=(
            "Random allocation problems, a fifth of the operations with a second alternative "
            f"(`benchmarks.random_instances`), each solved with {scale.limit:g} seconds of the "
            "deterministic clock on one thread. Means over the seeds; *proven* counts those of "
            "which depth and width are both proven optimal."
        ),
        tables=(scale_table(runs),),
        pictures={"solver-scale": scale_picture(runs)},
    )


def one_run(operations: int, seed: int, limit: float) -> Run:
    """The allocators on one problem."""
    problem = random_instance(InstanceShape(operations), seed)
    quick = [solve(problem, solver=name) for name in SOLVERS[:-1]]
    best = min((r.costs.layers, r.costs.width) for r in quick)
    started = time.perf_counter()
    result = solve(problem, solver=SOLVERS[-1], time_limit=limit)
    return Run(
        operations,
        best,
        (result.costs.layers, result.costs.width),
        all(o.status is Status.OPTIMAL for o in result.objectives[:SETTLED]),
        time.perf_counter() - started,
    )


def scale_table(runs: Sequence[Run]) -> str:
    """Means for each size."""
    rows = []
    for operations in dict.fromkeys(run.operations for run in runs):
        group = [run for run in runs if run.operations == operations]
        mean = lambda pick: statistics.mean(map(pick, group))  # noqa: B023, E731
        rows.append(
            (
                operations,
                f"{mean(lambda r: r.heuristic[0]):.1f}",
                f"{mean(lambda r: r.exact[0]):.1f}",
                f"{mean(lambda r: r.heuristic[1]):.0f}",
                f"{mean(lambda r: r.exact[1]):.0f}",
                f"{sum(r.are_proven for r in group)} of {len(group)}",
                f"{mean(lambda r: r.seconds):.2f} s",
            )
        )
    head = (
        "operations",
        "layers, best heuristic",
        "layers, exact",
        "width, best heuristic",
        "width, exact",
        "proven",
        "time",
    )
    return table(head, rows)


def scale_picture(runs: Sequence[Run]) -> Figure:
    """Time against size; hollow where something is left open."""
    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.subplots()
    for are_proven, face in ((True, "#0072b2"), (False, "none")):
        chosen = [run for run in runs if run.are_proven is are_proven]
        axes.scatter(
            [run.operations for run in chosen],
            [run.seconds for run in chosen],
            facecolors=face,
            edgecolors="#0072b2",
            label="proven" if are_proven else "open",
        )
    axes.set(xscale="log", yscale="log", xlabel="operations", ylabel="seconds")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
