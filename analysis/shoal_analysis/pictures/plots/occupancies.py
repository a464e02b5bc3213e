"""How many columns are in use in every state."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shoal_analysis.pictures.bars import Bars, state_name
from shoal_analysis.pictures.colours import PALETTE
from shoal_analysis.pictures.plots.drawing import BLUE, ORANGE, canvas, left_out

MOST_STATES = 81
"""Of 40 layers."""


def occupancy(chart: Bars, ax: Axes | None = None) -> Figure:
    """A bar for each state, as high as columns are in use; lines for the width and its bound.

    States in which every column is in use are binding: they have another colour and a bold name.

    Args:
        chart: the bars, of a model or of an allocation.
        ax: where to draw it.
    """
    states = min(chart.states, MOST_STATES)
    used = chart.occupancy[:states]
    binding = [state for state in chart.full if state < states]
    with canvas(ax, 1, (max(3.4, 1.4 + 0.55 * states), 3.0)) as made:
        (panel,) = made.axes
        colours = [ORANGE if state in binding else BLUE for state in range(states)]
        drawn = panel.bar(range(states), used, color=[(c, 0.65) for c in colours], width=0.8)
        panel.bar_label(drawn, fontsize="x-small", padding=1)
        panel.axhline(chart.width, color=ORANGE, linewidth=1.2, label=f"width {chart.width}")
        if chart.bound is not None:
            label = f"proven bound {chart.bound}"
            panel.axhline(chart.bound, color=PALETTE[2], linestyle="--", linewidth=1.2, label=label)
        panel.set_xticks(
            range(states),
            [state_name(state) for state in range(states)],
            rotation=45,
            ha="right",
            rotation_mode="anchor",
            fontsize="small",
        )
        for state in binding:
            panel.get_xticklabels()[state].set(color=ORANGE, fontweight="bold")
        panel.set_ylim(0, max(1, chart.width) * 1.3)
        panel.set_ylabel("columns in use")
        panel.legend(loc="upper left", ncols=2, fontsize="x-small", frameon=False)
        count = f"{len(binding)} of {states} states"
        made.note(
            [
                f"bold: binding, all columns are in use ({count})" if binding else "",
                left_out(chart.states - states, "states"),
            ]
        )
    return made.figure
