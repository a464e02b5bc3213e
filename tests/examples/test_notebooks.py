"""Every notebook runs, and the exercises' checks tell right from wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from examples.notebooks.checks import EXERCISES, check
from shoal import rasp

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

FOLDER = Path(__file__).parents[2] / "examples" / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
TO_BE_SOLVED = "exercises"


def notebook(name: str) -> Any:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def executed(name: str, allow_errors: bool = False) -> Any:
    book = notebook(name)
    for package in book.metadata.shoal.needs:
        pytest.importorskip(package)
    place = {"metadata": {"path": str(FOLDER)}}
    nbclient.NotebookClient(book, timeout=250, allow_errors=allow_errors, resources=place).execute()
    return book


def errors(cell: Any) -> list[str]:
    return [o.ename for o in cell.get("outputs", ()) if o.output_type == "error"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if name != TO_BE_SOLVED])
def test_notebooks_run(name: str) -> None:
    book = executed(name)
    assert any(cell.get("outputs") for cell in book.cells)


@pytest.mark.slow
def test_exercises_are_not_solved_yet() -> None:
    book = executed(TO_BE_SOLVED, allow_errors=True)
    asked = [cell for cell in book.cells if cell.cell_type == "code" and "check(" in cell.source]
    assert [errors(cell) for cell in asked] == [["AssertionError"]] * len(EXERCISES)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_hold_no_outputs(name: str) -> None:
    assert not any(cell.get("outputs") for cell in notebook(name).cells)


def test_there_is_an_exercise_and_a_solution_for_each_check() -> None:
    for name in (TO_BE_SOLVED, "solutions"):
        text = "\n".join(cell.source for cell in notebook(name).cells)
        assert [key for key in EXERCISES if f'check("{key}", answer)' in text] == list(EXERCISES)


COUNTS = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ))
BEFORE = rasp.Select(rasp.indices, rasp.indices, lambda key, query: key == query - 1)
WRONG = {
    "the tokens": rasp.tokens,
    "a constant": rasp.Full(True),
    "the indices": rasp.indices,
    "nothing": rasp.Aggregate(
        rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.FALSE), rasp.tokens
    ),
    "counts one-hot": rasp.keep(COUNTS)
    + rasp.keep(rasp.Aggregate(BEFORE, rasp.keep(COUNTS), default=0)),
}


@pytest.mark.parametrize("answer", WRONG)
@pytest.mark.parametrize("name", EXERCISES)
def test_checks_refuse_wrong_answers(name: str, answer: str) -> None:
    with pytest.raises(AssertionError, match=name):
        check(name, WRONG[answer])
