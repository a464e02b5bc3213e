"""What all plots have in common: figures of their own or axes that are given, notes, colours."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.text import Text

from shoal.errors import InvalidInputError
from shoal.rasp.values import Value, show_value
from shoal_analysis.pictures.colours import PALETTE

BLUE, ORANGE = PALETTE[0], PALETTE[5]

ERASED = "\N{MULTIPLICATION SIGN}"
"""Marks where an MLP erases."""

WEIGHTS = LinearSegmentedColormap.from_list("weights", ["white", BLUE])
"""From nothing to all."""

SIGNED = LinearSegmentedColormap.from_list("signed", [ORANGE, "white", BLUE])
"""From the least negative number to the greatest, with white at 0."""


class Picture(Figure):
    """A figure that notebooks show without pyplot."""

    def _repr_png_(self) -> bytes:
        image = io.BytesIO()
        self.savefig(image, format="png", bbox_inches="tight")
        return image.getvalue()


@dataclass(frozen=True)
class Canvas:
    """Where a picture is drawn.

    Attributes:
        figure: of the axes.
        axes: one for each panel, at least one.
        is_own: whether the figure was made for the picture.
    """

    figure: Figure
    axes: tuple[Axes, ...]
    is_own: bool

    def legend(self) -> None:
        """What colours mean in the first panel: above the picture, or in axes that are given."""
        if not self.is_own:
            self.axes[0].legend(fontsize="x-small", frameon=False)
            return
        handles, labels = self.axes[0].get_legend_handles_labels()
        self.figure.legend(
            handles, labels, loc="outside upper center", ncols=4, fontsize="x-small", frameon=False
        )

    def note(self, lines: Sequence[str]) -> None:
        """Say below the picture, or above axes that were given, what it leaves out or marks."""
        text = "\n".join(line for line in lines if line)
        if not text:
            return
        if self.is_own:
            self.figure.supxlabel(text, fontsize="small")
        else:
            title = self.axes[0].get_title()
            self.axes[0].set_title(f"{title}\n{text}" if title else text, fontsize="small")


@contextmanager
def canvas(
    axes: Axes | Sequence[Axes] | None,
    panels: int,
    size: tuple[float, float],
    across: int | None = None,
    **options: Any,
) -> Iterator[Canvas]:
    """Axes to draw into, under settings that hold for the picture alone.

    Args:
        axes: those that a user gave, one for each panel; None for a new figure.
        panels: how many there are; for 0 there is one, which says so.
        size: of one panel of a new figure, in inches.
        across: panels side by side in a new figure; None for all.
        options: of ``Figure.subplots``.

    Raises:
        InvalidInputError: other axes are given than are needed.
    """
    count = max(1, panels)
    # names are no formulas, and no grid lies over cells
    with mpl.rc_context({"axes.grid": False, "text.usetex": False, "text.parse_math": False}):
        if axes is None:
            columns = min(count, across or count)
            rows = -(-count // columns)
            figure: Figure = Picture(
                figsize=(size[0] * columns, size[1] * rows), layout="constrained"
            )
            grid = figure.subplots(rows, columns, squeeze=False, **options).ravel().tolist()
            for spare in grid[count:]:
                spare.remove()
            made = Canvas(figure, tuple(grid[:count]), True)
        else:
            given = _given(axes, count)
            made = Canvas(given[0].get_figure(root=True) or Figure(), given, False)
        yield made
        for each in made.axes:
            for text in each.findobj(Text):
                if isinstance(text, Text):  # those of given axes were made under other settings
                    text.set_usetex(False)
                    text.set_parse_math(False)


def _given(axes: Axes | Sequence[Axes], count: int) -> tuple[Axes, ...]:
    flat = getattr(axes, "flat", axes)  # of an array of axes
    each: list[Any] = list(flat) if isinstance(flat, Iterable) else [axes]
    wrong = [a for a in each if not isinstance(a, Axes)]
    if wrong:
        raise InvalidInputError(
            f"a picture is drawn into axes of matplotlib, not into {show_value(wrong[0])}; give "
            "what figure.subplots(...) returns, or leave it out"
        )
    if len(each) != count:
        raise InvalidInputError(
            f"this picture has {count} panels, but {len(each)} axes are given; give {count}, such "
            f"as figure.subplots(1, {count}) returns, or leave them out"
        )
    return tuple(each)


def say_nothing_to_draw(ax: Axes, why: str) -> None:
    """An empty panel that says why it is empty."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, why, ha="center", va="center", transform=ax.transAxes)


def left_out(count: int, what: str) -> str:
    """A line that says how much is not drawn; "" if all is."""
    return f"{count:,} further {what} are left out" if count > 0 else ""


def shortened(text: str, most: int) -> str:
    """A text in one line, of so many characters at most."""
    shown = text if len(text) <= most else f"{text[: max(1, most - 1)]}…"
    return printable(shown)


def printable(text: str) -> str:
    """A text in one line, of characters that fonts and files of pictures can have."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def token_labels(bos: Value, tokens: Sequence[Value], most: int = 9) -> list[str]:
    """BOS and the tokens as labels of an axis."""
    shown = (t if isinstance(t, str) and t.strip() else show_value(t) for t in (bos, *tokens))
    return [shortened(text, most) for text in shown]


def label_positions(ax: Axes, labels: Sequence[str], axis: str = "x") -> None:
    """Write labels at 0, 1, 2 ... along an axis; long ones upright."""
    upright = axis == "x" and max(map(len, labels), default=0) > 3
    if axis == "x":
        ax.set_xticks(range(len(labels)), labels, rotation=90 if upright else 0, fontsize="x-small")
    else:
        ax.set_yticks(range(len(labels)), labels, fontsize="x-small")
    ax.tick_params(axis="both", length=0)
