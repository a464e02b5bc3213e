"""What is wrong with a user's program is told with file and line, and stops no other program."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from shoal_cli.main import main

SOURCE = """\
from shoal.rasp import *
vocab = (1, 2)
max_seq_len = 3
good = tokens + indices
raising = Map(lambda x: 1 / 0, tokens)
after = raising + indices
def fail(x):
    raise OSError(5, "disk")
failing = Map(fail, tokens)
last = indices + 1
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    return path


def test_refusals_name_the_line_of_the_expression(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", f"{path}:after"]) == 2
    assert "mine.py, line 5: map: lambda x: 1 / 0 raises" in capsys.readouterr().err


def test_errors_of_functions_name_the_line(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    assert main(["compile", "mine.py:failing"]) == 2
    assert "mine.py, line 8, a function of the program raises OSError" in capsys.readouterr().err


def test_stock_programs_name_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "reverse", "--work", "10"]) == 2
    assert ", line " not in capsys.readouterr().err


def test_the_other_programs_are_compared(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = path.with_name("broken.py")
    broken.write_text("x = 1\n1 / 0\n")
    command = ["compare", str(path), str(broken), "hist", "--allocators", "cp-sat", "--json", "-"]
    assert main([*command, "--passes", "all"]) == 2
    captured = capsys.readouterr()
    programs = [row["program"] for row in json.loads(captured.out)]
    assert programs == [f"{path}:good", f"{path}:last", "hist"]
    for message in ("mine.py, line 5: map", "mine.py, line 8, a function", "broken.py, line 2,"):
        assert captured.err.count(message) >= 1


def test_interrupting_a_comparison_keeps_what_was_measured(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(
        "from shoal.rasp import *\nvocab = (1, 2)\nmax_seq_len = 3\n"
        "def stop(x):\n    raise KeyboardInterrupt\nprogram = Map(stop, tokens)\n"
    )
    figures = path.with_name("figures.json")
    command = ["compare", "hist", f"{path}:program", "reverse", "--allocators", "cp-sat"]
    assert main([*command, "--passes", "all", "--json", str(figures)]) == 130
    assert [row["program"] for row in json.loads(figures.read_text())] == ["hist"]
    captured = capsys.readouterr()
    assert captured.out.splitlines()[1].startswith("hist")
    assert captured.err == "shoal: interrupted\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (".", ". is a folder; a program of your own is named path/to/file.py:name"),
        ("notes.txt", "notes.txt is a file, but no Python file"),
        ("model.safetensors", "is a file of a compiled model, which holds no program"),
        ("mine.py", "which program of mine.py? Write mine.py:NAME; it has: good"),
        ("mine.py:goud", "did you mean good?"),
        ("mine.pi:good", "did you mean mine.py?"),
        ("revers", "did you mean reverse?"),
        ("", "there is no stock program ''"),
        ("..:good", "there is no file ..: this is a folder"),
    ],
)
def test_what_is_no_program_is_told(
    path: Path,
    name: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(path.parent)
    Path("notes.txt").write_text("")
    for command in (["compile", name], ["compare", name + ("" if name != "mine.py" else ":")]):
        assert main(command) == 2
        assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
@pytest.mark.parametrize(
    "command",
    ["compile hist --json", "explain hist --json", "run hist a --json", "compare hist --json"],
)
def test_files_that_cannot_be_written_are_told(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, message in (
        ("/dev/full", "No space left on device"),
        (str(tmp_path), "this is a folder"),
        (os.path.join(tmp_path, "no", "file"), "there is no folder"),
    ):
        assert main([*command.split(), path]) == 2
        assert message in " ".join(capsys.readouterr().err.split())


INPUTS = """\
def rising(xs):
    return xs == sorted(xs)
listed = [[1, 2], [2, 2]]
"""


def test_inputs_are_promised_by_a_file(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    Path("promises.py").write_text(INPUTS)
    run = ["run", "mine.py:good", "2", "1", "--inputs"]
    assert main([*run, "promises.py:rising"]) == 2
    assert "--inputs rising promises which inputs there are, and [2, 1]" in capsys.readouterr().err
    assert main(["run", "mine.py:good", "1", "2", "--inputs", "promises.py:listed"]) == 0
    assert capsys.readouterr().out.split() == ["input", "1", "2", "output", "1", "3"]
    assert main([*run, "promises.py:risin"]) == 2
    assert "did you mean rising?" in capsys.readouterr().err
    assert main([*run, "rising"]) == 2
    assert "--inputs rising: give path/to/file.py:NAME" in capsys.readouterr().err
    assert main([*run, "promises.py:rising", "--promised-inputs", "13"]) == 2
    assert "14 sequences" in capsys.readouterr().err
