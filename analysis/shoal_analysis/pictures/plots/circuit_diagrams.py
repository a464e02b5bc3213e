"""Who reads what of whom, as a diagram."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from math import sqrt
from types import MappingProxyType

import networkx as nx
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, FancyArrowPatch, FancyBboxPatch, Patch, Polygon, Rectangle
from matplotlib.path import Path

from shoal.atlas.circuit import flow
from shoal_analysis.circuits.layout import Layout, Point, layered, spread
from shoal_analysis.pictures.colours import KIND_COLOURS, colour
from shoal_analysis.pictures.plots.drawing import canvas, left_out, say_nothing_to_draw, shortened
from shoal_solvers import ALTERNATING

MOST_NODES = 80
MOST_EDGES = 250
MOST_LABELS = 120
"""Of edges; in a picture with more they would cover each other."""

_WIDTH, _HEIGHT, _CUT = 0.5, 0.6, 0.08
"""Of a node, where columns are 1 apart, and of the points of a hexagon."""

_COLUMN, _ROW, _LABEL = 1.9, 0.62, 0.24
"""Inches of a column and of a row; and the part of a row that a label takes."""

_EDGE = "0.25"


def circuit(graph: nx.MultiDiGraph, ax: Axes | None = None) -> Figure:
    """Half-layers from left to right; wires from who writes a variable to who reads it.

    Heads are blue ellipses, neurons orange boxes, embeddings are green boxes with round corners,
    and the result a red hexagon. Each variable has a colour of its own, and what is read much later
    is one wire past the half-layers between. What only clears columns, or tells BOS from tokens, is
    left out.

    Args:
        graph: of ``model.circuit()``, or one with such attributes.
        ax: where to draw it.
    """
    graph = flow(graph)
    drawn = _what_fits(graph)
    layout = layered(drawn)
    rows = 1 + max((y for _, y in _points(layout)), default=0.0)
    columns = max(1, len(layout.half_layers))
    with canvas(ax, 1, (max(3.0, _COLUMN * columns), 0.7 + _ROW * rows)) as made:
        (panel,) = made.axes
        if not graph:
            say_nothing_to_draw(panel, "the circuit is empty")
        else:
            panel.set_axis_off()
            panel.set_xlim(-0.5, columns - 0.5)
            panel.set_ylim(rows - 0.5, -1.0)
            _draw_wires(panel, layout, drawn)
            for node, (x, y) in layout.places.items():
                _draw_node(panel, drawn.nodes[node], x, y)
            _name_columns(panel, layout, drawn)
        unlabelled = drawn.number_of_edges() > MOST_LABELS
        made.note(
            [
                left_out(len(graph) - len(drawn), "nodes"),
                left_out(graph.number_of_edges() - drawn.number_of_edges(), "edges"),
                "labels of edges are left out" if unlabelled else "",
            ]
        )
    return made.figure


def _what_fits(graph: nx.MultiDiGraph) -> nx.MultiDiGraph:
    """The first nodes by half-layer, and the first edges between them."""
    order = sorted(graph, key=lambda node: graph.nodes[node].get("half_layer", 0))
    drawn = nx.MultiDiGraph()
    for node in order[:MOST_NODES]:
        data = {"kind": "", "label": str(node), "half_layer": 0, **graph.nodes[node]}
        drawn.add_node(node, **data)
    for source, target, variable in graph.edges(data="variable", default=""):
        if drawn.number_of_edges() < MOST_EDGES and source in drawn and target in drawn:
            drawn.add_edge(source, target, variable=variable)
    return drawn


def _points(layout: Layout) -> Iterator[Point]:
    yield from layout.places.values()
    for wire in layout.wires:
        yield from wire.passages


# Nodes.


def _ellipse(x: float, y: float) -> Patch:
    return Ellipse((x, y), _WIDTH, _HEIGHT)


def _box(x: float, y: float) -> Patch:
    return Rectangle((x - _WIDTH / 2, y - _HEIGHT / 2), _WIDTH, _HEIGHT)


def _rounded(x: float, y: float) -> Patch:
    corner = (x - _WIDTH / 2, y - _HEIGHT / 2)
    style = "round,pad=0,rounding_size=0.12"
    return FancyBboxPatch(corner, _WIDTH, _HEIGHT, boxstyle=style)


def _hexagon(x: float, y: float) -> Patch:
    far, near, half = _WIDTH / 2, _WIDTH / 2 - _CUT, _HEIGHT / 2
    corners = [(-far, 0), (-near, half), (near, half), (far, 0), (near, -half), (-near, -half)]
    return Polygon([(x + dx, y + dy) for dx, dy in corners])


_SHAPES: Mapping[str, Callable[[float, float], Patch]] = MappingProxyType(
    {
        "head": _ellipse,
        "neurons": _box,
        "mlp": _box,
        "embedding": _rounded,
        "result": _hexagon,
    }
)


def _draw_node(ax: Axes, data: Mapping[str, object], x: float, y: float) -> None:
    kind = str(data["kind"])
    patch = _SHAPES.get(kind, _rounded)(x, y)
    patch.set(facecolor=KIND_COLOURS.get(kind, "0.9"), edgecolor=_EDGE, linewidth=0.8, zorder=3)
    patch.set_gid(f"node {data['label']}")
    ax.add_patch(patch)
    label = shortened(str(data["label"]), 15)
    ax.text(x, y, label, ha="center", va="center", fontsize=7, color="black", zorder=4)


def _side(kind: str, dy: float) -> float:
    """How far the side of a node is from its middle, at a height."""
    up = min(1.0, 2 * abs(dy) / _HEIGHT)
    if kind == "head":
        return _WIDTH / 2 * sqrt(1 - up**2)
    return _WIDTH / 2 - (_CUT * up if kind == "result" else 0)


def _name_columns(ax: Axes, layout: Layout, graph: nx.MultiDiGraph) -> None:
    kinds = {data["half_layer"]: data["kind"] for _, data in graph.nodes(data=True)}
    for x, half_layer in enumerate(layout.half_layers):
        if kinds[half_layer] in ("head", "neurons"):
            name = ALTERNATING.name(half_layer)
            ax.text(x, -0.85, name, ha="center", va="center", fontsize=7, color="0.4")


# Wires.


def _draw_wires(ax: Axes, layout: Layout, graph: nx.MultiDiGraph) -> None:
    numbers = {name: n for n, name in enumerate(dict.fromkeys(w.variable for w in layout.wires))}
    leaves, arrives = _ports(layout, outgoing=True), _ports(layout, outgoing=False)
    labels: dict[float, dict[tuple[str, Point, Point], float]] = defaultdict(dict)
    for wire in layout.wires:
        start = _end(layout, graph, wire.source, leaves[wire.source, wire.variable], 1)
        end = _end(layout, graph, wire.target, arrives[wire.target, wire.variable], -1)
        points = [start, *wire.passages, end]
        ax.add_patch(
            FancyArrowPatch(
                path=_curve(points),
                arrowstyle="-|>,head_width=0.16,head_length=0.3",
                mutation_scale=10,
                color=colour(numbers[wire.variable]),
                linewidth=1.1,
                shrinkA=0,
                shrinkB=0,
                zorder=2,
                gid="wire",
            )
        )
        for one, other in ((points[0], points[1]), (points[-2], points[-1])):
            gap = (round(one[0]) + round(other[0])) / 2
            labels[gap][wire.variable, one, other] = (one[1] + other[1]) / 2
    if len(layout.wires) <= MOST_LABELS:
        for x, each in labels.items():
            _draw_labels(ax, x, {(name, y) for (name, _, _), y in each.items()}, numbers)


def _draw_labels(
    ax: Axes, x: float, labels: set[tuple[str, float]], numbers: Mapping[str, int]
) -> None:
    """Names of variables in one gap between columns, one below the other."""
    each = sorted(labels, key=lambda pair: (pair[1], pair[0]))
    for (name, _), y in zip(each, spread([y for _, y in each], [_LABEL] * len(each)), strict=True):
        ax.text(
            x,
            y,
            shortened(name, 20),
            ha="center",
            va="center",
            fontsize=6,
            color=colour(numbers[name]),
            zorder=5,
            bbox={"facecolor": "white", "alpha": 0.85, "linewidth": 0, "pad": 0.6},
            gid="variable",
        )


def _ports(layout: Layout, outgoing: bool) -> dict[tuple[Hashable, str], float]:
    """How far from a node's middle each variable leaves it, or arrives, so that few wires cross."""
    aims: dict[Hashable, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for wire in layout.wires:
        near, far = (wire.source, wire.target) if outgoing else (wire.target, wire.source)
        passage = wire.passages[0 if outgoing else -1] if wire.passages else layout.places[far]
        aims[near][wire.variable].append(passage[1])
    ports = {}
    for node, variables in aims.items():
        order = sorted(variables, key=lambda name: sum(variables[name]) / len(variables[name]))
        for number, name in enumerate(order):
            ports[node, name] = ((number + 0.5) / len(order) - 0.5) * _HEIGHT * 0.7
    return ports


def _end(
    layout: Layout, graph: nx.MultiDiGraph, node: Hashable, port: float, direction: int
) -> Point:
    x, y = layout.places[node]
    return (x + direction * _side(graph.nodes[node]["kind"], port), y + port)


def _curve(points: Sequence[Point]) -> Path:
    """A smooth curve that is level in every point, straight past the columns between."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for number, (end, start) in enumerate(zip(points[1:], points, strict=False)):
        if number:  # past a column, as wide as a node
            start = (start[0] + _WIDTH / 2, start[1])
            vertices.append(start)
            codes.append(Path.LINETO)
        goal = end if number == len(points) - 2 else (end[0] - _WIDTH / 2, end[1])
        middle = (start[0] + goal[0]) / 2
        vertices += [(middle, start[1]), (middle, goal[1]), goal]
        codes += [Path.CURVE4] * 3
        if number < len(points) - 2:
            vertices.append(end)
            codes.append(Path.LINETO)
    return Path(vertices, codes)
