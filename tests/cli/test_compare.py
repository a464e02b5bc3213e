from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from shoal.options import ALL
from shoal_cli.main import main
from shoal_solvers import SOLVERS


def test_allocators_and_passes_side_by_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "figures.json"
    assert main(["compare", "reverse", "hist", "--json", str(path)]) == 0
    figures = json.loads(path.read_text())
    assert len(figures) == 2 * 2 * len(SOLVERS)
    best = [f for f in figures if f["allocator"] == "cp-sat" and f["program"] == "reverse"]
    assert {f["passes"]: f["layers"] for f in best} == {"none": 4, "all": 2}
    assert all(f["proven"] == "all" for f in best)
    assert "total" in capsys.readouterr().out


def test_csv_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "hist", "--allocators", "cp-sat", "--csv", "-"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["passes"] for row in rows] == ["none", "all"]
    assert rows[0]["layers"] == "1"


def test_ablation_leaves_out_each_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "reverse", "--ablation", "--totals"]) == 0
    lines = capsys.readouterr().out.splitlines()
    shown = [line.removeprefix("total").split()[0] for line in lines[1:]]
    assert shown[: len(ALL) + 3] == ["none", *(f"-{name}" for name in ALL), "all", "+binary"]
    assert all(len(line) <= 80 for line in lines)


def test_budgets_apply(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "sort", "--allocators", "cp-sat", "--max-width", "40"]) == 2
    assert "--max-width 40 is in the way" in " ".join(capsys.readouterr().err.split())
