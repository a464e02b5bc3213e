"""How models survive being compressed, and what shares directions then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from shoal_analysis.pictures.colours import colour
from shoal_analysis.pictures.plots.drawing import SIGNED, canvas, left_out, say_nothing_to_draw

if TYPE_CHECKING:
    from shoal_analysis.lab.realism.compression import Compression
    from shoal_analysis.lab.realism.curves import CompressionCurve

MOST_COLUMNS = 60
"""Of a matrix that is drawn."""

MOST_CURVES = 8

PANELS = {"accuracies": "accuracy", "similarities": "cosine of what half-layers add"}


def compression(
    curves: Mapping[str, CompressionCurve], axes: Axes | Sequence[Axes] | None = None
) -> Figure:
    """Accuracy and similarity against d: a dot for each seed, a line through the means.

    A dotted line says which width no model of these components goes below.

    Args:
        curves: by name.
        axes: two.
    """
    shown = dict(list(curves.items())[:MOST_CURVES])
    with canvas(axes, len(PANELS), (3.4, 2.8)) as made:
        for ax, (measure, title) in zip(made.axes, PANELS.items(), strict=True):
            ax.set_title(title, fontsize="medium")
            ax.set_xlabel("dimensions d", fontsize="small")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            if not shown:
                say_nothing_to_draw(ax, "nothing was measured")
            for number, (name, curve) in enumerate(shown.items()):
                _draw_curve(ax, curve, measure, name, colour(number))
            ax.set_ylim(min(0.0, ax.get_ylim()[0]), 1.03)
        if shown:
            made.legend()
        made.note([left_out(len(curves) - len(shown), "curves")])
    return made.figure


def _draw_curve(ax: Axes, curve: CompressionCurve, measure: str, name: str, tint: str) -> None:
    points = curve.points
    each = [getattr(point, measure) for point in points]
    label = f"{name}, {curve.d_model} columns"
    ax.plot(
        [point.d for point in points],
        [np.mean(values) for values in each],
        color=tint,
        linewidth=1.2,
        label=label,
    )
    for point, values in zip(points, each, strict=True):
        ax.plot([point.d] * len(values), values, "o", color=tint, markersize=3, alpha=0.5)
    if curve.bound is not None:
        ax.axvline(curve.bound, color=tint, linestyle=":", linewidth=1)


def shared_directions(compression: Compression, ax: Axes | None = None) -> Figure:
    """W W^T with a row and a column for each column of the compiled model.

    Args:
        compression: what is drawn.
        ax: where.
    """
    shown = compression.shared[:MOST_COLUMNS, :MOST_COLUMNS]
    labels = [label or "(free)" for label in compression.labels[:MOST_COLUMNS]]
    size = 2.6 + 0.17 * len(shown)
    with canvas(ax, 1, (size + 0.8, size)) as made:
        (panel,) = made.axes
        scale = max(1.0, float(np.abs(shown).max(initial=0.0)))
        image = panel.imshow(shown, cmap=SIGNED, norm=Normalize(-scale, scale))
        panel.set_xticks(range(len(shown)), labels, rotation=90, fontsize="x-small")
        panel.set_yticks(range(len(shown)), labels, fontsize="x-small")
        panel.set_title(
            f"{len(compression.labels)} columns in {compression.d} dimensions", fontsize="medium"
        )
        made.figure.colorbar(image, ax=panel, shrink=0.7)
        made.note([left_out(len(compression.labels) - len(shown), "columns")])
    return made.figure
