"""The command line solves stored instances and explains errors without tracebacks."""

from pathlib import Path

import pytest

from shoal_solvers import Budgets, solve
from shoal_solvers.__main__ import main
from shoal_solvers.serialize import problem_to_json, result_from_json
from tests.solvers.problems import chain


def test_prints_schedule_and_proofs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "chain.json", tmp_path / "result.json"
    path.write_text(problem_to_json(chain()))
    assert main([str(path), "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    for word in ("chain", "make_a", "make_c (alternative 1)", "layers", "optimal"):
        assert word in printed
    assert max(map(len, printed.splitlines())) <= 100
    assert result_from_json(out.read_text()).costs == solve(chain()).costs


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        (None, [], "cannot read"),
        ("{", [], "no valid JSON"),
        (b"\xff\xfe", [], "it is no UTF-8 text"),
        (problem_to_json(chain()), ["--solver", "magic"], "unknown solver 'magic'"),
        (problem_to_json(chain()), ["--time-limit", "-1"], "time_limit is -1.0"),
        (problem_to_json(chain()), ["--json", "no/such/folder"], "cannot write"),
        (problem_to_json(chain(Budgets(max_width=4))), [], "max_width=4 is in the way"),
    ],
)
def test_errors(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str | bytes | None,
    options: list[str],
    expected: str,
) -> None:
    path = tmp_path / "instance.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main([str(path), *options]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert expected in captured.err
    assert "Traceback" not in captured.err
