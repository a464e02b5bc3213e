"""Every block of code in the README and in docs/ runs, and prints what is written there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shoal import rasp
from shoal.errors import Refusal
from tests.documents.pages import blocks, pages
from tests.documents.running import PageRun, lines

ROOT = Path(__file__).parents[2]
PAGES = pages(ROOT)
RUN = [name for name, page in PAGES.items() if any(blocks(page))]


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
def test_it_prints_what_is_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    run = PageRun(name)
    run.check(PAGES[name])
    if run.lacking:
        pytest.skip(f"all but what needs {', '.join(sorted(run.lacking))} ran")


def commands_of(page: str) -> list[str]:
    """The lines of the first block of a page."""
    return lines(page.split("```")[1].strip("\n"))


def test_the_readme_begins_with_the_two_commands() -> None:
    first, second = commands_of(PAGES["README.md"])
    assert first.startswith("make demo ")
    assert second.startswith("make test ")


@pytest.mark.parametrize("name", rasp.__all__)
def test_the_language_page_has_all_of_the_language(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGES["docs/language.md"])


@pytest.mark.parametrize("kind", Refusal, ids=lambda kind: kind.name)
def test_the_page_of_limits_shows_and_cures_every_refusal(kind: Refusal) -> None:
    sections = PAGES["docs/limits.md"].split("\n### ")
    (section,) = [each for each in sections if each.startswith(f"{kind.name}\n")]
    assert f"\n{kind.name}: " in section, "no program is refused"
    assert "\n<Model of " in section, "no program is compiled"
    assert "\n*Cure*: " in section
