"""Circuits as text for Graphviz."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import networkx as nx

from shoal_analysis.pictures.colours import KIND_COLOURS

SHAPES: Mapping[str, str] = MappingProxyType(
    {"embedding": "box", "head": "ellipse", "neurons": "box", "mlp": "box", "result": "hexagon"}
)
"""Of each kind of node; others are ellipses."""


def to_dot(graph: nx.MultiDiGraph) -> str:
    """A circuit in the DOT language, from left to right by half-layer.

    Nodes are numbered in the order of the graph; their names are labels, whatever they contain.
    Edges that take part in clearing columns are dashed, those that tell BOS from tokens dotted;
    ``shoal.atlas.circuit.flow`` of a circuit has neither.

    Args:
        graph: of ``model.circuit()``, or another whose nodes have a ``label``, a ``kind`` and a
            ``half_layer``, and whose edges have a ``variable``; what is missing is not shown.
    """
    numbers = {node: f"n{number}" for number, node in enumerate(graph)}
    lines = ["digraph circuit {", "  rankdir=LR;", '  node [style=filled, fontname="sans-serif"];']
    lines += [f"  {numbers[node]} [{_node(node, data)}];" for node, data in graph.nodes(data=True)]
    for half_layer in sorted({h for _, h in graph.nodes(data="half_layer") if h is not None}):
        same = [numbers[n] for n, h in graph.nodes(data="half_layer") if h == half_layer]
        lines.append(f"  {{ rank=same; {'; '.join(same)}; }}")
    for source, target, data in graph.edges(data=True):
        lines.append(f"  {numbers[source]} -> {numbers[target]}{_edge(data)};")
    return "\n".join([*lines, "}", ""])


def _edge(data: Mapping[str, Any]) -> str:
    attributes = []
    if data.get("variable") is not None:
        role = data.get("role", "input")
        name = str(data["variable"])
        attributes.append(f"label={quoted(name if role == 'input' else f'{name} ({role})')}")
    if data.get("clears") or data.get("bos"):
        attributes.append(f"style={'dashed' if data.get('clears') else 'dotted'}")
    return f" [{', '.join(attributes)}]" if attributes else ""


def _node(node: Any, data: Mapping[str, Any]) -> str:
    kind = data.get("kind", "")
    attributes = [
        f"label={quoted(data.get('label', node))}",
        f"shape={SHAPES.get(kind, 'ellipse')}",
        f'fillcolor="{KIND_COLOURS.get(kind, "#ffffff")}"',
    ]
    if kind == "embedding":
        attributes.append('style="filled,rounded"')
    return ", ".join(attributes)


def quoted(text: object) -> str:
    """A text as a quoted DOT label that is shown as it is.

    Backslashes begin escapes such as ``\\N`` there, and ampersands entities such as ``&lt;``; what
    cannot be printed is shown by its escape in Python.
    """
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))
    escaped = shown.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{escaped}"'
