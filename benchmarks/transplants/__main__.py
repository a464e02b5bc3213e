"""``python -m benchmarks.transplants``: parts in hosts, and learnt parts in a compiled model."""

from __future__ import annotations

import argparse
import re
import sys
from io import BytesIO
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

from benchmarks.document.chapter import table
from benchmarks.transplants.figures import (
    FITS,
    HEAD,
    HEAD_OF_RELEARNING,
    NAMES,
    hosts_in_words,
    rows,
    rows_of_relearning,
)
from benchmarks.transplants.measuring import FULL, SMALL, Measured, Scale, measure_each
from shoal.errors import InvalidInputError
from shoal.files import write_file, write_text
from shoal_cli.progress import progress_bar
from shoal_cli.tables import Column, print_table

PAGE = Path("docs/transplants.md")
PICTURE = "images/transplants.png"
"""Seen from the page."""

_FIGURES = re.compile(r"(?<=<!-- figures -->\n\n).*?(?=\n\n<!-- end of figures -->)", re.DOTALL)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and write if that is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transplants", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--seeds", type=int, default=5, help="so many hosts (default: 5)")
    parser.add_argument("--workers", type=int, default=2, help="so many at a time (default: 2)")
    parser.add_argument("--small", action="store_true", help="a few steps alone, to try it")
    parser.add_argument(
        "--write", type=Path, nargs="?", const=PAGE, help=f"the figures into a page, such as {PAGE}"
    )
    options = parser.parse_args(arguments)
    if options.seeds < 1 or options.workers < 1:
        parser.error("--seeds and --workers are at least 1")
    try:
        if options.write is not None:
            require_place(options.write)
        scale = SMALL if options.small else FULL
        measured, was_interrupted = all_measured(options.seeds, options.workers, scale)
        if not measured:
            return 130
        show(measured)
        if options.write is not None and not was_interrupted:
            write(options.write, measured, scale)
    except InvalidInputError as error:
        parser.error(str(error))
    return 130 if was_interrupted else 0


def all_measured(seeds: int, workers: int, scale: Scale) -> tuple[list[Measured], bool]:
    """What was measured, by seed, and whether it was interrupted on the way."""
    columns = (TextColumn("hosts"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    found: list[Measured] = []
    was_interrupted = False
    with progress_bar(*columns) as bar:
        task = bar.add_task("hosts", total=seeds)
        try:
            for one in measure_each(seeds, workers, scale):
                found.append(one)
                bar.advance(task)
        except KeyboardInterrupt:
            was_interrupted = True
    if was_interrupted:
        print(f"interrupted; {len(found)} of {seeds} hosts are measured", file=sys.stderr)
    return sorted(found, key=lambda one: one.seed), was_interrupted


def show(measured: list[Measured]) -> None:
    """Both tables on the terminal."""
    console = Console(highlight=False)
    for head, lines in (
        (HEAD, rows(measured)),
        (HEAD_OF_RELEARNING, rows_of_relearning(measured)),
    ):
        columns = [
            Column(
                name, rank=3 if name in FITS else 0, justify="left" if name in NAMES else "right"
            )
            for name in head
        ]
        print_table(console, columns, [lines])
        console.print()
    console.print(hosts_in_words(measured))


def require_place(page: Path) -> None:
    """Refuse a page that has no place for figures, before anything is measured.

    Raises:
        InvalidInputError: says what is missing.
    """
    if not page.is_file() or not _FIGURES.search(page.read_text("utf-8")):
        raise InvalidInputError(
            f"{page} is no page with a line `<!-- figures -->` and a line `<!-- end of figures -->`"
        )


def write(page: Path, measured: list[Measured], scale: Scale) -> None:
    """Write tables into a page, and the picture beside it.

    Raises:
        InvalidInputError: they cannot be written, or matplotlib is not installed.
    """
    from benchmarks.transplants.drawing import picture  # those who only measure need no matplotlib

    content = BytesIO()
    picture(measured, scale).savefig(content, format="png", dpi=110, metadata={"Software": None})
    (page.parent / PICTURE).parent.mkdir(parents=True, exist_ok=True)
    write_file(page.parent / PICTURE, lambda file: file.write(content.getvalue()))
    tables = "\n\n".join(
        (
            table(HEAD, rows(measured)),
            hosts_in_words(measured),
            table(HEAD_OF_RELEARNING, rows_of_relearning(measured)),
        )
    )
    write_text(page, _FIGURES.sub(lambda _: tables, page.read_text("utf-8"), count=1))


if __name__ == "__main__":
    sys.exit(main())
