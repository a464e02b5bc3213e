"""``shoal compare``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from shoal.rasp.stock import STOCK
from shoal_analysis.comparison import (
    Candidate,
    Comparison,
    Measurement,
    ablation,
    compare,
    to_csv,
    to_json,
    totals,
)
from shoal_cli.arguments import add_limits, add_target, budget_of, limits_of
from shoal_cli.endings import functions_of_users
from shoal_cli.outputs import require_output, write_output
from shoal_cli.programs import find_program
from shoal_solvers import SOLVERS

SUMMARY = "compare allocators on programs"

EXAMPLES = """\
examples:
  shoal compare                             all benchmark programs, all allocators
  shoal compare sort reverse --max-width 40 --allocators critical-path cp-sat
  shoal compare --ablation --totals         what each pass contributes
  shoal compare --json comparison.json      also --csv; "-" is standard output

columns: residual width, neurons of the widest MLP, heads of the fullest attention,
parameters, time of the allocator in ms, and which of the objectives (layers, width,
MLP, heads, total size) it has proven optimal.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="(default: the 15)")
    add_target(parser)
    parser.add_argument(
        "--allocators",
        nargs="+",
        metavar="NAME",
        help=f"(default: {', '.join(SOLVERS)}; with --ablation {SOLVERS[-1]} alone)",
    )
    parser.add_argument(
        "--passes",
        nargs="+",
        default=["none", "all"],
        metavar="PASSES",
        help='sets of passes: "all", "none", or names with commas between (default: none all)',
    )
    parser.add_argument(
        "--ablation",
        action="store_true",
        help="no passes, all but each one (-views), all, and all with each further one (+binary)",
    )
    parser.add_argument("--totals", action="store_true", help="show the sums alone")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--csv", metavar="FILE", help="write the figures as CSV")
    add_limits(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Compile programs under several allocators and print what each costs."""
    for option, path in (("--json", arguments.json), ("--csv", arguments.csv)):
        require_output(option, path)
    names = arguments.programs or [name for name, stock in STOCK.items() if stock.benchmark]
    candidates = []
    for name in names:
        found = find_program(name, arguments.vocab, arguments.max_seq_len)
        candidates.append(Candidate(name, found.program, found.vocab, found.max_seq_len))
    measured = _measured(candidates, arguments)
    for path, text in ((arguments.json, to_json(measured)), (arguments.csv, to_csv(measured))):
        if path is not None:
            write_output(path, text)
    if "-" not in (arguments.json, arguments.csv):
        console.print(comparison_table(totals(measured) if arguments.totals else measured))
    return 0


def _measured(candidates: list[Candidate], arguments: argparse.Namespace) -> Comparison:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    passes = ablation() if arguments.ablation else {p: _passes(p) for p in arguments.passes}
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        allocators = arguments.allocators or (SOLVERS[-1:] if arguments.ablation else SOLVERS)
        total = len(candidates) * len(passes) * len(allocators)
        task = bar.add_task("compiling", total=total)
        with functions_of_users():
            return compare(
                candidates,
                passes,
                allocators,
                progress=lambda name: bar.update(task, advance=1, description=name),
                budget=budget_of(arguments),
                limits=limits_of(arguments),
                time_limit=arguments.time_limit,
                causal=arguments.causal,
            )


def _passes(text: str) -> str | tuple[str, ...]:
    return text if text in ("all", "none") else tuple(text.split(","))


def comparison_table(measured: Sequence[Measurement]) -> Table:
    """One row for each measurement, a section for each program, and totals at the end."""
    several_passes = len({m.passes for m in measured}) > 1
    several_allocators = len({m.allocator for m in measured}) > 1
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("program", no_wrap=True)
    if several_passes:
        table.add_column("passes", min_width=5, no_wrap=True)
    if several_allocators:
        table.add_column("allocator", no_wrap=True)
    for name in ("layers", "width", "MLP", "heads", "params", "ms"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("proven")
    previous = ""
    rows = [*measured, *([] if measured[0].program == "total" else totals(measured))]
    for m in rows:
        if previous and m.program != previous:
            table.add_section()
        cells: list[Text | str] = [
            Text(m.program if m.program != previous else ""),
            *([m.passes] if several_passes else []),
            *([m.allocator] if several_allocators else []),
            str(m.layers),
            str(m.width),
            str(m.neurons),
            str(m.heads),
            f"{m.parameters:,}",
            f"{1000 * m.solve_seconds:.0f}",
            m.proven,
        ]
        table.add_row(*cells)
        previous = m.program
    return table
