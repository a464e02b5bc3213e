"""``python -m benchmarks.instances.run``: a solver of ours on the public problems."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.progress import track

from benchmarks.instances.files import problems
from shoal_solvers import KNOWN_SOLVERS, AllocationError, result_to_json, solve


def main() -> int:
    """Write a result for each problem; those that are there are kept, so it can be interrupted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instances.run", description=__doc__)
    parser.add_argument("solver", choices=KNOWN_SOLVERS)
    parser.add_argument("--folder", type=Path, required=True, help="where results go")
    parser.add_argument("--time-limit", type=float, default=10.0, metavar="S", help="each (10)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="threads (2)")
    parser.add_argument("--only", default="", metavar="TEXT", help="problems with this in the name")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    chosen = [item for item in problems() if options.only in item[0]]
    for name, problem in track(chosen, options.solver):
        path = options.folder / f"{name}.json"
        if path.exists():
            continue
        try:
            result = solve(
                problem, options.solver, time_limit=options.time_limit, workers=options.workers
            )
        except AllocationError as error:  # a heuristic that breaks a budget
            print(f"{name}: {str(error).splitlines()[0]}", file=sys.stderr)
            continue
        partial = path.with_suffix(".partial")
        partial.write_text(result_to_json(result) + "\n", encoding="utf-8")
        partial.replace(path)
        if result.interrupted:
            return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
