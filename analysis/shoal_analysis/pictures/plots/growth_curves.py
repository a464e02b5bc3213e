"""How sizes and compile time grow with the length of inputs, or with the vocabulary."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from shoal_analysis.growth import Growth
from shoal_analysis.pictures.colours import colour
from shoal_analysis.pictures.plots.drawing import canvas, left_out, say_nothing_to_draw

MOST_LINES = 8
"""As many as there are colours."""

MEASURES = {
    "layers": "layers",
    "width": "residual width",
    "parameters": "parameters",
    "seconds": "compile time in s",
}
"""What is drawn, and what it is called."""

_MARKERS, _LINES = "osD^vPX*", ("-", "--", ":", "-.")


def growth(measured: Sequence[Growth], axes: Axes | Sequence[Axes] | None = None) -> Figure:
    """Four panels (layers, width, parameters, compile time) against what varies.

    That is the length, with a line for each size of the vocabulary; or this size, if there is one
    length alone.

    Args:
        measured: what ``shoal_analysis.growth.measure_growth`` returns, or such measurements.
        axes: four.
    """
    by_length = len({m.length for m in measured}) > 1 or len({m.vocab_size for m in measured}) < 2
    sizes = sorted({m.vocab_size for m in measured}) if by_length else [0]
    with canvas(axes, len(MEASURES), (2.5, 2.4)) as made:
        for ax, (measure, title) in zip(made.axes, MEASURES.items(), strict=True):
            ax.set_title(title, fontsize="medium")
            if not measured:
                say_nothing_to_draw(ax, "nothing was measured")
                continue
            for number, size in enumerate(sizes[:MOST_LINES]):
                line = sorted(
                    (m.length if by_length else m.vocab_size, getattr(m, measure))
                    for m in measured
                    if not by_length or m.vocab_size == size
                )
                ax.plot(
                    [x for x, _ in line],
                    [y for _, y in line],
                    color=colour(number),
                    marker=_MARKERS[number],
                    markersize=4,
                    linestyle=_LINES[number % len(_LINES)],
                    linewidth=1.2,
                    label=f"vocab of {size}",
                )
            ax.set_ylim(bottom=0)
            ax.set_xlabel("max_seq_len" if by_length else "tokens of the vocab", fontsize="small")
            ax.tick_params(labelsize="x-small")
            ax.yaxis.set_major_locator(MaxNLocator(6, integer=measure != "seconds"))
            ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            if measure == "seconds":
                ax.yaxis.set_major_formatter("{x:g}")
            else:
                ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
                ax.yaxis.set_major_formatter("{x:,.0f}")
            ax.spines[["top", "right"]].set_visible(False)
        if len(sizes) > 1:
            made.legend()
        made.note([left_out(len(sizes) - MOST_LINES, "sizes of the vocabulary")])
    return made.figure
