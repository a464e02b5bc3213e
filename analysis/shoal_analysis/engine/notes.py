"""Notes of what is under way, which somebody else reads when a process has died."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from shoal.errors import ShoalError


class NoteError(ShoalError):
    """A note cannot be written, for one because the disk is full; no case is to blame."""


@dataclass(frozen=True)
class Note:
    """The case that a process is working on.

    Attributes:
        key: a short text that tells cases apart.
        script: a Python file that examines the case.
    """

    key: str
    script: str


def write_note(path: Path | None, note: Note | None) -> None:
    """Say what is under way; None if a batch has begun, and has drawn nothing yet.

    Args:
        path: of the file; None if nobody wants to know.
        note: the case.

    Raises:
        NoteError: it cannot be written.
    """
    if path is None:
        return
    beside = path.with_suffix(".part")
    try:
        beside.write_text(json.dumps(None if note is None else asdict(note)), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise NoteError(f"cannot write {str(path)!r}: {error.strerror}") from error


def read_note(path: Path) -> Note | None:
    """The case that was under way, if there is a readable note of one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return None if content is None else Note(content["key"], content["script"])
