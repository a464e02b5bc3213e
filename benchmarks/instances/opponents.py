"""``python -m benchmarks.instances.opponents``: this solver against others, problem by problem."""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track

from benchmarks.document.chapter import table
from benchmarks.instances.files import problems
from shoal_solvers import OBJECTIVES, AllocationProblem, problem_to_json

EXAMPLES = """\
examples:
  python -m benchmarks.instances.opponents --only plain --most 40
  git worktree add /tmp/before c8d58d3
  python -m benchmarks.instances.opponents --before /tmp/before/solvers

Each solver runs in a process of its own on each problem, one after the other, with the same limit.
The seconds are those of the processor, from the start of the call to its end, without imports; of
what takes less than one, the least of three calls. A
ratio is an opponent's seconds divided by ours, on problems that both have proven in all
objectives; "proven" counts objectives. "worse" says in which objective, as the first, an opponent's
result is worse than ours, with by how much; "better" likewise.
"""

CHILD = """
import json, sys, time
import shoal_solvers
for module in ("ortools.sat.python.cp_model", "ortools.math_opt.python.mathopt"):
    __import__(module)
problem = shoal_solvers.problem_from_json(sys.stdin.read())
taken = []
try:
    while len(taken) < 3 and sum(taken) < 1:
        start = time.process_time()
        result = shoal_solvers.solve(problem, solver=sys.argv[1], time_limit=float(sys.argv[2]))
        taken.append(time.process_time() - start)
except shoal_solvers.AllocationError as error:
    print(json.dumps({"error": str(error).splitlines()[0]}))
else:
    print(json.dumps({
        "seconds": min(taken),
        "values": [o.value for o in result.objectives],
        "proven": [o.value == o.bound for o in result.objectives],
    }))
"""


@dataclass(frozen=True)
class Run:
    """A solver on a problem.

    Attributes:
        seconds: of the processor; of several quick calls the least.
        values: of the objectives.
        proven: which of them are proven optimal.
    """

    seconds: float
    values: tuple[int, ...]
    proven: tuple[bool, ...]


@dataclass(frozen=True)
class Contestant:
    """A solver in a folder of sources.

    Attributes:
        name: for tables.
        solver: what ``solve`` calls it.
        sources: the folder that ``shoal_solvers`` is imported from; None for this one.
    """

    name: str
    solver: str
    sources: Path | None = None

    def run(self, problem: AllocationProblem, limit: float) -> Run | None:
        """It on a problem; None if it found no allocation.

        Raises:
            RuntimeError: its process failed.
        """
        text = json.loads(problem_to_json(problem))
        for field in ("format", "version"):  # which earlier versions did not know
            text.pop(field, None)
        path = [str(self.sources)] if self.sources is not None else sys.path
        done = subprocess.run(
            [sys.executable, "-c", CHILD, self.solver, str(limit)],
            input=json.dumps(text),
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": ":".join(path), "PATH": "/usr/bin:/bin"},
        )
        if done.returncode:
            raise RuntimeError(f"{self.name} on {problem.name}: {done.stderr[-500:]}")
        found = json.loads(done.stdout)
        if "error" in found:
            return None
        return Run(found["seconds"], tuple(found["values"]), tuple(found["proven"]))


def first_difference(ours: Run, theirs: Run) -> str:
    """In which objective, as the first, an opponent differs, and by how much."""
    for name, own, other in zip(OBJECTIVES, ours.values, theirs.values, strict=True):
        if own != other:
            return f"{'worse' if other > own else 'better'}: {name} {other:,} for {own:,}"
    return ""


def rows(
    runs: Mapping[str, Mapping[str, Run | None]], opponents: Sequence[Contestant]
) -> Iterator[tuple[str, ...]]:
    """A line for each problem: our seconds and what is proven, then each opponent's."""
    for name, by in runs.items():
        ours = by["ours"]
        if ours is None:
            continue
        cells = [name, f"{ours.seconds:,.3f}", str(sum(ours.proven))]
        for opponent in opponents:
            theirs = by[opponent.name]
            if theirs is None:
                cells += ["-", "-", "none found"]
                continue
            both = all(ours.proven) and all(theirs.proven)
            ratio = f"{theirs.seconds / ours.seconds:.1f}" if both else "-"
            cells += [ratio, str(sum(theirs.proven)), first_difference(ours, theirs)]
        yield tuple(cells)


def mean_ratio(
    runs: Mapping[str, Mapping[str, Run | None]], opponent: Contestant
) -> tuple[float, int]:
    """The geometric mean of an opponent's seconds divided by ours, and over how many problems."""
    ratios = []
    for by in runs.values():
        ours, theirs = by["ours"], by[opponent.name]
        if ours and theirs and all(ours.proven) and all(theirs.proven):
            ratios.append(math.log(theirs.seconds / ours.seconds))
    return (math.exp(statistics.mean(ratios)) if ratios else math.nan), len(ratios)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everybody and print a line for each problem."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instances.opponents",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--before", type=Path, help="folder solvers/ of an earlier version")
    parser.add_argument("--only", default="", metavar="TEXT", help="problems with this in the name")
    parser.add_argument("--most", type=int, default=300, metavar="N", help="operations (300)")
    parser.add_argument("--limit", type=float, default=10.0, metavar="S", help="seconds (10)")
    options = parser.parse_args(arguments)
    opponents = [Contestant("HiGHS", "milp")]
    if options.before is not None:
        opponents.append(Contestant("before", "cp-sat", options.before.resolve()))
    chosen = [
        (name, problem)
        for name, problem in problems()
        if options.only in name and len(problem.operations) <= options.most
    ]
    everybody = [Contestant("ours", "cp-sat"), *opponents]
    runs = {
        name: {one.name: one.run(problem, options.limit) for one in everybody}
        for name, problem in track(chosen, "solving", console=Console(stderr=True))
    }
    head = ["problem", "CPU s", "proven"]
    for opponent in opponents:
        head += [f"{opponent.name}: ratio", "proven", "result"]
    print(table(head, list(rows(runs, opponents))))
    for opponent in opponents:
        ratio, count = mean_ratio(runs, opponent)
        print(f"\n{opponent.name}: {ratio:.1f} times our seconds, over {count} problems")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
