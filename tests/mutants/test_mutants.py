"""Every planted fault is caught. ``python -m tests.mutants`` shows how soon by random programs.

Here a fault is hunted by those random programs alone that have what the fault is about, which
takes fewer of them. Bounds are about four times of what was measured.
"""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from shoal_analysis.fuzzing.cases import Case
from shoal_analysis.fuzzing.oracles import Difference
from tests.mutants import __main__ as command
from tests.mutants import hunt as hunting
from tests.mutants.faults import FAULTS, Fault
from tests.mutants.hunt import Programs, failure, hunt

BOUND = 250
CRASHES = {
    "a neuron too many",
    "alternative ignored",
    "erased too early",
    "erasures for nothing",
    "half an erasure",
    "heads of any selector shared",
    "overlap before the check",
    "read not declared",
}
"""Faults that the compiler notices by itself; a crash by another one is of the fault's own code."""

pytestmark = pytest.mark.slow

HARMLESS = Fault("harmless", "nothing", nullcontext)


@pytest.fixture(scope="module")
def programs() -> Programs:
    return Programs(seed=0)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_is_caught(fault: Fault, programs: Programs) -> None:
    caught = hunt(fault, programs, BOUND, selective=True)
    assert caught is not None
    assert not caught.stage.startswith("crash") or fault.name in CRASHES, caught.message
    # it was the fault, and the fault is gone
    assert failure(caught.case, fault.on_haiku) is None


def test_there_are_enough_faults_with_names_of_their_own() -> None:
    assert len(FAULTS) >= 15
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert len({fault.what_is_wrong for fault in FAULTS}) == len(FAULTS)


def test_what_does_no_harm_is_not_caught(programs: Programs) -> None:
    assert hunt(HARMLESS, programs, 3) is None


def test_the_command_tells_what_caught_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "causal mask off by one", "--programs", "100"]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "1 of 1 faults caught" in output
    assert "numpy: on" in output


def test_the_command_fails_if_a_fault_escapes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "FAULTS", (HARMLESS,))
    assert command.main(["--programs", "3"]) == 1
    assert "ESCAPED" in capsys.readouterr().out


def test_the_command_tells_when_the_compiler_is_at_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def examine(case: Case, haiku: bool) -> None:
        raise Difference("craft", "all is wrong")

    monkeypatch.setattr(hunting, "examine", examine)
    assert command.main(["--programs", "3"]) == 2
    assert "without a planted fault" in capsys.readouterr().out
