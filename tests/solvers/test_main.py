"""The command line solves stored instances and explains errors without tracebacks."""

import io
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from shoal_solvers import Budgets, check, problem_identity, solve
from shoal_solvers.__main__ import main
from shoal_solvers.commands.check import EXAMPLES as CHECK_EXAMPLES
from shoal_solvers.commands.solve import EXAMPLES
from shoal_solvers.serialize import (
    allocation_from_json,
    problem_from_json,
    problem_to_json,
    result_from_json,
    result_to_json,
)
from tests.solvers.problems import chain


def test_prints_schedule_and_proofs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "chain.json", tmp_path / "result.json"
    path.write_text(problem_to_json(chain()))
    assert main([str(path), "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    for word in ("chain", "make_a", "make_c (alternative 1)", "layers", "optimal"):
        assert word in printed
    assert max(map(len, printed.splitlines())) <= 100
    result = result_from_json(out.read_text(), chain())
    assert result.costs == solve(chain()).costs
    assert result.problem == problem_identity(chain())


def test_the_spelled_out_form_does_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "chain.json"
    path.write_text(problem_to_json(chain()))
    printed = []
    for command in ([], ["solve"]):
        assert main([*command, str(path), "--solver", "critical-path"]) == 0
        printed.append(capsys.readouterr().out.split("layers")[0])
    assert printed[0] == printed[1]
    assert "make_a" in printed[0]


@pytest.fixture
def standard_input(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """What to call with the bytes that are waiting there."""

    def give(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


@pytest.mark.parametrize("command", [[], ["solve"], ["bounds"]])
def test_reads_standard_input(command, standard_input, capsys) -> None:  # type: ignore[no-untyped-def]
    standard_input(b"\xef\xbb\xbf" + problem_to_json(chain()).encode())  # with a mark
    assert main([*command, "-"]) == 0
    assert "neurons" in capsys.readouterr().out
    standard_input(b"{")
    assert main([*command, "-"]) == 1
    assert "error: standard input: this is no valid JSON" in capsys.readouterr().err


def test_says_where_standard_input_is_closed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["-"]) == 1
    assert capsys.readouterr().err == "error: cannot read standard input: it is closed\n"


def test_help_tells_of_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ([], ["solve"], ["check"], ["bounds"]):
        with pytest.raises(SystemExit) as ending:
            main([*command, "--help"])
        printed = capsys.readouterr().out
        assert ending.value.code == 0
        assert "examples:" in printed
        assert "exit status:" in printed
        assert all(f"python -m shoal_solvers {other} " in printed for other in command)
        if not command:
            assert "check a stored allocation" in printed
            assert "lower bounds of a stored problem" in printed
    with pytest.raises(SystemExit) as ending:
        main([])
    assert ending.value.code == 2
    assert "required: instance" in capsys.readouterr().err


def test_the_examples_of_the_help_are_valid() -> None:
    problem = problem_from_json(EXAMPLES[EXAMPLES.index("{") : EXAMPLES.index("\n\nexit")])
    text = CHECK_EXAMPLES[CHECK_EXAMPLES.index("{") : CHECK_EXAMPLES.index("\n\nHalf")]
    assert check(problem, allocation_from_json(text, problem)).layers == 1
    assert f'"problem": "{problem_identity(problem)}"' in text


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        (None, [], "cannot read"),
        ("{", [], "no valid JSON"),
        (b"\xff\xfe", [], "it is no UTF-8 text"),
        (problem_to_json(chain()), ["--solver", "magic"], "unknown solver 'magic'"),
        (problem_to_json(chain()), ["--time-limit", "-1"], "time_limit is -1.0"),
        (problem_to_json(chain()), ["--json", "no/such/folder"], "cannot write"),
        (problem_to_json(chain(Budgets(max_width=4))), [], "max_width=4 is in the way"),
    ],
)
def test_errors(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str | bytes | None,
    options: list[str],
    expected: str,
) -> None:
    path = tmp_path / "instance.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main([str(path), *options]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert expected in captured.err
    assert "Traceback" not in captured.err


FOREIGN = {
    "a list": (b"[1, 2]", "should be an object .*, but is a list of 2 items"),
    "a number": (b"17", "should be an object .*, but is a whole number"),
    "garbage": (b"\x1b[31m{]" * 10**6, "no valid JSON: Expecting value at line 1, column 1"),
    "deep": (b"[" * 10**6, "nested too deeply"),
    "deep objects": (b'{"a":' * 10**5, "nested too deeply"),
    "NaN": (b'{"name": NaN}', "it has no NaN; give a finite number"),
    "twice": (b'{"name": "a", "name": "b"}', "the field 'name' twice; keep one of them"),
    "not text": (b"\xff\xfe\x00", "it is no UTF-8 text"),
    "nothing": (b"", "no valid JSON"),
    "another format": (b'{"format": "graph", "version": 1}', "is of format 'graph', but should be"),
    "newer": (b'{"format": "shoal allocation problem", "version": 9}', "is of version 9, but this"),
    "terminal codes": (b'{"\\u001b[31m": 1}', r"unknown fields: \\x1b\[31m; known"),
    "odd names": (
        b'{"variables": [{"name": "\\u001b[31m\\n\\ud800", "width": 1}], "operations": []}',
        r"variable '\\x1b\[31m\\n\\ud800' has no producer",
    ),
}


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("command", [[], ["bounds"], ["check"]], ids=str)
def test_explains_what_is_no_problem(command, what, tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    content, expected = FOREIGN[what]
    path = tmp_path / "odd\n\x1b name.json"
    path.write_bytes(content)
    assert main([*command, str(path), *([str(path)] if command == ["check"] else [])]) == (
        2 if command == ["check"] else 1
    )
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.search(expected, captured.err)
    assert captured.err.startswith("error: ")
    assert "\x1b" not in captured.err
    assert len(captured.err) < 1_000


@pytest.mark.parametrize("what", [name for name in FOREIGN if name != "odd names"])
def test_explains_what_is_no_solution(what, tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    problem, path = tmp_path / "problem.json", tmp_path / "solution.json"
    problem.write_text(problem_to_json(chain()))
    path.write_bytes(FOREIGN[what][0])
    assert main(["check", str(problem), str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert len(captured.err) < 1_000


def test_explains_files_that_cannot_be_read(tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    secret = tmp_path / "secret.json"
    secret.write_text(problem_to_json(chain()))
    secret.chmod(0)
    unreadable = {tmp_path / "missing.json": "No such file", tmp_path: "Is a directory"}
    if not os.access(secret, os.R_OK):  # whoever is root may read it all the same
        unreadable[secret] = "Permission denied"
    for path, reason in unreadable.items():
        for command in ([], ["solve"], ["bounds"]):
            assert main([*command, str(path)]) == 1
            assert f"error: cannot read {path}: {reason}" in capsys.readouterr().err
        assert main(["check", str(path), str(path)]) == 2
        assert reason in capsys.readouterr().err
    secret.chmod(stat.S_IRUSR | stat.S_IWUSR)


@pytest.mark.skipif(os.name == "nt", reason="needs a shell of POSIX")
@pytest.mark.slow
@pytest.mark.parametrize("command", ["solve P", "bounds P", "check P R"])
def test_survives_output_that_nobody_reads(command: str, tmp_path: Path) -> None:
    problem, result = tmp_path / "problem.json", tmp_path / "result.json"
    problem.write_text(problem_to_json(chain()))
    result.write_text(result_to_json(solve(chain()), chain()))
    words = command.replace("P", f"'{problem}'").replace("R", f"'{result}'")
    line = f"'{sys.executable}' -m shoal_solvers {words}"
    for ending, status in ((" >&-", 0), (" | true", 141), (" | true", 141), (" >/dev/full", None)):
        if ending.endswith("full") and not Path("/dev/full").exists():
            continue
        shell = f"({line}; echo $? >&2){ending}"
        done = subprocess.run(
            ["sh", "-c", shell], stderr=subprocess.PIPE, text=True, timeout=120, check=False
        )
        if status is None:
            failed = "2" if command.startswith("check") else "1"
            assert (
                done.stderr
                == f"error: cannot write the result: No space left on device\n{failed}\n"
            )
        else:
            assert done.stderr in (f"{status}\n", "0\n")  # the reader may end later
