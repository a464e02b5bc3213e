"""What programs cost under several allocators and passes, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shoal_analysis.comparison import Measurement
from shoal_analysis.pictures.colours import colour
from shoal_analysis.pictures.plots.drawing import (
    canvas,
    left_out,
    say_nothing_to_draw,
    shortened,
)

MOST_PROGRAMS = 40
MOST_WAYS = 8
"""Combinations of passes and allocators: as many as there are colours."""

MEASURES = {"layers": "layers", "width": "residual width", "parameters": "parameters"}
"""What is drawn, and what it is called; parameters on a logarithmic scale."""

_THICKNESS = 0.13
"""Inches of a bar."""


def comparison(table: Sequence[Measurement], axes: Axes | Sequence[Axes] | None = None) -> Figure:
    """Three panels (layers, width, parameters): for each program a bar for each way to compile it.

    Args:
        table: what ``shoal_analysis.comparison.compare`` returns; of one program under one
            combination of passes and allocator the last.
        axes: three.
    """
    costs = {(m.program, _way(table, m)): m for m in table}
    programs = list(dict.fromkeys(m.program for m in table))
    ways = list(dict.fromkeys(_way(table, m) for m in table))
    shown, drawn = programs[:MOST_PROGRAMS], ways[:MOST_WAYS]
    height = 1.0 + _THICKNESS * len(shown) * (len(drawn) + 1.2)
    with canvas(axes, len(MEASURES), (2.7, max(1.6, height)), sharey=True) as made:
        for ax, (measure, title) in zip(made.axes, MEASURES.items(), strict=True):
            ax.set_title(title, fontsize="medium")
            if not table:
                say_nothing_to_draw(ax, "nothing was measured")
                continue
            for number, way in enumerate(drawn):
                found = {
                    row: getattr(costs[name, way], measure)
                    for row, name in enumerate(shown)
                    if (name, way) in costs
                }
                offset = (number - (len(drawn) - 1) / 2) * 0.8 / len(drawn)
                bars = ax.barh(
                    [row + offset for row in found],
                    list(found.values()),
                    height=0.8 / len(drawn),
                    color=colour(number),
                    label=way or "all",
                )
                ax.bar_label(bars, fmt="{:,.0f}", fontsize="xx-small", padding=2)
            _scale(ax, measure, [getattr(m, measure) for m in table], shown)
        if len(drawn) > 1:
            made.legend()
        made.note(
            [
                left_out(len(programs) - len(shown), "programs"),
                left_out(len(ways) - len(drawn), "combinations of passes and allocators"),
            ]
        )
    return made.figure


def _way(table: Sequence[Measurement], measured: Measurement) -> str:
    """How something was compiled, as far as it differs within the table."""
    parts = [
        text
        for text, differs in (
            (measured.allocator, len({m.allocator for m in table}) > 1),
            (f"passes {measured.passes}", len({m.passes for m in table}) > 1),
        )
        if differs
    ]
    return ", ".join(parts)


def _scale(ax: Axes, measure: str, costs: Sequence[int], programs: Sequence[str]) -> None:
    if measure == "parameters":
        ax.set_xscale("log")
        ax.set_xlim(max(1, min(costs)) / 4, max(1, *costs) * 12)
    else:
        ax.set_xlim(0, max(1, *costs) * 1.2)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.tick_params(axis="x", labelsize="x-small")
    ax.set_yticks(
        range(len(programs)), [shortened(name, 24) for name in programs], fontsize="small"
    )
    ax.set_ylim(len(programs) - 0.5, -0.5)
    ax.spines[["top", "right"]].set_visible(False)
