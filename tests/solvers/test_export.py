"""Models as files that other solvers read: they find the same optimum."""

from __future__ import annotations

from pathlib import Path

import highspy
import pytest

from benchmarks.random_instances import InstanceShape, random_instance
from shoal_solvers import InvalidProblemError, export_model, solve
from shoal_solvers.__main__ import main
from tests.solvers.problems import chain


@pytest.mark.parametrize("file_format", ["lp", "mps"])
@pytest.mark.parametrize("objective", ["width", "neurons", "heads", "total"])
def test_another_solver_finds_the_same_optimum(
    file_format: str, objective: str, tmp_path: Path
) -> None:
    problem = random_instance(InstanceShape(12), 2)
    file = tmp_path / f"model.{file_format}"
    file.write_text(export_model(problem, file_format, objective=objective))
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    assert solver.readModel(str(file)) == highspy.HighsStatus.kOk
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    least = solve(problem, objectives=("layers", objective)).objectives[1].value
    assert round(solver.getInfo().objective_function_value) == least


def test_columns_say_what_they_stand_for() -> None:
    text = export_model(chain(), num_layers=2)
    for name in ("done.make_c.1.0", "used.make_c.1", "gone.x.0", "width"):
        assert name in text


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ({"file_format": "xls"}, "there is no file format 'xls'; known: lp, mps"),
        ({"objective": "layers"}, "objective is 'layers'; a model of some layers minimises one of"),
        ({"num_layers": 0}, "num_layers is 0; the problem needs 1 layers"),
        ({"num_layers": 10**9}, "more than 7 are of no use"),
    ],
)
def test_bad_arguments_are_explained(option: dict[str, object], expected: str) -> None:
    with pytest.raises(InvalidProblemError, match=expected):
        export_model(chain(), **option)  # type: ignore[arg-type]


def test_the_command_prints_a_model(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    stored = "tests/solvers/stored/problem_without_version.json"
    assert main(["export", stored, "--format", "mps"]) == 0
    assert "ENDATA" in capsys.readouterr().out
    assert main(["export", stored, "--objective", "layers"]) == 1
    assert "a model of some layers minimises" in capsys.readouterr().err
