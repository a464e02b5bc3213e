"""How a command may end: signals, closed pipes, full disks, and terminals without Unicode."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console

INTERRUPTED = 130
TERMINATED = 143
PIPE_CLOSED = 141
"""Exit codes as shells have them: 128 and the number of the signal."""


@contextmanager
def endable() -> Iterator[None]:
    """Ctrl-C and SIGTERM end what runs here, even where the caller has them ignored.

    Jobs in the background, under nohup and in many CI runners start with SIGINT ignored, and could
    not be ended by it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(TERMINATED))
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


_PIPED_WIDTH = 4096
"""What is read by programs is never cut, nor wrapped within reason."""


class CommandConsole(Console):
    """A console that leaves it to the command how to end when nobody reads its output."""

    def __init__(self, **options: Any) -> None:
        if "COLUMNS" not in os.environ and not (sys.stdout is not None and sys.stdout.isatty()):
            options.setdefault("width", _PIPED_WIDTH)
        super().__init__(**options)

    def on_broken_pipe(self) -> None:
        """Nobody reads any more.

        Raises:
            BrokenPipeError: always.
        """
        raise BrokenPipeError


def replace_what_cannot_be_encoded() -> None:
    """Let text that a terminal cannot show be escaped instead of raising an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def forget_output() -> None:
    """Drop what is still to be written to a pipe that nobody reads, or to a disk that is full."""
    if sys.stdout is not None:  # it is None if it was closed from the start
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
