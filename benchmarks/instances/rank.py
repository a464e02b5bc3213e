"""``python -m benchmarks.instances.rank``: solvers by what they found on the public problems."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.instances.files import Known, better_known, problems, read_known, write_known
from shoal_solvers import OBJECTIVES, AllocationError, AllocationProblem, Result, check
from shoal_solvers.serialize import solution_from_json

EXAMPLES = """\
examples:
  python -m benchmarks.instances.run critical-path --folder /tmp/quick
  python -m benchmarks.instances.run cp-sat --folder /tmp/exact --time-limit 10
  python -m benchmarks.instances.rank /tmp/quick /tmp/exact

In the table, "best" counts the problems on which a solver is as good as the best known or better,
lexicographically in layers, width, neurons, heads, total; "better" those on which it is better;
"layers" and "width" those on which these two are as good; "excess" is the mean of its width above
the best known where the layers are the same. "invalid" are files that break a rule.
"""


@dataclass(frozen=True)
class Score:
    """A solver on all problems.

    Attributes:
        name: of its folder.
        found: costs by problem.
        invalid: names of problems whose file cannot be used.
    """

    name: str
    found: Mapping[str, tuple[int, ...]]
    invalid: tuple[str, ...]


def read_folder(
    folder: Path, every: Mapping[str, AllocationProblem], known: dict[str, Known]
) -> Score:
    """The checked costs of a folder; what results prove is added to ``known``."""
    found: dict[str, tuple[int, ...]] = {}
    invalid = []
    for name, problem in every.items():
        path = folder / f"{name}.json"
        if not path.exists():
            continue
        try:
            solution, _ = solution_from_json(path.read_text(encoding="utf-8"))
            allocation = solution.allocation if isinstance(solution, Result) else solution
            costs = check(problem, allocation)
        except (AllocationError, OSError, UnicodeDecodeError):
            invalid.append(name)
            continue
        found[name] = costs.as_tuple()
        if isinstance(solution, Result) and [o.name for o in solution.objectives] == list(
            OBJECTIVES
        ):
            known[name] = better_known(known.get(name), solution)
    return Score(folder.name, found, tuple(invalid))


def ranking(scores: Sequence[Score], known: Mapping[str, Known]) -> Table:
    """A line for each solver, the best first."""
    rows = []
    for score in scores:
        both = [(c, known[name].values) for name, c in score.found.items() if name in known]
        excesses = [c[1] / k[1] - 1 for c, k in both if c[0] == k[0] and k[1]]
        rows.append(
            (
                sum(c <= k for c, k in both),
                score.name,
                sum(c < k for c, k in both),
                sum(c[0] <= k[0] for c, k in both),
                sum(c[:2] <= k[:2] for c, k in both),
                statistics.mean(excesses) if excesses else 0.0,
                len(score.found),
                len(score.invalid),
            )
        )
    table = Table()
    for column in ("solver", "problems", "best", "better", "layers", "width", "excess", "invalid"):
        table.add_column(column, justify="left" if column == "solver" else "right")
    for best, name, better, layers, width, excess, count, invalid in sorted(rows, reverse=True):
        cells = (count, best, better, layers, width, f"{excess:.1%}", invalid)
        table.add_row(name, *map(str, cells))
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Rank folders; 1 if a file of theirs cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instances.rank",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", type=Path, nargs="+", help="a folder for each solver")
    parser.add_argument(
        "--update", action="store_true", help="store better values and bounds in best_known.json"
    )
    options = parser.parse_args(arguments)
    every = dict(problems())
    before = read_known()
    known = dict(before)
    scores = [read_folder(folder, every, known) for folder in options.folders]
    console = Console(highlight=False)
    proven = sum(k.is_proven for k in known.values())
    console.print(f"{len(every)} problems, {proven} of them proven in all objectives")
    console.print(ranking(scores, before or known))
    for score in scores:
        for name in score.invalid:
            console.print(f"{score.name}: {name} cannot be used")
    if options.update:
        write_known(known)
    return int(any(score.invalid for score in scores))


if __name__ == "__main__":
    raise SystemExit(main())
