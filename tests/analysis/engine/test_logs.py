"""Logs that are cut off, damaged, or on a full disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from shoal.errors import InvalidInputError
from shoal_analysis.engine.logs import append_to_log, read_log


def entries(path: Path, warnings: list[str] | None = None) -> list[int]:
    return list(read_log(path, lambda n: int(n), [] if warnings is None else warnings))


def test_entries_come_back_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    assert entries(path) == []
    for number in (3, 1, 2):
        append_to_log(path, {"n": number})
    assert entries(path) == [3, 1, 2]


def test_a_line_that_was_cut_off_takes_no_other_with_it(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    append_to_log(path, {"n": 1})
    append_to_log(path, {"n": 2})
    for end in range(1, 8):
        path.write_bytes(path.read_bytes()[:-end])
        append_to_log(path, {"n": 9})
        warnings: list[str] = []
        assert entries(path, warnings)[-1] == 9
        assert len(warnings) <= end
    assert entries(path)[0] == 1


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(InvalidInputError, match="No space left on device"):
        append_to_log(tmp_path / "log.jsonl", {"n": 1})
