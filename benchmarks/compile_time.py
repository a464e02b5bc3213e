"""How long the benchmark programs take to compile, stage by stage, before JAX is touched."""

from __future__ import annotations

import argparse
import statistics
import sys

from rich.console import Console
from rich.progress import track
from rich.table import Table

import shoal
from shoal.rasp.stock import STOCK
from shoal_solvers import KNOWN_SOLVERS, SOLVERS

SOLVERS_ALONE = "solve"
"""The part of "allocate" that the solvers take, for both problems where there are two."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", default="all", help='"all" or "none" (default: all)')
    parser.add_argument("--allocator", default=SOLVERS[-1], choices=KNOWN_SOLVERS)
    parser.add_argument("--repeat", type=int, default=5, help="runs, of which the median is shown")
    arguments = parser.parse_args()
    title = f"compile time in ms (median of {arguments.repeat})"
    table = Table(title=title, box=None, padding=(0, 1))
    table.add_column("program", no_wrap=True)
    rows = []
    measured = {name: stock for name, stock in STOCK.items() if stock.benchmark}
    for name, stock in track(
        measured.items(), "compiling", console=Console(stderr=True), transient=True
    ):
        program = stock.make(stock.max_seq_len)
        models = [
            shoal.compile(
                program,
                vocab=stock.vocab,
                max_seq_len=stock.max_seq_len,
                passes=arguments.passes,
                allocator=arguments.allocator,
            )
            for _ in range(arguments.repeat)
        ]
        runs = [model.seconds for model in models]
        stages = {s: statistics.median(1000 * run[s] for run in runs) for s in runs[0]}
        stages["all"] = statistics.median(1000 * sum(run.values()) for run in runs)
        stages[SOLVERS_ALONE] = statistics.median(1000 * m.allocated.seconds for m in models)
        rows.append((name, stages))
    for stage in rows[0][1]:
        table.add_column(stage, justify="right")
    for name, stages in rows:
        table.add_row(name, *(f"{ms:.1f}" for ms in stages.values()))
    console = Console()
    console.print(table)
    solving = sum(stages[SOLVERS_ALONE] for _, stages in rows)
    console.print(f"in solvers, of all programs together: {solving:.1f} ms")
    console.print(f"slowest: {max(stages['all'] for _, stages in rows):.1f} ms")
    console.print(f"JAX imported: {'yes' if 'jax' in sys.modules else 'no'}")


if __name__ == "__main__":
    main()
