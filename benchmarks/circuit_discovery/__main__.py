"""``python -m benchmarks.circuit_discovery``: methods of the field on all cases, as a table.

``make discovery`` makes the environment that it needs, and runs it. What has been measured is kept
in the file of results, line by line, so that the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from benchmarks.circuit_discovery.measure import METHODS, append_row, measure, read_rows
from benchmarks.circuit_discovery.table import table
from shoal.errors import InvalidInputError
from shoal_analysis.lab.cases.case import STYLES, make_case
from shoal_analysis.lab.cases.recipes import CASES
from shoal_cli.progress import progress_bar


def main() -> None:
    """Measure what is missing, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.circuit_discovery", description=__doc__
    )
    parser.add_argument("--cases", nargs="*", default=list(CASES), help="names (default: all)")
    parser.add_argument("--seeds", type=int, default=1, help="draws of pairs (default: 1)")
    parser.add_argument("--pairs", type=int, default=32, help="pairs of inputs (default: 32)")
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    parser.add_argument(
        "--most-edges",
        type=int,
        default=100,
        help="ACDC is left out where there could be more edges (default: 100): it runs the model "
        "for each edge and threshold, and takes minutes",
    )
    parser.add_argument(
        "--results", type=Path, default=Path("circuit_discovery.jsonl"), help="where rows are kept"
    )
    arguments = parser.parse_args()
    rows = {row.key: row for row in read_rows(arguments.results)}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    wanted = list(product(range(arguments.seeds), arguments.cases, STYLES))
    notes = []
    with progress_bar(*columns, TimeElapsedColumn()) as bar:
        task = bar.add_task("", total=len(wanted))
        for seed, name, style in wanted:
            bar.update(task, description=f"{name}, {style}")
            missing = [m for m in arguments.methods if (name, style, seed, m) not in rows]
            case = make_case(name, style, seed, arguments.pairs) if missing else None
            for method in missing if case is not None else ():
                if method == "ACDC" and len(case.patching.edges) > arguments.most_edges:
                    continue
                try:
                    row = measure(case, method)
                except InvalidInputError as error:
                    notes.append(f"{name} ({style}) is left out: {error}")
                    break
                rows[row.key] = row
                append_row(arguments.results, row)
            bar.advance(task)
    chosen = [row for row in rows.values() if row.case in arguments.cases]
    console = Console(highlight=False)
    console.print(
        Text(table([row for row in chosen if row.seed < arguments.seeds])), soft_wrap=True
    )
    for note in dict.fromkeys(notes):
        console.print(Text(note), soft_wrap=True)


if __name__ == "__main__":
    main()
