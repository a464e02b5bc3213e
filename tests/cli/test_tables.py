"""Tables fit the terminal: columns go whole, words are never broken; what is piped has it all."""

from __future__ import annotations

import re

import pytest

from shoal.rasp.stock import STOCK
from shoal_cli.main import main


def printed(
    command: str, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(command.split()) == 0
    return capsys.readouterr().out


COMMANDS = (
    "explain dyck2_ptf",
    "explain sort",
    "compare hist reverse --allocators longest-path critical-path",
    "run reverse a b c d a b c d a",
    "compile sort_freq",
)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_line_is_too_long_and_no_word_is_broken(
    command: str,
    width: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = printed(command, 300, capsys, monkeypatch)
    words = set(re.findall(r"[\w.]+", whole)) | set(re.findall(r"[\w.]+", LEFT_OUT))
    text = printed(command, width, capsys, monkeypatch)
    assert all(len(line) <= width for line in text.splitlines())
    found = set(re.findall(r"[\w.]+", text))
    assert {word for word in found - words if not word.replace(".", "").isdigit()} == set()


LEFT_OUT = "left out: for all columns use a wider terminal, or --json - --csv -"


def test_what_is_left_out_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = "explain dyck2_ptf --passes none"  # whose names are long
    narrow = " ".join(printed(command, 60, capsys, monkeypatch).split())
    assert "left out: by, reads, until; for all columns use a wider terminal, or --json -" in narrow
    assert "left out" not in printed("explain dyck2_ptf", 120, capsys, monkeypatch)


def test_a_column_that_must_be_there_is_whole_on_the_narrowest_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = printed("explain dyck2_ptf --passes none", 20, capsys, monkeypatch)
    assert "opened_before_at_depth.reciprocal" in text


@pytest.mark.parametrize("program", ["dyck2_ptf", "most_freq"])
def test_what_is_piped_has_all_columns(
    program: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert main(["explain", program]) == 0
    explained = capsys.readouterr().out
    assert "left out" not in explained
    assert "until" in explained
    assert main(["run", "hist", *STOCK["hist"].vocab * 2]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
