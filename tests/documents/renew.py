"""Writes into pages what their blocks print: ``python -m tests.documents.renew docs/tutorial.md``.

Read the difference before it is committed: what is written is what came, right or not.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.documents.pages import Block, blocks
from tests.documents.running import PageRun, Printed, lines

_WIDTH = "100"


def renewed(name: str, page: str) -> str:
    """A page with what its blocks print, in the place of what was written."""
    run = PageRun(name)
    text, rest = "", page
    for block in blocks(page):
        before, _, rest = rest.partition(block.text)
        text += before
        replaced = block.text
        for printed in run.run(block):
            if _is_right(printed):
                continue
            if printed.command and printed.expected is not None:
                replaced = _with_output(replaced, printed)
            elif not printed.command:
                replaced, rest = _with_text(block, printed.printed, rest)
        text += replaced
    return text + rest


def _is_right(printed: Printed) -> bool:
    try:
        printed.check("")
    except AssertionError:
        return False
    return True


def _with_output(text: str, printed: Printed) -> str:
    line = f"$ {printed.command}\n"
    return text.replace(line + (printed.expected or ""), line + _trimmed(printed.printed), 1)


def _with_text(block: Block, printed: str, rest: str) -> tuple[str, str]:
    """A program's text, and what follows it, beginning with what it prints."""
    after = rest.removeprefix("```\n")
    if block.prints:
        before, _, after = after.partition(f"```text\n{block.prints}```\n")
    elif printed:
        before, after = "\n", after
    else:
        return block.text, rest
    return block.text, f"```\n{before}```text\n{_trimmed(printed)}```\n{after}"


def _trimmed(printed: str) -> str:
    return "".join(f"{line}\n" for line in lines(printed))


def main(paths: list[str]) -> None:
    """Renew pages."""
    os.environ["COLUMNS"] = _WIDTH
    for path in map(Path, paths):
        place, before = path.resolve(), path.read_text("utf-8")
        home = Path.cwd()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            after = renewed(path.as_posix(), before)
            os.chdir(home)
        place.write_text(after, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
