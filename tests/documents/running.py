"""Runs the blocks of a page, and compares what they print with what is written."""

from __future__ import annotations

import io
import linecache
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from shoal_cli.main import main
from tests.documents.pages import Block, blocks, commands

_SECONDS = 250
_ERRORS = ("shoal: ", "error: ")  # what a command that fails prints first
_TIMES = re.compile(r"^(compile time +).*$", re.MULTILINE)


@dataclass(frozen=True)
class Printed:
    """What a program or a command printed.

    Attributes:
        command: "" for a program.
        expected: what is written; None where nothing is.
        printed: what came.
        status: with which it ended; None if it was not run.
    """

    command: str
    expected: str | None
    printed: str
    status: int | None = 0

    def check(self, where: str) -> None:
        """Compare.

        Raises:
            AssertionError: what came is not what is written.
        """
        if self.status is None:
            assert self.expected is None, f"{where}: cannot run {self.command}"
        elif self.expected is None:
            assert self.status == 0, f"{where}: {self.printed}"
        elif self.command.startswith("shoal compare"):
            assert figures(self.printed) == figures(self.expected), f"{where}: {self.printed}"
        else:
            assert lines(self.printed) == lines(self.expected), where
            assert (self.status == 0) != self.expected.startswith(_ERRORS), where


@dataclass
class PageRun:
    """One run of a page in the current folder.

    Attributes:
        name: of the page.
        namespace: what its programs have defined so far.
        lacking: packages for want of which blocks were left out.
        source: the programs that ran, on the lines where they stand, so that lambdas print.
    """

    name: str
    namespace: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    lacking: set[str] = field(default_factory=set)
    source: str = ""

    def check(self, page: str) -> None:
        """Run all blocks of a page in their order.

        Raises:
            AssertionError: a block prints something else than what is written, or a command fails.
        """
        for block in blocks(page):
            for printed in self.run(block):
                printed.check(f"{self.name}:{block.line}")

    def run(self, block: Block) -> list[Printed]:
        """Run a block, if what it needs is installed."""
        missing = {package for package in block.needs if find_spec(package) is None}
        self.lacking |= missing
        if missing:
            return []
        if block.kind == "file":
            Path(block.title).write_text(block.text, "utf-8")
            return []
        if block.kind == "python":
            return [Printed("", block.prints, _output(lambda: self._run_python(block)))]
        return [_command(*each) for each in commands(block)]

    def _run_python(self, block: Block) -> None:
        self.source += "\n" * (block.line - 1 - self.source.count("\n")) + block.text
        text = self.source.splitlines(keepends=True)
        linecache.cache[self.name] = (len(self.source), None, text, self.name)
        program = "\n" * (block.line - 1) + block.text
        exec(compile(program, self.name, "exec"), self.namespace)


def _command(command: str, expected: str | None) -> Printed:
    program, *arguments = shlex.split(command)
    if program not in _PROGRAMS:
        return Printed(command, expected, "", None)
    status, printed = _PROGRAMS[program](arguments)
    return Printed(command, expected, printed, status)


def _shoal(arguments: list[str]) -> tuple[int, str]:
    """The exit status of the command line, and what it prints."""
    statuses = []
    printed = _output(lambda: statuses.append(main(arguments)))
    return statuses[0], printed


def _python(arguments: list[str]) -> tuple[int, str]:
    """The exit status of Python, and what it prints."""
    ran = subprocess.run(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return ran.returncode, ran.stdout


_PROGRAMS = {"shoal": _shoal, "python": _python}


def _output(run: Callable[[], None]) -> str:
    """All that is printed meanwhile."""
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        run()
    return printed.getvalue()


def lines(text: str) -> list[str]:
    """The lines of an output, without blanks at their ends and without times."""
    return [line.rstrip() for line in _TIMES.sub(r"\1...", text).strip("\n").splitlines()]


def figures(table: str) -> list[list[str]]:
    """The cells of a comparison, without the column of times and without proofs."""
    rows = [line.split() for line in lines(table)]
    end = rows[0].index("ms") - rows[0].index("layers")
    numbers = [[cell for cell in row if re.fullmatch(r"[\d,]+", cell)] for row in rows[1:]]
    return [row[:end] for row in numbers]
