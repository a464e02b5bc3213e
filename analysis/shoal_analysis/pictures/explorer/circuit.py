"""Who reads what of whom, as inline SVG: components in columns by half-layer."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from html import escape
from itertools import pairwise
from typing import Any

import networkx as nx

from shoal_analysis.circuits.layout import Point, Wire, layered
from shoal_analysis.pictures.colours import colour
from shoal_solvers import ALTERNATING

MOST_NODES = 120
"""A picture of more could not be read."""

_STEP, _ROW, _WIDTH, _HEIGHT, _LEFT, _TOP = 190, 58, 132, 40, 20, 32


def circuit_svg(graph: nx.MultiDiGraph) -> str:
    """The circuit from the embedding at the left to the result at the right.

    Elements with ``data-state`` belong to the half-layer that leads to that state of the stream.

    Args:
        graph: of ``shoal.atlas.circuit.flow``.
    """
    order = sorted(graph.nodes(data="half_layer"), key=lambda pair: pair[1])
    shown = graph.subgraph([node for node, _ in order[:MOST_NODES]])
    layout = layered(shown)
    end = max((half_layer for _, half_layer in order), default=0)
    heights = [y for _, y in layout.places.values()]
    heights += [y for wire in layout.wires for _, y in wire.passages]
    width = _LEFT + len(layout.half_layers) * _STEP
    height = _TOP + (max(heights, default=0) + 1) * _ROW + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" font-family="system-ui,sans-serif" font-size="11" '
        'fill="currentColor" role="group" aria-label="Circuit"><defs><marker id="shoal-arrow" '
        'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="currentColor"/></marker></defs>',
        *(
            f'<text x="{_LEFT + n * _STEP}" y="16" opacity="0.75">{ALTERNATING.name(h)}</text>'
            for n, h in enumerate(layout.half_layers)
            if 0 <= h < end
        ),
        *(_wire(wire, layout.places) for wire in layout.wires),
        *(_node(data, layout.places[node], end) for node, data in shown.nodes(data=True)),
    ]
    if len(order) > MOST_NODES:
        left_out = f"{len(order) - MOST_NODES} further components are left out"
        parts.append(f'<text x="{_LEFT}" y="{height - 6:g}">{left_out}</text>')
    return "".join([*parts, "</svg>"])


def _at(point: Point) -> Point:
    """The upper left corner of what has a place."""
    return (_LEFT + point[0] * _STEP, _TOP + point[1] * _ROW)


def _wire(wire: Wire, places: Mapping[Hashable, Point]) -> str:
    """A curve from the right of the writer to the left of the reader, through its passages."""
    points = []
    for place in (places[wire.source], *wire.passages, places[wire.target]):
        x, y = _at(place)
        points += [(x, y + _HEIGHT / 2), (x + _WIDTH, y + _HEIGHT / 2)]
    points = points[1:-1]
    path = f"M{points[0][0]:g} {points[0][1]:g}"
    for number, ((x1, y1), (x2, y2)) in enumerate(pairwise(points)):
        bend = (x2 - x1) / 2
        curve = f"C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
        path += f"L{x2:g} {y2:g}" if number % 2 else curve
    return (
        f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity="0.55" '
        f'marker-end="url(#shoal-arrow)"><title>{escape(wire.variable)}</title></path>'
    )


def _node(data: Mapping[str, Any], place: Point, end: int) -> str:
    (x, y), kind = _at(place), data["kind"]
    state = min(data["half_layer"] + 1, end)
    name = data["writes"] or data["label"]
    tip = f"{name}: {data['label']}" if data["writes"] else name
    tint = {"head": colour(0), "neurons": colour(1)}.get(kind, colour(7))
    corner = {"head": 20, "neurons": 3}.get(kind, 9)
    middle = x + _WIDTH / 2
    what = data["label"] if data["writes"] else kind
    return (
        f'<g class="node" data-state="{state}" tabindex="0" role="button" '
        f'aria-label="{escape(tip, quote=True)}">'
        f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="{corner}" '
        f'fill="{tint}" fill-opacity="0.25" stroke="{tint}"/>'
        f"<title>{escape(tip)}</title>"
        f'<text x="{middle:g}" y="{y + 17:g}" text-anchor="middle">{escape(_short(name))}</text>'
        f'<text x="{middle:g}" y="{y + 31:g}" text-anchor="middle" opacity="0.75">'
        f"{escape(_short(what))}</text></g>"
    )


def _short(name: str, most: int = 20) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
