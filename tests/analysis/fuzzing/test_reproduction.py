from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from shoal_analysis.fuzzing.cases import Case
from shoal_analysis.fuzzing.oracles import Difference
from shoal_analysis.fuzzing.reproduction import reproduction
from tests.analysis.fuzzing.making import make_case
from tests.mutants.faults import FAULTS

ODD_MESSAGE = 'a """quoted""" message\\with\nlines and {braces}'
ODD_VOCAB = ((0, 1), "it's", 'say "x"', "back\\slash", 2.5, True)


@pytest.mark.slow
def test_a_file_prints_the_verdict(tmp_path: Path) -> None:
    path = tmp_path / "failure.py"
    path.write_text(reproduction(make_case(), "something was wrong"))
    done = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.startswith("Verdict(outcome='agrees'")
    assert "something was wrong" in path.read_text()


def test_a_file_raises_as_long_as_the_fault_is_there(tmp_path: Path) -> None:
    path = tmp_path / "failure.py"
    path.write_text(reproduction(make_case(), "a width is missing"))
    (fault,) = (fault for fault in FAULTS if fault.name == "missing width")
    with fault.apply(), pytest.raises(Difference, match="craft"):
        runpy.run_path(str(path), run_name="__main__")
    runpy.run_path(str(path), run_name="__main__")


def test_files_hold_the_whole_case(sample: list[Case], tmp_path: Path) -> None:
    path = tmp_path / "failure.py"
    for case in sample[::5]:
        path.write_text(reproduction(case, "message"))
        stored = runpy.run_path(str(path))["case"]
        assert stored.source() == case.source()
        assert repr(stored.vocab) == repr(case.vocab)
        assert (stored.options, stored.seed) == (case.options, case.seed)


def test_messages_and_tokens_may_hold_quotes_and_backslashes(tmp_path: Path) -> None:
    path = tmp_path / "failure.py"
    case = make_case("v0 = tokens == 'it\\'s'\nv1 = Map(as_text, v0)", vocab=ODD_VOCAB)
    path.write_text(reproduction(case, ODD_MESSAGE))
    stored = runpy.run_path(str(path))["case"]
    assert stored.vocab == ODD_VOCAB
    assert stored.source() == case.source()
