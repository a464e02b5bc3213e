"""A chapter of the benchmarks' page: what was measured, as text, tables and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        programs: of each kind.
        random_programs: random ones.
        lengths: of inputs, where growth is measured.
        vocabs: sizes of the vocabulary, likewise.
        operations: of random allocation problems.
        seeds: random problems of each size.
        seconds: for which throughput is measured, of each backend and batch.
        limit: seconds, of the deterministic clock, for one allocation.
    """

    programs: int
    random_programs: int
    lengths: tuple[int, ...]
    vocabs: tuple[int, ...]
    operations: tuple[int, ...]
    seeds: int
    seconds: float
    limit: float


FULL = Scale(15, 100, (4, 8, 16, 32, 64), (2, 8, 32, 128), (10, 30, 100, 300, 1000), 3, 1.0, 10.0)
SMALL = Scale(2, 3, (3, 4), (2, 3), (5, 8), 1, 0.01, 1.0)


@dataclass(frozen=True)
class Chapter:
    """A part of the page.

    Attributes:
        title: its heading.
        command: what measures it again, by itself.
        text: what is measured, and how, in a few sentences.
        tables: parts of the page in Markdown.
        pictures: matplotlib figures by the names of their files, without ``.png``.
    """

    title: str
    command: str
    text: str
    tables: tuple[str, ...]
    pictures: dict[str, Any] = field(default_factory=dict)

    def markdown(self, folder: str) -> str:
        """The chapter as a part of the page.

        Args:
            folder: of the pictures, seen from the page.
        """
        pictures = [f"![{self.title}]({folder}/{name}.png)" for name in self.pictures]
        command = f"Measure it again: `{self.command}`"
        return "\n\n".join([f"## {self.title}", self.text, *pictures, *self.tables, command])


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table in Markdown; the first column is text, and the others are figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
