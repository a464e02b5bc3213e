"""The rows of all methods as a table in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

from benchmarks.circuit_discovery.measure import METHODS, Row


def table(rows: Sequence[Row]) -> str:
    """For each style and method: the area under the ROC curve by difficulty, and what it took.

    Args:
        rows: of any methods, styles, cases and seeds.
    """
    levels = sorted({row.difficulty for row in rows})
    heads = ["style", "method", *(f"difficulty {n}" for n in levels), "all, spread over seeds"]
    heads += ["average precision", "perfect", "seconds a case", "cases"]
    lines = [heads, ["---"] * len(heads)]
    for style in dict.fromkeys(row.style for row in rows):
        for method in METHODS:
            own = [row for row in rows if (row.style, row.method) == (style, method)]
            if own:
                lines.append([style, method, *_cells(own, levels)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(rows: Sequence[Row], levels: Sequence[int]) -> list[str]:
    found = []
    for level in levels:
        areas = [row.area for row in rows if row.difficulty == level]
        found.append(f"{fmean(areas):.2f}" if areas else "")
    seeds = sorted({row.seed for row in rows})
    means = [fmean(row.area for row in rows if row.seed == seed) for seed in seeds]
    spread = f" ± {stdev(means):.3f}" if len(means) > 1 else ""
    return [
        *found,
        f"{fmean(means):.3f}{spread}",
        f"{fmean(row.precision for row in rows):.3f}",
        f"{fmean(row.area >= 1 for row in rows):.0%}",
        f"{fmean(row.seconds for row in rows):.2f}",
        f"{len({row.case for row in rows})}",
    ]
