"""What is in the residual stream on one input, by the names of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shoal.atlas.atlas import BOS, Place
from shoal.atlas.basis import in_columns
from shoal.errors import InvalidInputError
from shoal.model import Model
from shoal.rasp.values import Value
from shoal_analysis.pictures.bars import state_name
from shoal_analysis.pictures.plots.drawing import (
    SIGNED,
    canvas,
    label_positions,
    left_out,
    say_nothing_to_draw,
    shortened,
    token_labels,
)

MOST_ROWS = 120
MOST_POSITIONS = 40
"""Positions of one panel, BOS included."""

MOST_STATES = 15
"""Panels side by side."""

MOST_NUMBERS = 3000
"""Numbers that are written into cells."""

_CELL = 0.22
"""Inches."""


@dataclass(frozen=True)
class Row:
    """A dimension of a value.

    Attributes:
        label: ``name:value``, or the name alone of a number.
        place: of the value.
        column: of the stream.
    """

    label: str
    place: Place
    column: int


def residual_stream(
    model: Model,
    tokens: Sequence[Value],
    names: Sequence[str] | None = None,
    states: Sequence[int] | None = None,
    axes: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """A panel for each state, and in it a row for each dimension of a value that is there.

    Rows are named for values, and not for columns, which are used again: a row is drawn in the
    states in which its value lives, and its column is written behind its name. Colours are relative
    to the largest number of a value. Of a rotated model the rows are what lies along the directions
    of its values, and columns are those of before.

    Args:
        model: with an atlas.
        tokens: the input, without BOS.
        names: of the values that are drawn; None for all.
        states: the states that are drawn, as of ``labels_at``; None for all.
        axes: one for each state.

    Raises:
        InvalidInputError: the input does not fit the model, or there is no such value or state.
    """
    length = len(model.checked([tokens])[0])
    passed = model.run_ids(model.ids([tokens])[:, : length + 1])
    streams = [in_columns(model.atlas, state) for state in passed.states]
    wanted = _states(states, len(streams))
    shown, positions = wanted[:MOST_STATES], min(length + 1, MOST_POSITIONS)
    rows = [row for row in rows_of(model, names) if any(_lives(row, s) for s in wanted)]
    cells = {s: _cells(rows[:MOST_ROWS], s, streams[s][0, :positions]) for s in shown}
    labels = token_labels(model.input_encoder.bos_token, tokens)[:positions]
    size = (max(1.1, _CELL * positions) + 0.4, 1.5 + _CELL * max(1, len(rows[:MOST_ROWS])))
    with canvas(axes, len(shown), size, sharey=True) as made:
        for ax, state in zip(made.axes, shown, strict=False):
            ax.set_title(state_name(state), fontsize="small")
            if rows:
                _draw(ax, cells[state], rows[:MOST_ROWS], labels)
            else:
                say_nothing_to_draw(ax, "no value is here")
        if rows and made.axes:
            _label_rows(made.axes[0], rows[:MOST_ROWS])
        made.note(
            [
                left_out(len(rows) - MOST_ROWS, "rows"),
                left_out(len(wanted) - len(shown), "states"),
                left_out(length + 1 - positions, "positions"),
            ]
        )
    return made.figure


def rows_of(model: Model, names: Sequence[str] | None = None) -> list[Row]:
    """A row for each dimension of each value that has columns, in the order of their birth.

    Args:
        model: with an atlas.
        names: of values; None for all.

    Raises:
        InvalidInputError: there is no value of a name, or it has no columns of its own.
    """
    places = sorted(model.atlas.places.values(), key=lambda place: place.first)
    if names is not None:
        chosen = []
        for name in [names] if isinstance(names, str) else names:
            if name not in model.variables:
                known = ", ".join(place.name for place in places)
                raise InvalidInputError(f"there is no value named {name!r}; those drawn: {known}")
            info = model.variables[name]
            place = model.atlas.places.get(info.name)
            if place is None or not place.columns:
                info.hooks("numpy")  # says why there is nothing to draw
            chosen.append(info.name)
        places = [place for place in places if place.name in chosen]
    return [
        Row(label if place.name != BOS else "BOS", place, column)
        for place in places
        for label, column in zip(place.labels, place.columns, strict=True)
    ]


def _states(states: Sequence[int] | None, count: int) -> list[int]:
    wanted = list(range(count) if states is None else states)
    wrong = [state for state in wanted if state not in range(count)]
    if wrong or not wanted:
        what = f"there is no state {wrong[0]!r}" if wrong else "no state is asked for"
        raise InvalidInputError(
            f"{what}; the model has {count}, from 0 (the embedding) to {count - 1} (the end)"
        )
    return wanted


def _lives(row: Row, state: int) -> bool:
    return row.place.first <= state <= row.place.last


def _cells(
    rows: Sequence[Row], state: int, stream: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """[rows, positions] of a stream [positions, d_model]; NaN where a value does not live."""
    cells = np.full((len(rows), len(stream)), np.nan)
    for number, row in enumerate(rows):
        if _lives(row, state):
            cells[number] = stream[:, row.column]
    return cells


def _draw(
    ax: Axes, cells: npt.NDArray[np.float64], rows: Sequence[Row], labels: Sequence[str]
) -> None:
    scales = np.array([_scale(row, rows, cells) for row in rows])[:, None]
    relative = np.ma.masked_invalid(cells / scales)
    ax.set_facecolor("0.88")
    ax.imshow(relative, cmap=SIGNED, vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    label_positions(ax, labels)
    for number in range(1, len(rows)):
        if rows[number].place is not rows[number - 1].place:
            ax.axhline(number - 0.5, color="0.4", linewidth=0.6)
    numbers = np.argwhere(np.abs(np.nan_to_num(cells)) >= 5e-4)
    if len(numbers) <= MOST_NUMBERS:
        for number, position in numbers:
            ax.text(
                position,
                number,
                shortened(f"{cells[number, position]:.3g}".replace("0.", "."), 5),
                ha="center",
                va="center",
                fontsize=5.5,
                color="white" if abs(relative[number, position]) > 0.6 else "black",
            )


def _scale(row: Row, rows: Sequence[Row], cells: npt.NDArray[np.float64]) -> float:
    """The largest number of a value: as is known of it, or in this picture."""
    if row.place.largest is not None:
        return max(row.place.largest, 1e-9)
    same = [number for number, other in enumerate(rows) if other.place is row.place]
    return max(float(np.abs(np.nan_to_num(cells[same])).max(initial=0.0)), 1e-9)


def _label_rows(ax: Axes, rows: Sequence[Row]) -> None:
    label_positions(ax, [f"{shortened(row.label, 28)} [{row.column}]" for row in rows], axis="y")
