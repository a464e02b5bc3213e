"""Where in a source file something was written."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import islice

_LANGUAGE = frozenset({"shoal.rasp.expressions", "shoal.rasp.positions", "dataclasses"})
"""Modules whose frames are the language's own."""


@dataclass(frozen=True)
class Position:
    """A place in a source file.

    Attributes:
        file: its name, as Python knows it.
        line: counted from 1.
        column: counted from 1; 0 where Python does not know it.
    """

    file: str
    line: int
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")


def position_of_caller() -> Position | None:
    """Where the program is that uses the language right now; None if nobody does."""
    frame = sys._getframe(1)
    while frame.f_globals.get("__name__") in _LANGUAGE:
        if frame.f_back is None:
            return None
        frame = frame.f_back
    code = frame.f_code
    # two bytes for an instruction
    line, _, column, _ = next(islice(code.co_positions(), frame.f_lasti // 2, None), (None,) * 4)
    return Position(code.co_filename, line or frame.f_lineno, 0 if column is None else column + 1)
