"""However a command ends, it ends with a line that says why, and with the exit code for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from shoal_cli import entry
from shoal_cli.main import main

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals and files")
COMMAND = "import sys; from shoal_cli.entry import main; sys.exit(main())"

SLOW_PROGRAM = """
import time
from shoal.rasp import *

def slow(x):
    print("working", flush=True)
    time.sleep(60)
    return x

program = Map(slow, tokens)
vocab = (1, 2)
max_seq_len = 2
"""


def run(
    *arguments: str, stdout: object = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        stdout=stdout,  # type: ignore[arg-type]
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )


def told(capsys: pytest.CaptureFixture[str], arguments: Sequence[str]) -> str:
    assert main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return " ".join(captured.err.split())


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.default_int_handler])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_a_signal_ends_a_command_in_the_middle(
    tmp_path: Path, handler: object, number: signal.Signals, code: int
) -> None:
    path = tmp_path / "slow.py"
    path.write_text(SLOW_PROGRAM)
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "compile", f"{path}:program"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, handler),  # type: ignore[arg-type]
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code
    assert errors == ("shoal: interrupted\n" if code == 130 else "")


@POSIX
@pytest.mark.slow
def test_ctrl_c_while_the_solver_works_gives_no_half_proven_model(tmp_path: Path) -> None:
    path = tmp_path / "wide.py"
    path.write_text(
        "from shoal.rasp import *\n"
        "parts = [SelectorWidth(Select(tokens, tokens, lambda k, q, i=i: (k * i + q) % 7 < 3))"
        " for i in range(200)]\n"
        "program = parts[0]\n"
        "for part in parts[1:]:\n"
        "    program = SequenceMap(lambda x, y: (x * 3 + y) % 5, part, program)\n"
        "vocab = tuple(range(7))\nmax_seq_len = 4\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "compile", f"{path}:program", "--passes", "none"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(5)  # it gets to the solver in one or two seconds, and stays there for thirty
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, output, errors) == (130, "", "shoal: interrupted\n")


def test_ctrl_c_while_importing_ends_with_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupting:
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "shoal_cli.main", Interrupting())
    assert entry.main() == 130
    assert capsys.readouterr().err == "shoal: interrupted\n"


def test_handlers_are_as_they_were_afterwards() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert main(["run", "reverse", "a"]) == 0
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@POSIX
@pytest.mark.slow
def test_a_pipe_that_is_closed_ends_a_command_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run("compile", "reverse", stdout=writer)
    finally:
        os.close(writer)
    assert done.returncode == 141
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
@pytest.mark.slow
def test_a_full_disk_is_told() -> None:
    with open("/dev/full", "w") as full:
        done = run("compile", "reverse", stdout=full)
    assert done.returncode == 2
    assert done.stderr.startswith("shoal: cannot write: No space left on device")
    for arguments in (
        ["compare", "length", "--json", "/dev/full"],
        ["compare", "length", "--csv", "/dev/full"],
    ):
        done = run(*arguments)
        assert done.returncode == 2
        assert "No space left on device" in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["explain", "reverse"], ["compare", "length"]])
def test_a_terminal_without_unicode_gets_ascii(arguments: list[str]) -> None:
    done = run(*arguments, PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_tokens_without_ascii_are_escaped_on_such_a_terminal() -> None:
    environment = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C.UTF-8"}
    done = run("run", "reverse", "ä", "b", "--vocab", "ä", "b", **environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].split() == ["output", "b", "\\xe4"]


def test_a_folder_for_a_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "model.npz"
    folder.mkdir()
    assert "is a folder" in told(capsys, ["compile", "length", "--save", str(folder)])
    assert "is a folder" in told(capsys, ["run", str(folder), "a"])
    assert "is a folder" in told(capsys, ["compare", "length", "--json", str(tmp_path)])
    assert "is a folder" in told(capsys, ["compare", "length", "--csv", str(tmp_path)])
    assert "there is no file" in told(capsys, ["compile", f"{tmp_path}:program"])


@pytest.mark.parametrize("statement", ["raise SystemExit(3)", "import sys; sys.exit()", "1 / 0"])
def test_a_file_that_ends_itself_is_told(
    tmp_path: Path, statement: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ending.py"
    path.write_text(statement)
    assert "ending.py, line 1, raises" in told(capsys, ["compile", f"{path}:program"])


def test_want_of_memory_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "hungry.py"
    path.write_text(
        "from shoal.rasp import *\n"
        "def hungry(x):\n    raise MemoryError\n"
        "program = Map(hungry, tokens)\nvocab = (1, 2)\nmax_seq_len = 2\n"
    )
    assert "out of memory" in told(capsys, ["compile", f"{path}:program"])


def test_the_help_says_that_files_are_run(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ([], ["compile"]):
        with pytest.raises(SystemExit):
            main([*command, "--help"])
        assert "runs the file" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("vocab = 5", "is 5; let it be a collection of tokens"),
        ("import itertools; vocab = itertools.count()", "more than 1,048,576 tokens"),
        ("vocab = (1, 2); program = Map(fail, tokens)", "function of the program raises OSError"),
        ("vocab = (1, 2); program = Map(loop, tokens)", "raises RecursionError"),
        ("vocab = (1, 2); max_seq_len = 0", "odd.py is 0; let it be the greatest number"),
    ],
)
def test_what_a_file_defines_is_told(
    tmp_path: Path, lines: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.py"
    path.write_text(
        "from shoal.rasp import *\nmax_seq_len = 3\nprogram = Map(abs, tokens)\n"
        "def fail(x):\n    raise OSError(5, 'disk')\n"
        f"def loop(x):\n    return loop(x)\n{lines}\n"
    )
    assert message in told(capsys, ["compile", f"{path}:program"])


def test_a_length_of_zero_is_not_taken_for_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "length.py"
    path.write_text("from shoal.rasp import *\np = tokens + 1\nvocab = (1,)\nmax_seq_len = 3\n")
    arguments = ["compile", f"{path}:p", "--max-seq-len", "0"]
    assert "--max-seq-len is 0" in told(capsys, arguments)


def test_a_word_that_is_no_token_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "is not in the vocab" in told(capsys, ["run", "reverse", "0" + "-1" * 20_000])


@POSIX
@pytest.mark.slow
def test_output_that_was_closed_from_the_start_is_no_error() -> None:
    command = [sys.executable, "-c", COMMAND, "compile", "reverse"]
    shell = " ".join(f"'{word}'" for word in command) + " >&-"
    done = subprocess.run(
        ["sh", "-c", shell], stderr=subprocess.PIPE, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_tokens_that_no_terminal_can_show_are_escaped() -> None:
    token = "'\\ud800'"
    done = run("run", "reverse", token, "--vocab", token, "a", "--max-seq-len", "3")
    assert done.returncode == 0, done.stderr
    assert "\\ud800" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
@pytest.mark.slow
def test_the_solvers_command_tells_of_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "instance.json"
    path.write_text(
        '{"name": "mo\\ud800ve", "variables": [{"name": "x", "width": 1, "is_input": true,'
        ' "is_output": true}], "operations": []}'
    )
    command = [sys.executable, "-m", "shoal_solvers", str(path)]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "error: cannot write the result: No space left on device\n"
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "mo\\ud800ve" in done.stdout


def test_ctrl_c_while_an_extension_loads_ends_with_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Failing:
        def __init__(self, cause: BaseException | None) -> None:
            self.cause = cause

        def __getattr__(self, name: str) -> object:
            raise ImportError("initialization failed") from self.cause

    monkeypatch.setitem(sys.modules, "shoal_cli.main", Failing(KeyboardInterrupt()))
    assert entry.main() == 130
    assert capsys.readouterr().err == "shoal: interrupted\n"
    monkeypatch.setitem(sys.modules, "shoal_cli.main", Failing(None))
    with pytest.raises(ImportError, match="initialization failed"):
        entry.main()
