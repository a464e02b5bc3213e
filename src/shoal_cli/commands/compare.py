"""``shoal compare``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

from shoal.errors import ShoalError, UnknownProgramError
from shoal.options import PASS_WORDS
from shoal.rasp.stock import STOCK
from shoal_analysis.comparison import (
    Candidate,
    Measurement,
    ablation,
    measure_each,
    to_csv,
    to_json,
    totals,
)
from shoal_cli.arguments import add_limits, add_target, common_options
from shoal_cli.outputs import require_output, write_output
from shoal_cli.programs import find_program, functions_of_users, names_in, short_name
from shoal_cli.progress import progress_bar
from shoal_cli.tables import Column, print_table
from shoal_cli.wording import CommandLineError, in_options
from shoal_solvers import SOLVERS

SUMMARY = "compare allocators on programs"

EXAMPLES = """\
examples:
  shoal compare                             all benchmark programs, all allocators
  shoal compare sort reverse --max-width 40 --allocators critical-path cp-sat
  shoal compare --ablation --totals         what each pass contributes
  shoal compare --json comparison.json      also --csv; "-" is standard output

columns: residual width, neurons of the widest MLP, heads of the fullest attention,
parameters, the same with the unembedding (+U), time of the allocator in ms, and which
of the objectives (layers, width, MLP, heads, total size) it has proven optimal.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument(
        "programs",
        nargs="*",
        metavar="PROGRAM",
        help="(default: the 15); a file.py stands for all its programs",
    )
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
        help='sets of passes: "all", "none", "smallest", or names with commas between '
        "(default: none all)",
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
    told = _Told()
    measured: list[Measurement] = []
    interrupted = False
    try:
        _measure(_candidates(arguments, told), arguments, measured, told)
    except KeyboardInterrupt:  # what is measured is measured
        interrupted = True
    for path, text in ((arguments.json, to_json(measured)), (arguments.csv, to_csv(measured))):
        if path is not None and (measured or not interrupted):
            write_output(path, text)
    if "-" not in (arguments.json, arguments.csv):
        print_comparison(console, totals(measured) if arguments.totals else measured)
    if interrupted:
        raise KeyboardInterrupt
    return 2 if told.messages else 0


class _Told:
    """Says on standard error what went wrong with one of several programs, each thing once."""

    def __init__(self) -> None:
        self.messages: dict[str, None] = {}

    def __call__(self, program: str, error: ShoalError) -> None:
        text = str(error) if isinstance(error, CommandLineError) else in_options(str(error))
        message = f"shoal: {program}: {text}"
        if message not in self.messages:
            console = Console(stderr=True, highlight=False)
            console.print(message, style="red", markup=False, soft_wrap=True)
        self.messages[message] = None


def _candidates(arguments: argparse.Namespace, told: _Told) -> list[Candidate]:
    """The programs that can be found; a file stands for all that it has."""
    names: list[str] = []
    for name in arguments.programs or [n for n, stock in STOCK.items() if stock.benchmark]:
        try:
            names += names_in(name) if name.endswith(".py") else [name]
        except ShoalError as error:
            told(name, error)
    candidates = []
    for name in names:
        try:
            found = find_program(name, arguments.vocab, arguments.max_seq_len)
        except ShoalError as error:
            told(name, error)
        else:
            candidates.append(Candidate(name, found.program, found.vocab, found.max_seq_len))
    return candidates


def _measure(
    candidates: list[Candidate],
    arguments: argparse.Namespace,
    measured: list[Measurement],
    told: _Told,
) -> None:
    """Add what is measured to a list, so that it is there if this is interrupted."""
    passes = ablation() if arguments.ablation else {p: _passes(p) for p in arguments.passes}
    allocators = arguments.allocators or (SOLVERS[-1:] if arguments.ablation else SOLVERS)
    options = common_options(arguments)
    each = len(passes) * len(allocators)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with progress_bar(*columns) as bar:
        task = bar.add_task("compiling", total=each * len(candidates))
        for number, candidate in enumerate(candidates):
            bar.update(task, description=short_name(candidate.name), completed=each * number)
            try:
                with functions_of_users(candidate.name):
                    for found in measure_each([candidate], passes, allocators, **options):
                        bar.advance(task)
                        if isinstance(found, Measurement):
                            measured.append(found)
                        else:
                            told(found.program, found.error)
            except UnknownProgramError as error:
                told(candidate.name, error)


def _passes(text: str) -> str | tuple[str, ...]:
    return text if text in PASS_WORDS else tuple(text.split(","))


def print_comparison(console: Console, measured: Sequence[Measurement]) -> None:
    """One row for each measurement, a section for each program, and totals at the end."""
    if not measured:
        return
    columns = [Column("program")]
    several_passes = len({m.passes for m in measured}) > 1
    several_allocators = len({m.allocator for m in measured}) > 1
    if several_passes:
        columns.append(Column("passes"))
    if several_allocators:
        columns.append(Column("allocator"))
    columns += [Column(name, rank, "right") for name, rank in _FIGURES.items()]
    columns.append(Column("proven", rank=5, wraps=True))
    rows = [*measured, *([] if measured[0].program == "total" else totals(measured))]
    sections = []
    for _, group in groupby(rows, key=lambda m: m.program):
        section = []
        for number, m in enumerate(group):
            section.append(
                [
                    "" if number else m.program,
                    *([m.passes] if several_passes else []),
                    *([m.allocator] if several_allocators else []),
                    str(m.layers),
                    str(m.width),
                    str(m.neurons),
                    str(m.heads),
                    f"{m.parameters:,}",
                    f"{m.parameters_with_unembedding:,}",
                    f"{1000 * m.solve_seconds:.0f}",
                    m.proven,
                ]
            )
        sections.append(section)
    print_table(console, columns, sections, instead="--csv -")


_FIGURES = {"layers": 0, "width": 1, "MLP": 2, "heads": 3, "params": 4, "params+U": 7, "ms": 6}
"""Columns of figures, and in what order they are left out where there is no room."""
