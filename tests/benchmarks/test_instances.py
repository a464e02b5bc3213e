"""The public problems are readable, are what their seeds give, and what is known of them holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.instances import make, rank
from benchmarks.instances.files import PROBLEMS, better_known, problems, read_known, write_known
from shoal_solvers import problem_identity, result_to_json, solve

SMALL = ["random_plain_10_1", "random_fused_10_1", "random_budget_width_10_1", "stock_sort_all"]


def test_what_is_known_is_about_these_problems() -> None:
    known = read_known()
    every = dict(problems())
    assert set(known) == set(every)
    for name, problem in every.items():
        assert known[name].problem == problem_identity(problem)
        assert known[name].bounds[0] <= known[name].values[0]


def test_seeds_give_the_stored_problems() -> None:
    stored = dict(problems())
    for name, problem in make.random_ones():
        assert problem_identity(problem) == problem_identity(stored[name])


@pytest.mark.parametrize("name", SMALL)
def test_small_ones_are_solved_to_what_is_known(name: str) -> None:
    known = read_known()[name]
    result = solve(dict(problems())[name])
    assert result.proven
    assert known.is_proven
    assert result.costs.as_tuple() == known.values


def test_solvers_are_ranked_and_what_is_better_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exact, quick, broken = (tmp_path / name for name in ("exact", "quick", "broken"))
    for folder in (exact, quick, broken):
        folder.mkdir()
    every = dict(problems())
    for name in SMALL:
        (exact / f"{name}.json").write_text(result_to_json(solve(every[name])))
    for name in SMALL[:2]:
        result = solve(every[name], "critical-path")
        (quick / f"{name}.json").write_text(result_to_json(result))
    shutil.copy(exact / f"{SMALL[0]}.json", broken / f"{SMALL[1]}.json")
    assert rank.main([str(exact), str(quick), str(broken)]) == 1
    printed = capsys.readouterr().out
    lines = [line.split() for line in printed.splitlines() if "│" in line]
    names = [cells[1] for cells in lines]
    assert names == ["exact", "quick", "broken"]
    assert lines[0][3] == lines[0][5] == str(len(SMALL))
    assert f"broken: {SMALL[1]} cannot be used" in printed


def test_better_values_and_bounds_are_kept(tmp_path: Path) -> None:
    name, problem = next(iter(problems()))
    weak = better_known(None, solve(problem, "critical-path"))
    strong = better_known(weak, solve(problem))
    assert strong.values <= weak.values
    assert strong.is_proven
    assert better_known(strong, solve(problem, "critical-path")) == strong
    write_known({name: strong}, tmp_path / "known.json")
    assert read_known(tmp_path / "known.json") == {name: strong}
    assert json.loads((PROBLEMS / f"{name}.json").read_text())["name"] == problem.name
