"""``shoal view``."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest

from shoal_cli.main import main


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_page_is_written_here_and_its_path_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", "hist", "--max-seq-len", "3"]) == 0
    assert capsys.readouterr().out == "hist.html\n"
    page = Path("hist.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert page.endswith("</html>\n")
    assert "src=" not in page
    assert "@import" not in page


def test_a_page_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", "hist", "--max-seq-len", "3", "--output", "-"]) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")
    assert list(Path().iterdir()) == []


def test_a_saved_model_has_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "hist", "--max-seq-len", "3", "--save", "m.safetensors"]) == 0
    assert main(["view", "m.safetensors", "--output", "m.html"]) == 0
    assert Path("m.html").stat().st_size > 10_000


def test_weights_alone_have_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "hist", "--max-seq-len", "3", "--save", "m.npz"]) == 0
    assert main(["view", "m.npz"]) == 2
    assert "nothing to show by name" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("output", "says"), [(".", "this is a folder"), ("no/such/page.html", "there is no folder")]
)
def test_it_says_where_no_page_can_be(
    output: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["view", "hist", "--output", output]) == 2
    assert says in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("works", [True, False])
def test_a_browser_is_opened_only_when_asked(
    works: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []

    def open_page(url: str) -> bool:
        opened.append(url)
        return works

    monkeypatch.setattr(webbrowser, "open", open_page)
    main(["view", "hist", "--max-seq-len", "3"])
    assert opened == []
    assert main(["view", "hist", "--max-seq-len", "3", "--open"]) == (0 if works else 2)
    assert opened == [Path("hist.html").resolve().as_uri()]
    assert ("no browser" in capsys.readouterr().err) is not works


def test_a_slip_in_the_name_of_a_model_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "hist", "--max-seq-len", "3", "--save", "mine.safetensors"]) == 0
    assert main(["view", "mine.safetensor"]) == 2
    assert "did you mean mine.safetensors?" in " ".join(capsys.readouterr().err.split())
