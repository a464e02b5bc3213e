"""Processes that worker of a cluster run batches in."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from shoal_analysis.engine.child import Child, ChildDiedError


class Unsendable(Exception):
    """Cannot be made from its arguments, so that pickle cannot send it."""

    def __init__(self) -> None:
        super().__init__("one", "two")


def process_id() -> int:
    return os.getpid()


def fail(kind: str) -> None:
    raise {"value": ValueError("no"), "odd": Unsendable()}[kind]


def die(with_signal: bool) -> None:
    if with_signal:
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(3)


def say(text: str) -> str:
    print(text)
    return text


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child()
    yield child
    child.close()


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="clusters run on POSIX")


def test_calls_run_in_one_process_that_is_another(child: Child) -> None:
    first = child.call(process_id)
    assert first == child.call(process_id) != os.getpid()
    assert child.call(say, "output is no answer") == "output is no answer"


def test_errors_come_back_and_the_process_goes_on(child: Child) -> None:
    with pytest.raises(ValueError, match="no"):
        child.call(fail, "value")
    with pytest.raises(RuntimeError, match="Unsendable"):
        child.call(fail, "odd")
    assert child.call(process_id) > 0


@pytest.mark.parametrize(("with_signal", "ending"), [(True, "SIGKILL"), (False, "exit code 3")])
def test_a_death_says_how(child: Child, with_signal: bool, ending: str) -> None:
    with pytest.raises(ChildDiedError, match=ending):
        child.call(die, with_signal)
    with pytest.raises(ChildDiedError):
        child.call(process_id)


def test_it_ends_when_it_is_closed() -> None:
    child = Child()
    number = child.call(process_id)
    child.close()
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
