"""What is written in a page: blocks to run, what they print, and files that they need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(
    r"(?:^<!-- needs (?P<needs>[\w, ]+) -->\n+)?"
    r"^```(?P<kind>\w*)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_BETWEEN = re.compile(r"\s*(?:prints\s*)?", re.DOTALL)
"""What may stand between a program and what it prints."""


@dataclass(frozen=True)
class Block:
    """A block of code in a page.

    Attributes:
        kind: "python", "console", "sh" or "file".
        text: what stands in it.
        line: of the page, where its text begins.
        needs: packages without which it cannot run.
        title: the name of the file that it stands for; "" if it is to be run.
        prints: what a program prints.
    """

    kind: str
    text: str
    line: int
    needs: tuple[str, ...] = ()
    title: str = ""
    prints: str = ""


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page that can be run, in their order; drawings are none.

    A ``python`` block is a program, and the ``text`` block after it what it prints. In a
    ``console`` block commands begin with "$ ", and what they print follows each. Lines of ``sh``
    blocks are commands alone. A block with a title stands for a file of that name. ``<!-- needs
    torch -->`` before a block names the packages that it imports.

    Raises:
        ValueError: a ``text`` block follows no program.
    """
    found = list(_FENCE.finditer(page))
    for number, fence in enumerate(found):
        line = page.count("\n", 0, fence.start("text")) + 1
        needs = tuple(re.findall(r"\w+", fence["needs"] or ""))
        if fence["kind"] == "text" and not _is_program(found, number - 1, page):
            raise ValueError(f"line {line}: a text block says what the program before it prints")
        if fence["title"]:
            yield Block("file", fence["text"], line, needs, fence["title"])
        elif fence["kind"] == "python":
            prints = found[number + 1]["text"] if _is_program(found, number, page) else ""
            yield Block("python", fence["text"], line, needs, prints=prints)
        elif fence["kind"] in ("console", "sh"):
            yield Block(fence["kind"], fence["text"], line, needs)


def _is_program(found: list[re.Match[str]], number: int, page: str) -> bool:
    """Whether a block is a program, and what it prints follows."""
    if number < 0 or number + 1 >= len(found):
        return False
    fence, following = found[number], found[number + 1]
    between = page[fence.end() : following.start()]
    is_python = fence["kind"] == "python" and not fence["title"]
    return is_python and following["kind"] == "text" and _BETWEEN.fullmatch(between) is not None


def commands(block: Block) -> Iterator[tuple[str, str | None]]:
    """The commands of a block, and what each prints; None where that is not said."""
    if block.kind == "sh":
        yield from ((line, None) for line in block.text.splitlines() if line)
        return
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def pages(root: Path) -> dict[str, str]:
    """The README and all pages of the documentation, by their paths."""
    paths = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in paths}
