"""What ``print`` shows of an allocation and of a result: plain text of at most 80 columns."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from shoal_solvers.timeline import ALTERNATING
from shoal_solvers.words import brief, printable

if TYPE_CHECKING:  # these modules ask for text themselves
    from shoal_solvers.allocation import Allocation
    from shoal_solvers.result import ObjectiveResult, Result

WIDTH = 80


def result_text(result: Result) -> str:
    """Every objective with what is proven about it, and what follows."""
    first = f"{brief(result.solver)}, {result.seconds:.2f} s"
    if result.problem:
        first += f", problem {brief(result.problem)}"
    rows = [(o.name, f"{o.value:,}", f"{o.bound:,}", str(o.status)) for o in result.objectives]
    lines = [first, *aligned(("objective", "value", "bound", "status"), rows, right=(1, 2))]
    if result.interrupted:
        lines.append("interrupted: this is the best that was found until then")
    return "\n".join([*lines, *textwrap.wrap(conclusion(result.objectives), WIDTH)])


def conclusion(objectives: Sequence[ObjectiveResult]) -> str:
    """What is proven about all objectives together, in one line."""
    still_open = [o for o in objectives if not o.proven]
    if not still_open:
        return "every objective is proven optimal"
    gaps = ", ".join(f"{o.name} by at most {o.gap:,}" for o in still_open)
    which = "no objective is" if len(still_open) == len(objectives) else "not every objective is"
    return f"{which} proven optimal; open: {gaps}"


def allocation_text(allocation: Allocation) -> str:
    """The half-layers in which anything happens, and what happens there."""
    runs, erased = defaultdict(list), defaultdict(list)
    for name, placement in allocation.placements.items():
        which = f" (alternative {placement.alternative})" if placement.alternative else ""
        runs[placement.half_layer].append(f"{printable(name)}{which}")
    for name, half_layer in allocation.erasures.items():
        erased[half_layer].append(printable(name))
    used = len({column for columns in allocation.columns.values() for column in columns})
    lines = [
        f"{counted(allocation.num_layers, 'layer')}, {counted(used, 'column')}, "
        f"{counted(len(allocation.placements), 'operation')}"
    ]
    for half_layer in sorted({*runs, *erased}):
        parts = [
            f"{what} {', '.join(names)}"
            for what, names in (("runs", runs[half_layer]), ("erases", erased[half_layer]))
            if names
        ]
        lines += textwrap.wrap(
            f"{ALTERNATING.name(half_layer):<12} {'; '.join(parts)}",
            WIDTH,
            subsequent_indent=" " * 13,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def aligned(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()
) -> list[str]:
    """The lines of a table whose columns are two blanks apart.

    Args:
        header: a word for each column.
        rows: their cells.
        right: the columns that are set flush right, as numbers are.
    """
    table = [header, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    return [
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
