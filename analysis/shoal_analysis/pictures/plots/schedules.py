"""In which half-layer every operation runs, and in which it could."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from shoal_analysis.pictures.colours import PALETTE
from shoal_analysis.pictures.plots.drawing import (
    BLUE,
    ERASED,
    canvas,
    left_out,
    printable,
    say_nothing_to_draw,
    shortened,
)
from shoal_analysis.pictures.schedule import Run, Schedule
from shoal_solvers import ALTERNATING, Kind

MOST_ROWS = 80
"""Of operations; where there are more, those of one half-layer share rows."""

MOST_HALF_LAYERS = 80
"""Of 40 layers."""

_LONGEST_LABEL = 40
"""Characters."""

_ROW, _LETTER, _NOTE, _WIDEST, _LEAST, _MOST = 0.19, 0.07, 4.8, 24.0, 0.3, 0.56
"""Inches: of a row, a letter, the line below, all half-layers together, and of a half-layer."""

_COLOURS = {Kind.ATTENTION: BLUE, Kind.MLP: PALETTE[1]}
_NAMES = {Kind.ATTENTION: "attention, with its heads", Kind.MLP: "MLP, with its neurons"}


def schedule(plan: Schedule, ax: Axes | None = None) -> Figure:
    """Operations from top to bottom in the order in which they run, half-layers from left to right.

    A bar is an operation where it runs, with its heads or neurons; faint are the half-layers of its
    kind in which it could run in as many layers, for all that it reads and all that reads it. A
    cross says that an MLP erases what the operation, or the input, of this row has written. Below
    are the heads and neurons that are in use in each half-layer, each relative to the fullest.

    Where there are too many operations for a row each, those of one half-layer share rows.

    Args:
        plan: of an allocation.
        ax: where to draw it.
    """
    half_layers = min(len(plan.sizes), MOST_HALF_LAYERS)
    rows = plan.grouped(MOST_ROWS)
    drawn = [run for run in rows.runs if (run.half_layer or 0) < half_layers][:MOST_ROWS]
    cell = max(_LEAST, min(_MOST, _WIDEST / max(1, half_layers)))
    labels = _LETTER * max((len(_label(run)) for run in drawn), default=0)
    size = (max(_NOTE, 0.4 + labels + half_layers * cell), 1.6 + (len(drawn) + 3) * _ROW)
    with canvas(ax, 1, size) as made:
        (panel,) = made.axes
        if not plan.sizes:
            say_nothing_to_draw(panel, "there is no layer, so nothing runs")
            return made.figure
        for kind in Kind:
            _draw_runs(panel, drawn, kind, half_layers)
        for row, run in enumerate(drawn):
            _draw_erasures(panel, row, run, half_layers)
        _draw_sizes(panel, plan, len(drawn), half_layers)
        _draw_axes(panel, drawn, half_layers)
        made.legend()
        made.note(_notes(plan, rows, drawn))
    return made.figure


def _draw_runs(ax: Axes, runs: Sequence[Run], kind: Kind, half_layers: int) -> None:
    """The operations of a kind, each before the half-layers in which it could run."""
    places = [
        (row, run.half_layer, run)
        for row, run in enumerate(runs)
        if run.half_layer is not None and ALTERNATING.kind(run.half_layer) is kind
    ]
    windows = [
        (row, half_layer)
        for row, _, run in places
        for half_layer in range(run.earliest, min(run.latest + 1, half_layers))
        if ALTERNATING.kind(half_layer) is kind
    ]
    for patch in ax.barh(
        [row for row, _ in windows],
        1,
        0.78,
        [half_layer for _, half_layer in windows],
        color=(_COLOURS[kind], 0.2),
    ):
        patch.set_gid("window")
    bars = ax.barh(
        [row for row, _, _ in places],
        0.92,
        0.78,
        [half_layer + 0.04 for _, half_layer, _ in places],
        color=_COLOURS[kind],
        label=_NAMES[kind],
    )
    for (row, half_layer, run), patch in zip(places, bars, strict=True):
        patch.set_gid(printable(run.names[0]))
        ax.text(
            half_layer + 0.5,
            row,
            _compact(run.size),
            ha="center",
            va="center_baseline",
            fontsize="x-small",
            color="white" if kind is Kind.ATTENTION else "black",
        )


def _draw_erasures(ax: Axes, row: int, run: Run, half_layers: int) -> None:
    written = 0 if run.half_layer is None else run.half_layer + 1
    within = [half_layer for half_layer in run.erasures if half_layer < half_layers]
    if within:
        ax.plot([written, max(within) + 0.5], [row, row], color="0.3", linewidth=0.6, zorder=1.5)
    for half_layer in within:
        ax.text(half_layer + 0.5, row, ERASED, ha="center", va="center_baseline", gid="erasure")


def _draw_sizes(ax: Axes, plan: Schedule, rows: int, half_layers: int) -> None:
    """A strip below the rows."""
    top, bottom = rows + 0.9, rows + 2.5
    ax.axhline(rows - 0.3, color="0.5", linewidth=0.5)
    for half_layer, size in enumerate(plan.sizes[:half_layers]):
        kind = ALTERNATING.kind(half_layer)
        height = (bottom - top) * size / max(1, plan.most(kind))
        ax.bar(
            half_layer + 0.5,
            -height,
            0.92,
            bottom,
            color=(_COLOURS[kind], 0.6),
            gid=f"half-layer {half_layer}",
        )
        where = (half_layer + 0.5, bottom - height - 0.1)
        ax.text(*where, _compact(size), ha="center", va="bottom", fontsize="x-small")


def _draw_axes(ax: Axes, runs: Sequence[Run], half_layers: int) -> None:
    per_layer = len(ALTERNATING.slots)
    for half_layer in range(1, half_layers):
        is_layer = half_layer % per_layer == 0
        ax.axvline(half_layer, color="0.5", linewidth=0.8 if is_layer else 0.3, zorder=0)
    layers = range(-(-half_layers // per_layer))
    middles = [(layer + 0.5) * per_layer for layer in layers]
    ax.set_xticks(middles, [f"layer {layer}" for layer in layers], fontsize="x-small")
    ax.xaxis.tick_top()
    names = [*map(_label, runs), "in use"]
    ax.set_yticks([*range(len(runs)), len(runs) + 1.7], names, fontsize="x-small")
    ax.tick_params(length=0)
    ax.set_xlim(0, half_layers)
    ax.set_ylim(len(runs) + 2.5, -0.7)


def _label(run: Run) -> str:
    what = " (input)" if run.half_layer is None else ""
    which = f" ({run.alternative})" if run.alternative else ""
    count = f"{len(run.names):,}: " if len(run.names) > 1 else ""
    names = ", ".join(run.names[:_LONGEST_LABEL])
    return f"{count}{shortened(names, _LONGEST_LABEL)}{what}{which}"


def _notes(plan: Schedule, rows: Schedule, drawn: Sequence[Run]) -> list[str]:
    most = f"{plan.most(Kind.ATTENTION):,} heads and {plan.most(Kind.MLP):,} neurons at most"
    named = _operations(drawn)
    return [
        "faint: where else it could run, for what it reads and what reads it"
        if any(run.earliest < run.latest for run in drawn)
        else "",
        f"{most}, erasures included, shared heads once",
        f"{ERASED}: erases what this row has written" if any(r.erasures for r in drawn) else "",
        "(1), (2) ...: by another alternative than the first, which is (0)"
        if any(run.alternative for run in drawn)
        else "",
        f"{named:,} operations in {len(drawn)} rows: those of one half-layer share rows"
        if rows is not plan
        else "",
        left_out(_operations(plan.runs) - named, "operations"),
        left_out(len(plan.sizes) - MOST_HALF_LAYERS, "half-layers"),
    ]


def _operations(runs: Iterable[Run]) -> int:
    return sum(len(run.names) for run in runs if run.half_layer is not None)


def _compact(size: int) -> str:
    """A number of four characters or so: those of neurons can be large."""
    return str(size) if size < 10_000 else EngFormatter(places=0, sep="")(size)
