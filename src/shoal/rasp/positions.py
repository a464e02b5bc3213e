"""Where in a source file something was written."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from shoal.errors import UnsupportedProgramError

_LANGUAGE = frozenset(
    {"shoal.rasp.expressions", "shoal.rasp.library", "shoal.rasp.positions", "dataclasses"}
)
"""Modules whose frames are the language's own."""

_OWN = Path(__file__).parent
"""Where the programs are that come with Shoal."""


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
    if code.co_filename.startswith("<frozen"):  # inputs are made while the language is imported
        return None
    # two bytes for an instruction
    line, _, column, _ = next(islice(code.co_positions(), frame.f_lasti // 2, None), (None,) * 4)
    return Position(code.co_filename, line or frame.f_lineno, 0 if column is None else column + 1)


@contextmanager
def refusals_at(position_of: Callable[[str], Position | None]) -> Iterator[None]:
    """Let refusals of what runs here say where the expression in the way was written.

    Args:
        position_of: where the expression of a label was written, if that is known. Places in
            programs that come with Shoal are not told: nobody would look for an error there.
    """
    try:
        yield
    except UnsupportedProgramError as error:
        found = position_of(error.expression) if error.position is None else None
        if found is not None and not Path(found.file).is_relative_to(_OWN):
            error.position = found
        raise
