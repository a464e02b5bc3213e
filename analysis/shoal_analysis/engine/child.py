"""A process that a worker of a cluster runs batches in: its death takes nothing else along.

Workers of a cluster may not start processes by ``multiprocessing``, since they are daemons; and if
one died with a batch, nobody could read which program it died on. So the worker survives, and says.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from shoal.rasp.values import show_error


class ChildDiedError(Exception):
    """The process ended before it had answered."""


class Child:
    """A process that calls functions, one at a time; it ends when this object is closed."""

    def __init__(self) -> None:
        self._connection, there = Pipe()
        command = [sys.executable, "-m", __name__, str(there.fileno())]
        path = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            pass_fds=[there.fileno()],
            env={**os.environ, "PYTHONPATH": path},
        )
        there.close()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a function of a module gives there.

        Raises:
            ChildDiedError: the process ended.
            Exception: what the function raises.
        """
        try:
            self._connection.send((function, arguments))
            is_result, value = self._connection.recv()
        except (EOFError, OSError) as error:
            code = self._process.wait()
            raise ChildDiedError(f"the process of the batch ended with {_ending(code)}") from error
        if not is_result:
            raise value
        return value

    def close(self) -> None:
        """End the process, whatever it does."""
        self._connection.close()
        self._process.kill()
        self._process.wait()


def _ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def serve(connection: Connection) -> None:
    """Call what is asked for until nobody asks any more."""
    while True:
        try:
            function, arguments = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer = (True, function(*arguments))
        except Exception as error:  # noqa: BLE001 - whoever asked gets it
            answer = (False, _sendable(error))
        try:
            connection.send(answer)
        except OSError:  # whoever asked is gone
            return


def _sendable(error: Exception) -> Exception:
    """The error, or one with its text where it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever its class does
        return RuntimeError(show_error(error))
    return error


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever asks
    serve(Connection(int(sys.argv[1])))
