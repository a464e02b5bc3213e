"""A sign of life on standard error, while what takes longer than a moment is done.

It is there on terminals alone, and goes when the work is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeElapsedColumn


def progress_bar(*columns: ProgressColumn) -> Progress:
    """A progress bar of these columns; nothing where standard error is no terminal."""
    console = Console(stderr=True, highlight=False)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def at_work(what: str) -> Iterator[Callable[[str], None]]:
    """Show that something is being done, and for how long.

    Args:
        what: is done.

    Yields:
        A function that says how far it is.
    """
    columns = (SpinnerColumn("line"), TextColumn("{task.description}", markup=False))
    with progress_bar(*columns, TimeElapsedColumn()) as bar:
        task = bar.add_task(what, total=None)
        yield lambda stage: bar.update(task, description=f"{what}: {stage}")
