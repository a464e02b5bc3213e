"""The examples of the README, and of what is read after it, print what is written there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shoal_cli.main import main

ROOT = Path(__file__).parent.parent
DOCUMENTS = {
    name: (ROOT / name).read_text() for name in ("README.md", "docs/passes.md", "docs/patching.md")
}
CONSOLE = [
    example
    for text in DOCUMENTS.values()
    for example in re.findall(r"```console\n\$ shoal (.*?)\n(.*?)```", text, re.DOTALL)
]


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def figures(table: str) -> list[list[str]]:
    """The cells of a comparison, without the column of times and without proofs."""
    rows = [line.split() for line in lines(table)]
    end = rows[0].index("ms") - rows[0].index("layers")
    numbers = [[cell for cell in row if re.fullmatch(r"[\d,]+", cell)] for row in rows[1:]]
    return [row[:end] for row in numbers]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_programs_print_what_is_written(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    pattern = r"```python\n(.*?)```\n\nprints\n\n```\n(.*?)```"
    (example,) = re.findall(pattern, DOCUMENTS[name], re.DOTALL)
    source, expected = example
    exec(compile(source, name, "exec"), {})
    assert lines(capsys.readouterr().out) == lines(expected)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "expected"), CONSOLE)
def test_commands_print_what_is_written(
    command: str,
    expected: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main(command.split()) == 0
    printed = capsys.readouterr().out
    if command.startswith("compare"):
        assert figures(printed) == figures(expected)
    else:
        assert lines(printed) == lines(expected)


def test_the_readme_begins_with_the_two_commands() -> None:
    first, second = lines(DOCUMENTS["README.md"])[3:5]
    assert first.startswith("make demo ")
    assert second.startswith("make test ")
