"""``python -m benchmarks.allocation``: quality and speed of the allocators on random problems."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.allocation_milp import milp_costs
from benchmarks.random_instances import InstanceShape, random_instance
from shoal_solvers import OBJECTIVES, AllocationError, AllocationProblem, Status, solve

EXAMPLES = """\
examples:
  python -m benchmarks.allocation
      sizes 10 to 300, three seeds each, on two threads
  python -m benchmarks.allocation --sizes 10 20 --seeds 20 --milp
      compare all optimal values with those of HiGHS
  python -m benchmarks.allocation --sizes 300 --levels 30 --json figures.json
      flatter programs, and a file with a line for every run

In the table, depth and width are means; "proven" counts the instances whose depth and width
are both proven optimal, "gap" is the largest distance of a width from its bound. The
seconds are those until depth and width are settled, "all" the longest for all objectives.
"""


@dataclass(frozen=True)
class Run:
    """One solver on one instance; ``width_gap`` is None where nothing is claimed."""

    operations: int
    seed: int
    solver: str
    costs: tuple[int, ...]
    proven: tuple[bool, ...]
    width_gap: int | None
    depth_and_width_seconds: float
    seconds: float
    difference: str = ""


def run_solver(
    problem: AllocationProblem, seed: int, solver: str, options: argparse.Namespace
) -> Run:
    """One of our solvers on an instance."""
    result = solve(
        problem,
        solver=solver,
        time_limit=options.time_limit,
        wall_clock_limit=options.wall_clock_limit,
        workers=options.workers,
    )
    return Run(
        operations=len(problem.operations),
        seed=seed,
        solver=solver,
        costs=result.costs.as_tuple(),
        proven=tuple(o.status is Status.OPTIMAL for o in result.objectives),
        width_gap=result.objectives[1].gap if solver == "cp-sat" else None,
        depth_and_width_seconds=sum(o.seconds for o in result.objectives[:2]),
        seconds=result.seconds,
    )


def run_milp(problem: AllocationProblem, seed: int, exact: Run, limit: float) -> Run:
    """HiGHS on an instance, and where it differs from what CP-SAT proved."""
    start = time.perf_counter()
    difference = ""
    try:
        costs = milp_costs(problem, time_limit=limit)
    except TimeoutError:
        costs = ()
    else:
        if all(exact.proven) and costs != exact.costs:
            difference = f"{problem.name}: cp-sat {exact.costs}, milp {costs}"
    seconds = time.perf_counter() - start
    proven = (bool(costs),) * len(OBJECTIVES)
    return Run(
        len(problem.operations), seed, "milp", costs, proven, None, seconds, seconds, difference
    )


def run_all(options: argparse.Namespace, console: Console) -> list[Run]:
    """Every solver on every instance, with a progress bar."""
    runs: list[Run] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task("", total=len(options.sizes) * options.seeds)
        for size in options.sizes:
            shape = InstanceShape(size, levels=options.levels)
            for seed in range(options.seeds):
                progress.update(task, description=f"{size} operations, seed {seed}")
                problem = random_instance(shape, seed)
                for solver in ("longest-path", "critical-path", "cp-sat"):
                    runs.append(run_solver(problem, seed, solver, options))
                if options.milp and size <= options.milp_up_to:
                    runs.append(run_milp(problem, seed, runs[-1], options.milp_limit))
                progress.advance(task)
    return runs


def print_runs(runs: Sequence[Run], console: Console) -> None:
    """A line for each size and solver."""
    table = Table(
        caption="median, max: seconds until depth and width are settled; all: all objectives"
    )
    for column in (
        "ops",
        "solver",
        "depth",
        "width",
        "proven",
        "gap",
        "median s",
        "max s",
        "all s",
    ):
        table.add_column(column, justify="left" if column == "solver" else "right")
    keys = dict.fromkeys((run.operations, run.solver) for run in runs)
    for operations, solver in keys:
        group = [r for r in runs if (r.operations, r.solver) == (operations, solver)]
        solved = [r.costs for r in group if r.costs]
        seconds = [r.depth_and_width_seconds for r in group]
        gaps = [r.width_gap for r in group if r.width_gap is not None]
        table.add_row(
            str(operations),
            solver,
            f"{statistics.mean(c[0] for c in solved):.1f}" if solved else "-",
            f"{statistics.mean(c[1] for c in solved):.1f}" if solved else "-",
            f"{sum(all(r.proven[:2]) for r in group)}/{len(group)}",
            str(max(gaps)) if gaps else "-",
            f"{statistics.median(seconds):.2f}",
            f"{max(seconds):.2f}",
            f"{max(r.seconds for r in group):.2f}",
        )
    console.print(table)
    for run in runs:
        if run.difference:
            console.print(f"[bold red]DIFFERENT OPTIMA[/] {run.difference}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 if everything agreed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.allocation",
        description="How good and how fast the allocators are on random problems.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[10, 20, 40, 80, 150, 300], metavar="N"
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="instances a size (3)")
    parser.add_argument(
        "--levels", type=int, metavar="N", help="levels of a program (a fifth of its size)"
    )
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="threads (2)")
    parser.add_argument("--time-limit", type=float, metavar="S", help="deterministic seconds (30)")
    parser.add_argument(
        "--wall-clock-limit", type=float, metavar="S", help="seconds a solve besides (none)"
    )
    parser.add_argument("--milp", action="store_true", help="compare with HiGHS on small sizes")
    parser.add_argument("--milp-up-to", type=int, default=40, metavar="N", help="sizes (40)")
    parser.add_argument("--milp-limit", type=float, default=60, metavar="S", help="a stage (60)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="store every run")
    options = parser.parse_args(arguments)
    console = Console()
    try:
        runs = run_all(options, console)
    except AllocationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print_runs(runs, console)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(run) for run in runs], indent=1) + "\n")
    return int(any(run.difference for run in runs))


if __name__ == "__main__":
    sys.exit(main())
