"""Append-only logs of JSON lines: what was written stays, whatever happens to the next line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from shoal.errors import InvalidInputError

T = TypeVar("T")


def read_log(path: Path, kind: Callable[..., T], warnings: list[str]) -> Iterator[T]:
    """The entries of a log, in their order.

    Args:
        path: of the log, which need not be there.
        kind: makes an entry of its fields; raises where they make none.
        warnings: gets one for each line that cannot be read, which is left out.
    """
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                entry = kind(**json.loads(line))
            except (ValueError, KeyError, TypeError, RecursionError):
                if line.strip():
                    warnings.append(f"line {number} of {path} cannot be read; left out")
            else:
                yield entry


def append_to_log(path: Path, entry: dict[str, Any]) -> None:
    """Add an entry to a log; it is on disk when this returns.

    Raises:
        InvalidInputError: it cannot be written, for one because the disk is full.
    """
    try:
        with path.open("ab+") as log:
            log.seek(0, os.SEEK_END)
            if log.tell():  # a line that was cut off must not take the next one with it
                log.seek(-1, os.SEEK_END)
                if log.read(1) != b"\n":
                    log.write(b"\n")
            log.write(json.dumps(entry).encode() + b"\n")
            log.flush()
            os.fsync(log.fileno())
    except OSError as error:
        raise InvalidInputError(f"cannot write {str(path)!r}: {error.strerror}") from error
