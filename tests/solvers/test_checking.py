"""``python -m shoal_solvers check`` says what is valid, what is claimed, and what is not so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from shoal_solvers import (
    AllocationProblem,
    Budgets,
    Result,
    Status,
    allocation_to_json,
    problem_identity,
    problem_to_json,
    result_to_json,
    solve,
)
from shoal_solvers.__main__ import main
from tests.solvers.problems import chain, fan

Check = Callable[[AllocationProblem, str], tuple[int, str]]


@pytest.fixture
def checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Writes a problem and a solution, and gives exit status and output of the check."""

    def run(problem: AllocationProblem, solution: str) -> tuple[int, str]:
        paths = tmp_path / "problem.json", tmp_path / "solution.json"
        for path, text in zip(paths, (problem_to_json(problem), solution), strict=True):
            path.write_text(text)
        status = main(["check", *map(str, paths)])
        captured = capsys.readouterr()
        assert captured.err == ""
        return status, captured.out

    return run


def test_a_valid_result(checked: Check) -> None:
    assert checked(chain(), result_to_json(solve(chain()), chain())) == (
        0,
        f"problem     chain, identity {problem_identity(chain())}\n"
        "belongs to  this problem, by its identity\n"
        "allocation  valid: it keeps every rule\n"
        "objective  counted  claimed  equal\n"
        "layers           1        1  yes\n"
        "width            5        5  yes\n"
        "neurons         11       11  yes\n"
        "heads            1        1  yes\n"
        "total           12       12  yes\n",
    )


def test_a_valid_allocation_that_names_no_problem(checked: Check) -> None:
    status, printed = checked(chain(), allocation_to_json(solve(chain()).allocation))
    assert status == 0
    assert "belongs to  unknown: the file names no problem\n" in printed
    assert "neurons         11\n" in printed
    assert "claimed" not in printed


def test_a_valid_allocation_of_another_problem(checked: Check) -> None:
    loose = chain(Budgets(max_layers=9))
    status, printed = checked(chain(), result_to_json(solve(loose), loose))
    assert status == 0
    assert f"belongs to  another problem, {problem_identity(loose)}; what is proven in" in printed


def test_every_broken_rule_is_listed(checked: Check) -> None:
    tight = chain(Budgets(max_width=4, max_neurons=10))
    status, printed = checked(tight, allocation_to_json(solve(chain()).allocation, tight))
    assert status == 1
    assert "allocation  breaks 2 rules:\n" in printed
    assert "  - max_width is 4, but the allocation has 5\n" in printed
    assert "  - max_neurons is 10, but the allocation has 11\n" in printed
    assert "counted" not in printed


def test_an_allocation_of_something_else_is_refused(checked: Check) -> None:
    status, printed = checked(chain(), allocation_to_json(solve(fan()).allocation, fan()))
    assert status == 1
    assert "belongs to  another problem" in printed
    assert "places unknown operation 'make_d'" in printed


def objectives(result: Result, number: int, **changes: object) -> Result:
    """The result with one objective changed."""
    each = list(result.objectives)
    each[number] = replace(each[number], **changes)  # type: ignore[arg-type]
    return replace(result, objectives=tuple(each))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda r: replace(r, costs=replace(r.costs, width=4)),
            "width: the file claims 4, but 5 are counted",
        ),
        (
            lambda r: objectives(r, 2, value=10, bound=10),
            "objective neurons: its value is 10, but 11 are counted",
        ),
        (
            lambda r: objectives(r, 2, bound=12),
            "objective neurons: its bound 12 is above its value 11",
        ),
        (
            lambda r: objectives(r, 2, bound=9),
            "objective neurons: called optimal, though its bound 9 is below its value 11",
        ),
        (
            lambda r: replace(r, objectives=r.objectives[:1] * 2),
            "objective layers: the file has it 2 times",
        ),
        (
            lambda r: objectives(r, 0, name="depth"),
            "objective depth: unknown; known are layers, width",
        ),
    ],
)
def test_wrong_claims_are_listed(
    checked: Check, change: Callable[[Result], Result], expected: str
) -> None:
    status, printed = checked(chain(), result_to_json(change(solve(chain())), chain()))
    assert status == 1
    assert "allocation  valid" in printed
    assert "claims      1 claim of the file is wrong:\n" in printed
    assert f"  - {expected}" in printed


def test_an_open_objective_is_no_wrong_claim(checked: Check) -> None:
    result = objectives(solve(chain()), 2, bound=9, status=Status.FEASIBLE)
    assert checked(chain(), result_to_json(result, chain()))[0] == 0


def test_both_cannot_be_standard_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-", "-"]) == 2
    assert "cannot both be standard input; give a file" in capsys.readouterr().err


def test_names_cannot_forge_lines(checked: Check) -> None:
    problem = replace(chain(), name="chain\nallocation  valid: it keeps every rule\x1b[2J")
    data = json.loads(allocation_to_json(solve(chain()).allocation))
    data["erasures"]["a\nallocation  valid"] = 1
    status, printed = checked(problem, json.dumps(data))
    assert status == 1
    assert not any(line.startswith("allocation  valid") for line in printed.splitlines())
    assert "\x1b" not in printed
