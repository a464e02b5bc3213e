"""``python -m tests.mutants``: how many random programs it takes to catch each planted fault."""

from __future__ import annotations

import argparse
import sys
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tests.mutants.faults import FAULTS, Fault
from tests.mutants.hunt import Catch, Programs, UnsoundError, hunt

DESCRIPTION = """\
Plants one fault after the other in the compiler and examines random programs, the same for
every fault, until an oracle fails or the compiler crashes. Each program must first pass the
compiler without faults.

The exit code is 0 if all faults are caught, 1 if one escapes, and 2 if the compiler fails
without a planted fault (shrink that failure with "shoal fuzz").
"""

EXAMPLES = """\
examples:
  python -m tests.mutants                      all faults; takes a few minutes
  python -m tests.mutants --only "too warm"    one fault, with the program that caught it
  python -m tests.mutants --seed 1             other programs
"""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    chosen = [fault for fault in FAULTS if options.only in (None, fault.name)]
    console = Console()
    programs = Programs(options.seed)
    start = time.perf_counter()
    try:
        catches = _hunt_all(chosen, programs, options.programs)
    except UnsoundError as error:
        console.print(Text(f"{error}"), style="red")
        return 2
    console.print(_table(chosen, catches))
    if options.only is not None and catches[0] is not None:
        console.print(Text(f"{catches[0].message}\n{catches[0].case.source()}\n{catches[0].case}"))
    caught = sum(catch is not None for catch in catches)
    console.print(
        f"{caught} of {len(chosen)} faults caught (seed {options.seed}, at most "
        f"{options.programs:,} programs each, {time.perf_counter() - start:.0f} s)",
        highlight=False,
    )
    return 0 if caught == len(chosen) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--programs",
        type=int,
        default=2000,
        metavar="N",
        help="give up on a fault after N programs (default: 2000)",
    )
    parser.add_argument(
        "--only",
        metavar="NAME",
        choices=[fault.name for fault in FAULTS],
        help="plant this fault alone, one of: " + ", ".join(fault.name for fault in FAULTS),
    )
    parser.add_argument("--seed", type=int, default=0, help="which programs (default: 0)")
    return parser


def _hunt_all(chosen: list[Fault], programs: Programs, most: int) -> list[Catch | None]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} programs"),
        TimeElapsedColumn(),
    )
    catches: list[Catch | None] = []
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        overall = bar.add_task(f"{len(chosen)} faults", total=len(chosen))
        for fault in chosen:
            task = bar.add_task(fault.name, total=most)

            def show(examined: int, task: TaskID = task) -> None:
                bar.update(task, completed=examined)

            catches.append(hunt(fault, programs, most, progress=show))
            bar.remove_task(task)
            bar.advance(overall)
    return catches


def _table(chosen: list[Fault], catches: list[Catch | None]) -> Table:
    table = Table(box=None, padding=(0, 1))
    table.add_column("fault", style="bold")
    table.add_column("what is wrong")
    table.add_column("programs", justify="right")
    table.add_column("caught by")
    for fault, catch in zip(chosen, catches, strict=True):
        count, stage = (f"{catch.programs:,}", catch.stage) if catch else ("-", "ESCAPED")
        table.add_row(fault.name, fault.what_is_wrong, count, Text(stage))
    return table


if __name__ == "__main__":
    sys.exit(main())
