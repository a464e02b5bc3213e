"""``python -m benchmarks.document``: measure all chapters, and write their page."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks.document.chapter import FULL, SMALL
from benchmarks.document.page import CHAPTERS, FOLDER, machine, write
from shoal.errors import InvalidInputError

EXAMPLES = """\
examples:
  python -m benchmarks.document
      all chapters, into docs/benchmarks.md, with pictures beside it
  python -m benchmarks.document growth throughput
      two of them, on the terminal
"""


def main(arguments: list[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "chapters", nargs="*", metavar="CHAPTER", help=f"of: {', '.join(CHAPTERS)} (default: all)"
    )
    parser.add_argument("--output", type=Path, help="the page (default: docs/benchmarks.md)")
    parser.add_argument("--small", action="store_true", help="a few small sizes alone, to try it")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.chapters if name not in CHAPTERS]
    if unknown:
        parser.error(f"there is no chapter {unknown[0]!r}; there are: {', '.join(CHAPTERS)}")
    output = options.output or (None if options.chapters else Path("docs/benchmarks.md"))
    if output is not None and not output.parent.is_dir():
        parser.error(f"--output {output}: there is no folder {output.parent}")
    scale = SMALL if options.small else FULL
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    chapters = []
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        for name in options.chapters or CHAPTERS:
            task = bar.add_task(name)

            def progress(what: str, name: str = name, task: object = task) -> None:
                bar.update(task, description=f"{name}: {what}")  # type: ignore[arg-type]

            chapters.append(CHAPTERS[name](scale, progress))
            bar.remove_task(task)
    console = Console()
    if output is None:
        console.print(Markdown("\n\n".join([machine(), *(c.markdown(FOLDER) for c in chapters)])))
        return
    try:
        write(output, chapters)
    except InvalidInputError as error:
        parser.error(str(error))
    console.print(str(output))


if __name__ == "__main__":
    main()
