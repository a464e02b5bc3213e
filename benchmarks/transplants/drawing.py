"""What was measured, as a picture."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.transplants.measuring import Measured, Scale
from benchmarks.transplants.relearning import LEARNERS
from benchmarks.transplants.replacing import REPLACEMENTS
from shoal_analysis.pictures.colours import PALETTE
from shoal_analysis.pictures.plots.drawing import BLUE, ORANGE, canvas

GREEN = PALETTE[2]


def picture(measured: Sequence[Measured], scale: Scale) -> Figure:
    """On the left replacements, at once and fine-tuned; on the right what is learnt anew."""
    with canvas(None, 2, (4.6, 3.0)) as made:
        replacements, learning = made.axes
        _draw_replacements(replacements, measured)
        _draw_learning(learning, measured, scale)
        for ax in made.axes:
            ax.tick_params(labelsize="x-small")
            ax.spines[["top", "right"]].set_visible(False)
    return made.figure


def _draw_replacements(ax: Axes, measured: Sequence[Measured]) -> None:
    ax.set_title("a host with a compiled half-layer", fontsize="medium")
    styles = ((ORANGE, "o", "at once", 0.12), (BLUE, "D", "fine-tuned", -0.12))
    for row in range(len(REPLACEMENTS)):
        each = [one.replaced[row] for one in measured]
        shares = ([one.at_once for one in each], [one.tuned for one in each])
        for (colour, marker, label, shift), found in zip(styles, shares, strict=True):
            ax.scatter(
                [100 * share for share in found],
                [row - shift] * len(found),
                color=colour,
                marker=marker,
                s=14,
                alpha=0.6,
                linewidths=0,
                label=label if row == 0 else None,
            )
    names = [f"{'MLP' if half == 'mlp' else half}: {what}" for half, what, _ in REPLACEMENTS]
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set_xlim(20, 102)
    ax.set_xlabel("accuracy in %, a mark for each seed", fontsize="small")
    ax.legend(fontsize="x-small", frameon=False, loc="lower left")


def _draw_learning(ax: Axes, measured: Sequence[Measured], scale: Scale) -> None:
    ax.set_title("a compiled model with a half-layer learnt anew", fontsize="medium")
    steps = [*range(0, scale.relearning, scale.every), scale.relearning]
    styles = zip((ORANGE, BLUE, GREEN), ("--", "-", "-."), strict=True)
    for name, (colour, style) in zip(LEARNERS, styles, strict=True):
        for number, one in enumerate(measured):
            ax.plot(
                steps,
                [100 * share for share in one.relearnt[name]],
                color=colour,
                linestyle=style,
                linewidth=1,
                alpha=0.8,
                label=name if number == 0 else None,
            )
    ax.set_ylim(20, 102)
    ax.set_xlabel("steps, a line for each seed", fontsize="small")
    ax.set_ylabel("accuracy in %", fontsize="small")
    # between what is learnt and what is not
    ax.legend(fontsize="x-small", frameon=False, loc="upper right", bbox_to_anchor=(1, 0.95))
