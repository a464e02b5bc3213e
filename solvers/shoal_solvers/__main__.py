"""``python -m shoal_solvers instance.json``: solve a stored problem and print the schedule."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from shoal_solvers.errors import AllocationError, InvalidProblemError
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.result import Result
from shoal_solvers.serialize import problem_from_json, result_to_json
from shoal_solvers.solve import SOLVERS, TIME_LIMIT, solve
from shoal_solvers.timeline import ALTERNATING

EXAMPLES = """\
examples:
  python -m shoal_solvers instance.json
      prove the best allocation and print it, half-layer by half-layer
  python -m shoal_solvers instance.json --time-limit 5 --workers 2
      stop after 5 deterministic seconds, about a second each, with the best found; the table
      shows what is proven
  python -m shoal_solvers instance.json --solver longest-path
      what the heuristic does with it
  python -m shoal_solvers instance.json --json result.json
      store the allocation and the proofs as well

an instance, with every field:
  {"name": "copy",
   "variables": [{"name": "x", "width": 4, "is_input": true, "erase_neurons": 4},
                 {"name": "y", "width": 4, "is_output": true}],
   "operations": [{"name": "move", "kind": "attention", "writes": ["y"],
                   "alternatives": [{"reads": ["x"], "size": 1}],
                   "block": "copying", "sharing": "previous"}],
   "budgets": {"max_layers": 3, "max_width": 8, "max_neurons": 100, "max_heads": 2}}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status: 0 solved, 1 an error that is explained, 130 Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):  # names may be what a terminal cannot show
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        problem = read_problem(options.instance)
        result = solve(
            problem,
            solver=options.solver,
            time_limit=options.time_limit,
            wall_clock_limit=options.wall_clock_limit,
            workers=options.workers,
        )
        if options.json is not None:
            _write(options.json, result_to_json(result) + "\n")
    except AllocationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted before an allocation was found", file=sys.stderr)
        return 130
    try:
        print_result(problem, result, Console(highlight=False, markup=False))
        sys.stdout.flush()
    except BrokenPipeError:
        return _stop_writing(141)
    except OSError as error:
        print(f"error: cannot write the result: {error.strerror}", file=sys.stderr)
        return _stop_writing(1)
    return 130 if result.interrupted else 0


def _stop_writing(status: int) -> int:
    """Drop what is still to be written, which would fail again when Python ends."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return status


def read_problem(path: Path) -> AllocationProblem:
    """The problem that is stored in a JSON file.

    Raises:
        InvalidProblemError: the file cannot be read, or does not hold a valid problem.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise InvalidProblemError(f"cannot read {path}: {reason}") from None
    try:
        return problem_from_json(text)
    except InvalidProblemError as error:
        raise InvalidProblemError(f"{path}: {error}") from None


def print_result(problem: AllocationProblem, result: Result, console: Console) -> None:
    """The schedule, half-layer by half-layer, and what is proven about it."""
    allocation = result.allocation
    erased = defaultdict(list)
    for name, half_layer in allocation.erasures.items():
        erased[half_layer].append(name)
    placed = defaultdict(list)
    for name, placement in allocation.placements.items():
        several = len(problem.operation[name].alternatives) > 1
        placed[placement.half_layer].append(
            f"{name} (alternative {placement.alternative})" if several else name
        )
    schedule = Table(title=problem.name, title_justify="left")
    for column in ("layer", "half", "runs", "erases"):
        schedule.add_column(column, overflow="fold")
    for half_layer in ALTERNATING.half_layers(allocation.num_layers):
        kind = ALTERNATING.kind(half_layer)
        schedule.add_row(
            str(ALTERNATING.layer(half_layer)) if kind is ALTERNATING.slots[0] else "",
            str(kind),
            ", ".join(placed[half_layer]),
            ", ".join(erased[half_layer]),
        )
    console.print(schedule)
    proofs = Table()
    for column in ("objective", "value", "proven bound", "status", "seconds"):
        proofs.add_column(column, justify="left" if column in ("objective", "status") else "right")
    for o in result.objectives:
        proofs.add_row(o.name, str(o.value), str(o.bound), str(o.status), f"{o.seconds:.3f}")
    console.print(proofs)
    ending = "; interrupted, this is the best found so far" if result.interrupted else ""
    console.print(f"{result.solver}: {result.seconds:.2f} s{ending}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidProblemError(f"cannot write {path}: {error.strerror}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m shoal_solvers",
        description="Solve a stored allocation problem and print the schedule.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("instance", type=Path, help="JSON file with the problem")
    parser.add_argument("--solver", default="cp-sat", help=f"{', '.join(SOLVERS)} (cp-sat)")
    parser.add_argument(
        "--time-limit",
        type=float,
        metavar="S",
        help="deterministic seconds for cp-sat: they count work, so that results do not depend on "
        f"the machine ({TIME_LIMIT:g})",
    )
    parser.add_argument(
        "--wall-clock-limit", type=float, metavar="S", help="wall-clock seconds besides (no limit)"
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="threads (1)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="store the result in a file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
