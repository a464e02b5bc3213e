"""``python -m shoal_solvers bounds`` prints what nothing can have less of."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

from shoal_solvers import OBJECTIVES, AllocationProblem, Budgets, problem_to_json, solve
from shoal_solvers.__main__ import main
from shoal_solvers.commands.bounds import bounds_text
from tests.solvers.problems import chain, problems


def test_prints_each_objective(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "chain.json"
    path.write_text(problem_to_json(chain(Budgets(max_width=9))))
    assert main(["bounds", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "objective  at least  budget  what it counts"
    assert lines[1] == "layers            1          layers"
    assert lines[2] == "width             5       9  residual columns"
    assert [line.split()[0] for line in lines[1:6]] == list(OBJECTIVES)
    assert lines[6:] == ["all but the first for allocations in 1 layer"]


@settings(max_examples=25, deadline=None)
@given(problems(most_operations=4))
def test_none_is_above_what_the_solver_finds(problem: AllocationProblem) -> None:
    costs = solve(problem).costs
    lines = bounds_text(problem)
    bounds = dict(line.split()[:2] for line in lines[1 : 1 + len(OBJECTIVES)])
    assert int(bounds["layers"]) == costs.layers
    assert all(int(bounds[name]) <= getattr(costs, name) for name in OBJECTIVES)


@pytest.mark.parametrize(
    ("budgets", "expected"),
    [
        (Budgets(max_width=4), False),  # more layers might do
        (Budgets(max_layers=2, max_width=4), False),
        (Budgets(max_layers=1, max_width=4), "max_width=4 cannot be kept"),
        (Budgets(max_layers=1, max_width=4, max_neurons=8), "max_width=4, max_neurons=8 cannot"),
        (Budgets(max_layers=1, max_width=5), False),
    ],
)
def test_says_what_cannot_be_kept(budgets: Budgets, expected: str | bool) -> None:
    last = bounds_text(chain(budgets))[-1]
    if expected:
        assert f"no allocation meets the budgets: {expected}" in last
    else:
        assert last == "all but the first for allocations in 1 layer"


def test_says_that_there_are_too_few_layers() -> None:
    first, second, third = chain().operations
    longer = AllocationProblem(
        chain().variables,
        (first, second, type(third)("make_c", third.kind, ("c",), third.alternatives[:1])),
        Budgets(max_layers=1),
    )
    assert bounds_text(longer)[-1] == (
        "no allocation meets the budgets: max_layers=1 cannot be kept"
    )
