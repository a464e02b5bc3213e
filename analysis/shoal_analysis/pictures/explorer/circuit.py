"""Who reads what of whom, as inline SVG: components in columns by half-layer."""

from __future__ import annotations

from collections.abc import Hashable
from html import escape

from shoal.atlas.atlas import EMBEDDING, RESULT, Atlas
from shoal_analysis.pictures.colours import colour
from shoal_solvers import ALTERNATING, Kind

MOST_NODES = 120
"""A picture of more could not be read."""

_STEP, _ROW, _WIDTH, _HEIGHT, _TOP = 190, 62, 132, 40, 40


def circuit_svg(atlas: Atlas, num_layers: int) -> str:
    """The circuit from the embedding at the left to the result at the right.

    Elements with ``data-state`` belong to the half-layer that leads to that state of the stream.
    """
    graph = atlas.circuit
    end = ALTERNATING.last_state(num_layers) + 1
    states = {node: _state(node, end) for node in graph.nodes}
    order = sorted(states, key=lambda node: (states[node], str(node)))
    shown = set(order[:MOST_NODES])
    columns: dict[int, list[Hashable]] = {}
    for node in order[:MOST_NODES]:
        columns.setdefault(states[node], []).append(node)
    used = sorted(columns)
    most = max(map(len, columns.values()))
    places = {
        node: (20 + used.index(state) * _STEP, _TOP + (row + (most - len(nodes)) / 2) * _ROW)
        for state, nodes in columns.items()
        for row, node in enumerate(nodes)
    }
    width, height = 20 + len(used) * _STEP, _TOP + most * _ROW + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" font-family="system-ui,sans-serif" font-size="11" '
        'fill="currentColor" role="group" aria-label="Circuit"><defs><marker id="shoal-arrow" '
        'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="currentColor"/></marker></defs>',
        *(
            f'<text x="{20 + n * _STEP}" y="16" opacity="0.75">{_heading(state, end)}</text>'
            for n, state in enumerate(used)
        ),
    ]
    flows: dict[tuple[Hashable, Hashable], list[str]] = {}
    for source, target, variable in graph.edges(data="variable"):
        if source in shown and target in shown:
            flows.setdefault((source, target), []).append(variable)
    parts += [
        _edge(places[source], places[target], names) for (source, target), names in flows.items()
    ]
    parts += [
        _node(graph.nodes[node].get("part"), node, places[node], min(states[node], end - 1))
        for node in order[:MOST_NODES]
    ]
    if len(order) > MOST_NODES:
        left = len(order) - MOST_NODES
        parts.append(
            f'<text x="20" y="{height - 6:g}">{left} further components are left out</text>'
        )
    return "".join([*parts, "</svg>"])


def _state(node: Hashable, end: int) -> int:
    """The state of the stream after a component; the result comes last."""
    if node == EMBEDDING:
        return 0
    if node == RESULT:
        return end
    assert isinstance(node, tuple)
    return int(node[0]) + 1


def _heading(state: int, end: int) -> str:
    if state == 0 or state == end:
        return ""
    name = "attention" if ALTERNATING.kind(state - 1) is Kind.ATTENTION else "MLP"
    return f"{name} {ALTERNATING.layer(state - 1)}"


def _edge(source: tuple[float, float], target: tuple[float, float], names: list[str]) -> str:
    x1, y1 = source[0] + _WIDTH, source[1] + _HEIGHT / 2
    x2, y2 = target[0], target[1] + _HEIGHT / 2
    bend = max(30.0, (x2 - x1) / 2)
    path = f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
    return (
        f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity="0.55" '
        f'marker-end="url(#shoal-arrow)"><title>{escape(", ".join(names))}</title></path>'
    )


def _node(part: object, node: Hashable, place: tuple[float, float], state: int) -> str:
    x, y = place
    kind = getattr(part, "kind", "")
    name = ", ".join(getattr(part, "writes", ())) or str(node)
    what = {"head": "head", "neurons": f"{getattr(part, 'size', 0)} neurons"}.get(kind, "")
    tip = f"{name}: {what}" if what else name
    tint = {"head": colour(0), "neurons": colour(1)}.get(kind, colour(7))
    corner = {"head": 20, "neurons": 3}.get(kind, 9)
    return (
        f'<g class="node" data-state="{state}" tabindex="0" role="button" '
        f'aria-label="{escape(tip, quote=True)}">'
        f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="{corner}" '
        f'fill="{tint}" fill-opacity="0.25" stroke="{tint}"/>'
        f"<title>{escape(tip)}</title>"
        f'<text x="{x + _WIDTH / 2:g}" y="{y + (17 if what else 24):g}" text-anchor="middle">'
        f"{escape(_short(name))}</text>"
        f'<text x="{x + _WIDTH / 2:g}" y="{y + 31:g}" text-anchor="middle" opacity="0.75">'
        f"{what}</text></g>"
    )


def _short(name: str, most: int = 20) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
