"""``python -m shoal_solvers solve``, and what happens where no command is given."""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from shoal_solvers.commands.files import read_problem, write
from shoal_solvers.options import KNOWN_SOLVERS
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.result import Result
from shoal_solvers.serialize import result_to_json
from shoal_solvers.solve import TIME_LIMIT, solve
from shoal_solvers.timeline import ALTERNATING
from shoal_solvers.words import printable

SUMMARY = "prove the best allocation of a stored problem and print the schedule"

DESCRIPTION = "Solve a stored allocation problem and print the schedule."

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
  python make_instance.py | python -m shoal_solvers -
      read standard input

an instance, with every field:
  {"format": "shoal allocation problem", "version": 1,
   "name": "copy",
   "variables": [{"name": "x", "width": 4, "is_input": true, "erase_neurons": 4},
                 {"name": "y", "width": 4, "is_output": true}],
   "operations": [{"name": "move", "kind": "attention", "writes": ["y"],
                   "alternatives": [{"reads": ["x"], "size": 1}],
                   "block": "copying", "sharing": "previous"}],
   "choices": [{"name": "either", "options": [["x"], ["y"]]}],
   "budgets": {"max_layers": 3, "max_width": 8, "max_neurons": 100, "max_heads": 2}}

exit status: 0 solved, 1 an error that is explained, 2 wrong usage, 130 Ctrl-C
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("instance", type=Path, help="JSON file with the problem, - for stdin")
    parser.add_argument("--solver", default="cp-sat", help=f"{', '.join(KNOWN_SOLVERS)} (cp-sat)")
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


def run(options: argparse.Namespace, console: Console) -> int:
    """Solve, store if that is wanted, and print."""
    problem = read_problem(options.instance)
    result = solve(
        problem,
        solver=options.solver,
        time_limit=options.time_limit,
        wall_clock_limit=options.wall_clock_limit,
        workers=options.workers,
    )
    if options.json is not None:
        write(options.json, result_to_json(result, problem) + "\n")
    print_result(problem, result, console)
    return 130 if result.interrupted else 0


def print_result(problem: AllocationProblem, result: Result, console: Console) -> None:
    """The schedule, half-layer by half-layer, and what is proven about it."""
    allocation = result.allocation
    erased = defaultdict(list)
    for name, half_layer in allocation.erasures.items():
        erased[half_layer].append(printable(name))
    placed = defaultdict(list)
    for name, placement in allocation.placements.items():
        several = len(problem.operation[name].alternatives) > 1
        which = f" (alternative {placement.alternative})" if several else ""
        placed[placement.half_layer].append(f"{printable(name)}{which}")
    schedule = Table(title=printable(problem.name), title_justify="left")
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
