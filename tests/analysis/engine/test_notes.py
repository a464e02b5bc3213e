"""Notes: whole, or none; and a disk that is full is told as that."""

from __future__ import annotations

from pathlib import Path

import pytest

from shoal_analysis.engine.notes import Note, NoteError, read_note, write_note


def test_a_note_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    assert read_note(path) is None
    write_note(path, None)
    assert path.exists()
    assert read_note(path) is None
    write_note(path, Note("key", "# a script"))
    assert read_note(path) == Note("key", "# a script")


def test_what_is_cut_off_is_no_note(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    write_note(path, Note("key", "# a script"))
    path.write_bytes(path.read_bytes()[:-5])
    assert read_note(path) is None


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoteError, match=r"cannot write .*No such file"):
        write_note(tmp_path / "nowhere" / "note.json", None)
