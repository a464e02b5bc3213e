"""There is a sign of life on terminals, and nothing of it in pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = "import sys; from shoal_cli.entry import main; sys.exit(main())"
SLOW = """\
import time
from shoal.rasp import *
vocab = (1, 2)
max_seq_len = 2
program = Map(lambda x: time.sleep(0.4) or x, tokens)
"""


def on_a_terminal(*arguments: str) -> str:
    """What a command shows on standard error where that is a terminal."""
    import pty

    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        )
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # Linux says so when the other side is closed
            pass
        assert process.wait(60) == 0
    finally:
        os.close(ours)
    return shown.decode(errors="replace")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
@pytest.mark.slow
@pytest.mark.parametrize("command", ["compile", "explain", "compare"])
def test_a_terminal_shows_what_is_being_done(tmp_path: Path, command: str) -> None:
    path = tmp_path / "slow.py"
    path.write_text(SLOW)
    shown = on_a_terminal(command, f"{path}:program")
    assert "slow.py:program" in shown
    assert ("infer values" in shown) == (command != "compare")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["compile", "explain", "compare"])
def test_pipes_get_nothing_of_it(tmp_path: Path, command: str) -> None:
    path = tmp_path / "slow.py"
    path.write_text(SLOW)
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, command, f"{path}:program"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
