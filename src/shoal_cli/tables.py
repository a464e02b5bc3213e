"""Tables and texts that fit the terminal: whole columns go, words are never broken."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: its heading.
        rank: columns of smaller rank are given room first; those of 0 are never left out.
        justify: where its cells stand.
        wraps: whether its cells may be wrapped, between words.
    """

    name: str
    rank: int = 0
    justify: Literal["left", "right"] = "left"
    wraps: bool = False

    def least_width(self, cells: Sequence[str]) -> int:
        """How wide it must be for no word to be broken."""
        parts = [part for cell in (self.name, *cells) for part in self._unbroken(cell)]
        return max(map(cell_len, parts))

    def _unbroken(self, cell: str) -> list[str]:
        return cell.split() if self.wraps else [cell]


def print_text(console: Console, text: str) -> None:
    """Print lines, wrapped between words where they are longer than the terminal is wide."""
    for line in text.splitlines():
        parts = textwrap.wrap(
            line,
            max(console.width, 1),
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for part in [line] if len(line) <= console.width else parts:
            console.print(Text(part), soft_wrap=True)


def print_table(
    console: Console,
    columns: Sequence[Column],
    sections: Sequence[Sequence[Sequence[str]]],
    boxed: bool = False,
    instead: str = "pipe the command",
) -> None:
    """Print a table, and a line that says which columns were left out, if any.

    Args:
        console: where to.
        columns: its columns.
        sections: groups of rows, each a cell for each column.
        boxed: whether it has lines.
        instead: what shows all columns, besides a wider terminal.
    """
    rows = [row for section in sections for row in section]
    widths = [c.least_width([row[i] for row in rows]) for i, c in enumerate(columns)]
    shown = _fitting(columns, widths, console.width, boxed)
    table = (
        Table(header_style="bold", pad_edge=False)
        if boxed
        else Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    )
    for i in shown:
        column = columns[i]
        table.add_column(
            column.name,
            justify=column.justify,
            no_wrap=not column.wraps,
            min_width=widths[i],
            overflow="fold",
        )
    for section in sections:
        for row in section:
            table.add_row(*(Text(row[i]) for i in shown))
        table.add_section()
    # what must be there is printed whole, even on a terminal that is too narrow for it
    least = _width([widths[i] for i in shown], boxed)
    console.print(table, crop=False, width=max(console.width, least))
    gone = [column.name for i, column in enumerate(columns) if i not in shown]
    if gone:
        console.print(
            Text(f"left out: {', '.join(gone)}; for all columns use a wider terminal, or {instead}")
        )


def _fitting(
    columns: Sequence[Column], widths: Sequence[int], width: int, boxed: bool
) -> list[int]:
    """The numbers of the columns that there is room for."""
    shown: list[int] = []
    for i in sorted(range(len(columns)), key=lambda i: columns[i].rank):
        if columns[i].rank == 0 or _width([widths[j] for j in (*shown, i)], boxed) <= width:
            shown.append(i)
    return sorted(shown)


def _width(widths: Sequence[int], boxed: bool) -> int:
    """How wide a table is, with what is between columns."""
    between = 3 if boxed else 2
    return sum(widths) + between * (len(widths) - 1) + (2 if boxed else 0)
