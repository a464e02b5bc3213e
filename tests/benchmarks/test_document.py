"""The benchmarks' page is measured, written and whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from benchmarks.document.__main__ import main
from benchmarks.document.page import CHAPTERS


def test_the_page_has_every_chapter_and_its_pictures(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    main(["--small", "--output", str(path)])
    text = path.read_text()
    assert len(re.findall("^## ", text, re.M)) == len(CHAPTERS)
    pictures = re.findall(r"!\[.*\]\((.*)\)", text)
    assert pictures
    for picture in pictures:
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
    for line in re.findall(r"^\|.*$", text, re.M):
        assert line.count("|") >= 4


def test_a_chapter_by_itself_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--small", "growth"])
    assert "reverse" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["nothing"], "no chapter"), (["--output", "/no/such/folder/page.md"], "no folder")],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert says in capsys.readouterr().err
