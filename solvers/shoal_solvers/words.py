"""Names and values in messages and tables: short, and without what would upset a terminal."""

from __future__ import annotations

from collections.abc import Iterable

MOST_LETTERS = 60
"""Of a name in a message."""

MOST_NAMES = 8
"""In a list of names in a message."""


def printable(text: str) -> str:
    """The text with line ends, control characters and half characters escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def printable_lines(text: str) -> str:
    """The same for a text whose line ends are meant."""
    return "\n".join(map(printable, text.split("\n")))


def brief(name: str) -> str:
    """A name for a message, cut short."""
    shown = printable(name[: MOST_LETTERS + 1])
    return shown if len(shown) <= MOST_LETTERS else f"{shown[: MOST_LETTERS - 3]}..."


def listed(names: Iterable[str]) -> str:
    """Names for a message; of many the first and how many more there are."""
    each = list(names)
    left_out = len(each) - MOST_NAMES
    more = f" and {left_out:,} more" if left_out > 0 else ""
    return ", ".join(map(brief, each[:MOST_NAMES])) + more
