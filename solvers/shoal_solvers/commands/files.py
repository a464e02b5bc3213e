"""Texts that commands read and write; ``-`` is standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from shoal_solvers.errors import InvalidProblemError
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.serialize import problem_from_json

STANDARD_INPUT = Path("-")

Content = TypeVar("Content")


def read_problem(path: Path) -> AllocationProblem:
    """The problem that is stored in a JSON file.

    Raises:
        InvalidProblemError: the file cannot be read, or does not hold a valid problem.
    """
    return read(path, problem_from_json)


def read(path: Path, content: Callable[[str], Content]) -> Content:
    """What a function makes of the text of a file.

    Raises:
        InvalidProblemError: the file cannot be read, or the function raises one.
    """
    name = "standard input" if path == STANDARD_INPUT else str(path)
    try:
        text = _bytes(path).decode("utf-8-sig")  # editors on Windows begin files with a mark
    except UnicodeDecodeError:
        raise InvalidProblemError(f"cannot read {name}: it is no UTF-8 text") from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise InvalidProblemError(f"cannot read {name}: {reason}") from None
    try:
        return content(text)
    except InvalidProblemError as error:
        raise InvalidProblemError(f"{name}: {error}") from None


def write(path: Path, text: str) -> None:
    """Write a text to a file.

    Raises:
        InvalidProblemError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidProblemError(f"cannot write {path}: {error.strerror}") from None


def _bytes(path: Path) -> bytes:
    if path != STANDARD_INPUT:
        return path.read_bytes()
    if sys.stdin is None:
        raise ValueError("it is closed")
    return sys.stdin.buffer.read()
