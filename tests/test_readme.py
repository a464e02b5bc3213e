"""The README's examples print what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shoal_cli.main import main

README = (Path(__file__).parent.parent / "README.md").read_text()


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def test_the_program_prints_what_the_readme_says(capsys: pytest.CaptureFixture[str]) -> None:
    found = re.search(r"```python\n(.*?)```\n\nprints\n\n```\n(.*?)```", README, re.DOTALL)
    assert found is not None
    source, expected = found.groups()
    exec(compile(source, "README.md", "exec"), {})
    assert lines(capsys.readouterr().out) == lines(expected)


CONSOLE = re.findall(r"```console\n\$ shoal (.*?)\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("command", "expected"), CONSOLE)
def test_commands_print_what_the_readme_says(
    command: str,
    expected: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(command.split()) == 0
    printed = capsys.readouterr().out
    if command.startswith("compare"):  # all but the column of times
        time = re.compile(r" +\d+(?=  \S+ *$| +\d+/\d+ all *$)", re.MULTILINE)
        assert [time.sub("", x) for x in lines(printed)] == [
            time.sub("", x) for x in lines(expected)
        ]


def test_the_readme_begins_with_the_two_commands() -> None:
    first, second = lines(README)[3:5]
    assert first.startswith("make demo ")
    assert second.startswith("make test ")
