"""Long calls of engines that Ctrl-C ends with what was found."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def run_interruptibly(call: Callable[[], T], stop: Callable[[], object]) -> tuple[T, bool]:
    """What a call gives, and whether Ctrl-C ended it.

    The call runs in a thread, so that Ctrl-C reaches this one at once. (A thread whose ``join`` is
    interrupted is taken for finished by Python 3.11, so an event says when it is.)

    Args:
        call: the search; its exceptions are raised here.
        stop: asks it to end soon. It is repeated, since an engine may not hear it before it runs.
    """
    answers: list[T] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def work() -> None:
        try:
            answers.append(call())
        except BaseException as error:  # noqa: BLE001 - it is raised again by whoever waits
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=work, daemon=True).start()
    interrupted = False
    try:
        done.wait()
    except KeyboardInterrupt:
        interrupted = True
        stop()
        while not done.wait(0.05):
            stop()
    if errors:
        raise errors[0]
    return answers[0], interrupted
