"""Which columns hold which value when."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from shoal_analysis.pictures.bars import Bar, Bars, state_name
from shoal_analysis.pictures.colours import colour
from shoal_analysis.pictures.plots.drawing import (
    ERASED,
    ORANGE,
    canvas,
    left_out,
    printable,
    shortened,
)

MOST_COLUMNS = 200
"""A picture of more would have bars thinner than a line."""

MOST_STATES = 41
"""Of 20 layers."""

_STATE, _ROW, _TALLEST = 1.0, 0.19, 12.0
"""Inches: of a state, a column, and all columns together."""


def allocation(chart: Bars, ax: Axes | None = None) -> Figure:
    """Columns of the stream from top to bottom, states from left to right.

    A bar is a value from when it can be read first to when it is read last; a cross at its end says
    that an MLP erases it. States in which every column is in use lie between thick lines under a
    bold name: they are why the stream is not narrower.

    Args:
        chart: the bars, of a model or of an allocation.
        ax: where to draw it.
    """
    columns, states = min(chart.width, MOST_COLUMNS), min(chart.states, MOST_STATES)
    row = min(_ROW, _TALLEST / max(1, columns))
    size = (max(3.0, 0.8 + states * _STATE), 1.1 + max(1, columns) * row)
    with canvas(ax, 1, size) as made:
        (panel,) = made.axes
        full = [state for state in chart.full if state < states]
        for state in full:
            for edge in (0, max(1, columns)):
                panel.plot([state, state + 1], [edge, edge], color=ORANGE, linewidth=4, gid="full")
        for number, bar in enumerate(chart.bars):
            if bar.first < states:
                _draw(panel, bar, number, row, states)
        for state in range(1, states):
            panel.axvline(state, color="0.5", linewidth=0.5, alpha=0.5)
        panel.set_xlim(0, states)
        panel.set_ylim(max(1, columns), 0)
        names = [state_name(state) for state in range(states)]
        panel.set_xticks([s + 0.5 for s in range(states)], names, fontsize="small")
        step = max(1, round(0.24 / row))
        marked = range(0, columns, step)
        panel.set_yticks([c + 0.5 for c in marked], list(map(str, marked)))
        panel.tick_params(axis="y", labelsize="x-small", length=2)
        panel.xaxis.tick_top()
        for state in full:
            panel.get_xticklabels()[state].set(color=ORANGE, fontweight="bold")
        panel.tick_params(axis="x", length=0)
        panel.set_ylabel("residual column")
        made.note(
            [
                f"{chart.width} columns, {chart.proof}"
                + (
                    f"; all in use between the thick lines ({len(full)} of {states} states)"
                    if full
                    else ""
                ),
                f"{ERASED}: erased by the MLP that follows"
                if any(b.erased for b in chart.bars)
                else "",
                left_out(sum(not b.columns for b in chart.bars), "values, of no column,"),
                left_out(chart.width - columns, "columns"),
                left_out(chart.states - states, "states"),
            ]
        )
    return made.figure


def _draw(ax: Axes, bar: Bar, number: int, row: float, states: int) -> None:
    """One rectangle for each run of neighbouring columns, with the name on the tallest."""
    end = min(bar.last + 1, states)
    runs = [run for whole in bar.runs if (run := whole[: max(0, MOST_COLUMNS - whole.start)])]
    for run in runs:
        ax.add_patch(
            FancyBboxPatch(
                (bar.first + 0.02, run.start + 0.06),
                end - bar.first - 0.04,
                len(run) - 0.12,
                boxstyle="round,pad=0,rounding_size=0.06",
                facecolor=(colour(number), 0.55),
                edgecolor=colour(number),
                linewidth=0.6,
                gid=printable(bar.name),
            )
        )
        if bar.erased and bar.last < states:
            middle = (run.start + run.stop) / 2
            ax.text(end - 0.06, middle, ERASED, ha="right", va="center", fontsize="small")
    if runs:
        run = max(runs, key=len)
        points = 72 * len(run) * row
        if points >= 6:
            ax.text(
                bar.first + 0.07,
                (run.start + run.stop) / 2,
                shortened(bar.name, max(3, int((end - bar.first) * _STATE * 14))),
                va="center",
                fontsize=min(8.0, points * 0.72),
                clip_on=True,
            )
