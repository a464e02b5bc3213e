"""The page of all chapters."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from io import BytesIO
from os import cpu_count
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import numpy
import ortools

import shoal
from benchmarks.document import allocators, growing, running, solving
from benchmarks.document.allocators import Progress
from benchmarks.document.chapter import Chapter, Scale
from shoal.files import write_file, write_text

FOLDER = "images/benchmarks"
"""Of the pictures, seen from the page."""


class Measure(Protocol):
    """What makes a chapter."""

    def __call__(self, scale: Scale, progress: Progress) -> Chapter:
        """Measure, and say on the way what is measured."""


CHAPTERS: Mapping[str, Measure] = MappingProxyType(
    {
        "stock-programs": allocators.stock_programs,
        "random-programs": allocators.random_programs,
        "passes": allocators.passes,
        "growth": growing.growth,
        "solver-scale": solving.solver_scale,
        "throughput": running.throughput,
    }
)
"""By the names that the command line knows, in their order on the page."""


def machine() -> str:
    """On what it was measured."""
    return (
        f"Measured on {cpu_count()} cores ({platform.machine()}, {platform.system()}), without an "
        f"accelerator, by Python {platform.python_version()}, NumPy {numpy.__version__}, "
        f"OR-Tools {ortools.__version__} and Shoal {shoal.__version__}. Sizes are the same on "
        "every machine; times are of this one, and only their ratios mean something elsewhere."
    )


def page(chapters: Sequence[Chapter]) -> str:
    """The page, in Markdown."""
    parts = ["# Benchmarks", "Written by `make bench`. " + machine()]
    return "\n\n".join([*parts, *(chapter.markdown(FOLDER) for chapter in chapters)]) + "\n"


def write(path: Path, chapters: Sequence[Chapter]) -> None:
    """Write the page, and its pictures beside it."""
    folder = path.parent / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for chapter in chapters:
        for name, figure in chapter.pictures.items():
            content = BytesIO()
            figure.savefig(content, format="png", dpi=110, metadata={"Software": None})
            made = content.getvalue()
            write_file(folder / f"{name}.png", lambda file, made=made: file.write(made))
    write_text(path, page(chapters))
