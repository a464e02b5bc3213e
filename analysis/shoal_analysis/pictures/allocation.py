"""Which columns hold which value when, as inline SVG."""

from __future__ import annotations

from html import escape
from itertools import groupby

from shoal.atlas.atlas import Atlas, Place
from shoal_analysis.pictures.colours import colour
from shoal_solvers import ALTERNATING, Kind

MOST_COLUMNS = 512
"""A picture of more would have rows thinner than a line."""

_STATE, _LEFT, _TOP, _HEIGHT = 92, 44, 34, 420


def allocation_svg(atlas: Atlas, num_layers: int, d_model: int) -> str:
    """Columns of the stream from top to bottom, half-layers from left to right.

    A bar is a value from when it can be read first to when it is read last; a cross at its end says
    that an MLP erases it.

    Args:
        atlas: of the model.
        num_layers: of the model.
        d_model: columns.
    """
    shown = min(d_model, MOST_COLUMNS)
    row = max(2.0, min(14.0, _HEIGHT / max(1, shown)))
    states = ALTERNATING.last_state(num_layers) + 1
    width, height = _LEFT + states * _STATE + 8, _TOP + shown * row + 22
    erased = {n for part in atlas.parts if part.kind == "erasure" for n in part.writes}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'style="max-width:{width:g}px;width:100%;height:auto" role="img" '
        'font-family="system-ui,sans-serif" font-size="11" fill="currentColor">',
        f"<title>{d_model} columns, {num_layers} layers</title>",
        *_states(states, shown * row),
        *_axes(states, shown, row),
    ]
    for number, place in enumerate(atlas.places.values()):
        parts += _bars(place, number, row, place.name in erased)
    if shown < d_model:
        parts.append(
            f'<text x="{_LEFT}" y="{height - 4:g}">{d_model - shown} further columns are left out'
            "</text>"
        )
    return "".join([*parts, "</svg>"])


def _states(states: int, height: float) -> list[str]:
    """An area for each state of the stream, which a page may light up."""
    return [
        f'<rect class="state" data-state="{state}" x="{_LEFT + state * _STATE}" y="{_TOP - 20}" '
        f'width="{_STATE}" height="{height + 24:g}" fill="none" pointer-events="all"/>'
        for state in range(states)
    ]


def _axes(states: int, columns: int, row: float) -> list[str]:
    lines = []
    for state in range(states):
        x = _LEFT + state * _STATE
        lines.append(f'<text x="{x + 3}" y="{_TOP - 8}">{_written_last(state)}</text>')
        lines.append(
            f'<line x1="{x}" x2="{x}" y1="{_TOP - 4}" y2="{_TOP + columns * row:g}" '
            'stroke="currentColor" stroke-opacity="0.25"/>'
        )
    step = max(1, round(24 / row))
    lines += [
        f'<text x="{_LEFT - 6}" y="{_TOP + (c + 0.5) * row + 4:g}" text-anchor="end" '
        f'opacity="0.7">{c}</text>'
        for c in range(0, columns, step)
    ]
    return [*lines, f'<text x="2" y="{_TOP - 8}" opacity="0.7">column</text>']


def _written_last(state: int) -> str:
    """What was added to the stream last before a state."""
    if state == 0:
        return "embedding"
    name = "attention" if ALTERNATING.kind(state - 1) is Kind.ATTENTION else "MLP"
    return f"{name} {ALTERNATING.layer(state - 1)}"


def _bars(place: Place, number: int, row: float, is_erased: bool) -> list[str]:
    """One bar for each run of neighbouring columns, with the name on the tallest."""
    x, length = _LEFT + place.first * _STATE, (place.last - place.first + 1) * _STATE - 6
    columns = sorted(c for c in place.columns if c < MOST_COLUMNS)
    runs = [
        [c for _, c in run]
        for _, run in groupby(enumerate(columns), key=lambda pair: pair[1] - pair[0])
    ]
    tip = escape(f"{place.name}: {place.words}, columns {', '.join(map(str, place.columns))}")
    bars = []
    for run in runs:
        y, height = _TOP + run[0] * row, len(run) * row
        bars.append(
            f'<rect x="{x + 1}" y="{y + 0.5:g}" width="{length}" height="{max(1.0, height - 1):g}" '
            f'rx="2" fill="{colour(number)}" fill-opacity="0.55"><title>{tip}</title></rect>'
        )
        if is_erased:
            bars.append(
                f'<text x="{x + length - 9}" y="{y + height / 2 + 4:g}" aria-label="erased">x'
                "</text>"
            )
    if runs:
        run = max(runs, key=len)
        y = _TOP + (run[0] + len(run) / 2) * row + 4
        most = max(3, length // 7)
        name = place.name if len(place.name) <= most else place.name[: most - 1] + "…"
        if len(run) * row >= 9:
            bars.append(f'<text x="{x + 5}" y="{y:g}">{escape(name)}</text>')
    return bars
