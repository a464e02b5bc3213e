"""How far compiled models can be compressed, and what shares directions then.

Writes docs/images/superposition/*.png and a table of accuracies, by several seeds each, for
docs/superposition.md. What has been learnt is kept in a folder, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import shoal
from shoal.options import ALL
from shoal.rasp.stock import STOCK
from shoal.rasp.values import Value
from shoal_analysis.lab.realism.curves import CompressionCurve, compression_curve
from shoal_analysis.lab.realism.drawings import draw_compression, draw_shared
from shoal_analysis.lab.realism.schedule import Schedule

NARROW = tuple(name for name in ALL if name != "linear-counts")
IMAGES = Path(__file__).parents[1] / "docs" / "images" / "superposition"


@dataclass(frozen=True)
class Case:
    """A model that is compressed.

    Attributes:
        name: of a stock program.
        vocab: tokens.
        max_seq_len: of the inputs.
        is_wide: whether each expression is a component, and each value keeps its columns.
        widths: that it is compressed to.
        shown: the width of which W W^T is drawn.
    """

    name: str
    vocab: tuple[Value, ...]
    max_seq_len: int
    is_wide: bool
    widths: tuple[int, ...]
    shown: int

    @property
    def title(self) -> str:
        """The program, and how it is compiled."""
        return f"{self.name}, {'wide' if self.is_wide else 'narrow'}"

    @property
    def file(self) -> str:
        """What its files are called."""
        return self.title.replace(", ", "-")

    def compiled(self) -> shoal.Model:
        """The model."""
        program = STOCK[self.name].make(self.max_seq_len)
        where = {"vocab": self.vocab, "max_seq_len": self.max_seq_len}
        if self.is_wide:
            return shoal.compile(program, passes="none", reuse=False, **where)
        return shoal.compile(program, passes=NARROW, **where)


CASES = (
    Case("frac_prevs", ("a", "b", "c"), 5, True, (1, 2, 3, 4, 5, 6, 8), 5),
    Case("frac_prevs", ("a", "b", "c"), 5, False, (1, 2, 3, 4, 5, 6, 7), 5),
    Case("sort", (1, 2, 3), 3, True, (2, 4, 6, 8, 10, 14), 8),
    Case("sort", (1, 2, 3), 3, False, (2, 3, 4, 5, 6, 7, 8), 5),
)


def measured(case: Case, arguments: argparse.Namespace, bar: Progress) -> CompressionCurve:
    """The curve of a case."""
    task = bar.add_task(case.title, total=None)
    folder = Path(arguments.folder) / case.file
    folder.mkdir(parents=True, exist_ok=True)
    schedule = Schedule(steps=arguments.steps, layer_weight=arguments.layer_weight)
    return compression_curve(
        case.compiled(),
        case.widths,
        range(arguments.seeds),
        schedule,
        folder,
        lambda done, of: bar.update(task, completed=done, total=of),
    )


def shown(case: Case, curve: CompressionCurve) -> list[tuple[str, ...]]:
    """Rows of the table."""
    bound = "-" if curve.bound is None else str(curve.bound)
    return [
        (
            case.title,
            str(curve.d_model),
            bound,
            str(point.d),
            f"{point.mean:.3f} ± {point.deviation:.3f}",
            f"{min(point.accuracies):.3f}",
            f"{sum(point.similarities) / len(point.similarities):.3f}",
        )
        for point in curve.points
    ]


def draw(found: Sequence[tuple[Case, CompressionCurve]]) -> None:
    """Write the pictures of docs/superposition.md."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name in dict.fromkeys(case.name for case, _ in found):
        curves = {case.title: curve for case, curve in found if case.name == name}
        figure = draw_compression(curves)
        figure.savefig(IMAGES / f"{name}.png", dpi=110)
    for case, curve in found:
        best = max((c for c in curve.compressions if c.d == case.shown), key=lambda c: c.accuracy)
        draw_shared(best).savefig(IMAGES / f"{case.file}-shared.png", dpi=110)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0 on")
    parser.add_argument("--steps", type=int, default=4000, help="of training")
    parser.add_argument("--layer-weight", type=float, default=1.0, help="of the loss on layers")
    parser.add_argument("--folder", default=".superposition", help="where results are kept")
    parser.add_argument("--no-pictures", action="store_true", help="print the table alone")
    arguments = parser.parse_args()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    error = Console(stderr=True)
    with Progress(*columns, console=error, transient=True, disable=not error.is_terminal) as bar:
        found = [(case, measured(case, arguments, bar)) for case in CASES]
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in ("program", "columns", "bound", "d", "accuracy", "worst seed", "cosine"):
        table.add_column(name, justify="left" if name == "program" else "right", no_wrap=True)
    for case, curve in found:
        for row in shown(case, curve):
            table.add_row(*row)
    Console().print(table)
    if not arguments.no_pictures:
        draw(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
