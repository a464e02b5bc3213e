"""Which columns hold which value when, as inline SVG."""

from __future__ import annotations

from html import escape

from shoal_analysis.pictures.bars import Bar, Bars, state_name
from shoal_analysis.pictures.colours import colour

MOST_COLUMNS = 512
"""A picture of more would have rows thinner than a line."""

_STATE, _LEFT, _TOP, _HEIGHT = 92, 44, 34, 420


def allocation_svg(chart: Bars) -> str:
    """Columns of the stream from top to bottom, half-layers from left to right.

    A bar is a value from when it can be read first to when it is read last; a cross at its end says
    that an MLP erases it.

    Args:
        chart: the bars, of a model or of an allocation.
    """
    shown = min(chart.width, MOST_COLUMNS)
    row = max(2.0, min(14.0, _HEIGHT / max(1, shown)))
    width, height = _LEFT + chart.states * _STATE + 8, _TOP + shown * row + 22
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'style="max-width:{width:g}px;width:100%;height:auto" role="img" '
        'font-family="system-ui,sans-serif" font-size="11" fill="currentColor">',
        f"<title>{chart.width} columns, {chart.states - 1} half-layers</title>",
        *_states(chart.states, shown * row),
        *_axes(chart.states, shown, row),
    ]
    for number, bar in enumerate(chart.bars):
        parts += _rectangles(bar, number, row)
    if shown < chart.width:
        parts.append(
            f'<text x="{_LEFT}" y="{height - 4:g}">'
            f"{chart.width - shown} further columns are left out</text>"
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
        lines.append(f'<text x="{x + 3}" y="{_TOP - 8}">{state_name(state)}</text>')
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


def _rectangles(bar: Bar, number: int, row: float) -> list[str]:
    """One for each run of neighbouring columns, with the name on the tallest."""
    x, length = _LEFT + bar.first * _STATE, (bar.last - bar.first + 1) * _STATE - 6
    runs = [run for whole in bar.runs if (run := whole[: max(0, MOST_COLUMNS - whole.start)])]
    tip = escape(f"{bar.name}: {bar.words}, columns {', '.join(map(str, bar.columns))}")
    drawn = []
    for run in runs:
        y, height = _TOP + run[0] * row, len(run) * row
        drawn.append(
            f'<rect x="{x + 1}" y="{y + 0.5:g}" width="{length}" height="{max(1.0, height - 1):g}" '
            f'rx="2" fill="{colour(number)}" fill-opacity="0.55"><title>{tip}</title></rect>'
        )
        if bar.erased:
            drawn.append(
                f'<text x="{x + length - 9}" y="{y + height / 2 + 4:g}" aria-label="erased">x'
                "</text>"
            )
    if runs:
        run = max(runs, key=len)
        y = _TOP + (run[0] + len(run) / 2) * row + 4
        most = max(3, length // 7)
        name = bar.name if len(bar.name) <= most else bar.name[: most - 1] + "…"
        if len(run) * row >= 9:
            drawn.append(f'<text x="{x + 5}" y="{y:g}">{escape(name)}</text>')
    return drawn
