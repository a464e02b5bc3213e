"""The README's examples print what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shoal_cli.main import main

README = (Path(__file__).parent.parent / "README.md").read_text()
CONSOLE = re.findall(r"```console\n\$ shoal (.*?)\n(.*?)```", README, re.DOTALL)


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def figures(table: str) -> list[list[str]]:
    """The cells of a comparison, without the column of times and without proofs."""
    rows = [line.split() for line in lines(table)]
    end = rows[0].index("ms") - rows[0].index("layers")
    numbers = [[cell for cell in row if re.fullmatch(r"[\d,]+", cell)] for row in rows[1:]]
    return [row[:end] for row in numbers]


def test_the_program_prints_what_the_readme_says(capsys: pytest.CaptureFixture[str]) -> None:
    found = re.search(r"```python\n(.*?)```\n\nprints\n\n```\n(.*?)```", README, re.DOTALL)
    assert found is not None
    source, expected = found.groups()
    exec(compile(source, "README.md", "exec"), {})
    assert lines(capsys.readouterr().out) == lines(expected)


@pytest.mark.parametrize(("command", "expected"), CONSOLE)
def test_commands_print_what_the_readme_says(
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
    first, second = lines(README)[3:5]
    assert first.startswith("make demo ")
    assert second.startswith("make test ")
