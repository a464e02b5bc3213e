"""The circuit as a graph of plain attributes, which networkx can write down in any format."""

from __future__ import annotations

from typing import Any

import networkx as nx

from shoal.atlas.atlas import EMBEDDING, RESULT, Atlas, Part
from shoal_solvers import ALTERNATING


def plain_circuit(atlas: Atlas, num_layers: int) -> nx.MultiDiGraph:
    """Who reads what of whom, as texts and numbers alone.

    Nodes have a ``kind`` ("embedding", "head", "neurons" or "result"), a ``label`` for people, the
    ``half_layer`` (-1 for the embedding, ``2 * num_layers`` for the result), the ``layer`` (-1 for
    both), ``first`` and ``size`` (the number of the head; the first neuron, and how many), and what
    it ``writes``, with commas between. Edges have the ``variable`` that flows and its ``width``.

    Args:
        atlas: of the model.
        num_layers: of the model.
    """
    graph = nx.MultiDiGraph()
    for node, data in atlas.circuit.nodes(data=True):
        graph.add_node(node, **_attributes(atlas, node, data.get("part"), num_layers))
    for source, target, data in atlas.circuit.edges(data=True):
        name = data["variable"]
        graph.add_edge(source, target, variable=name, width=len(atlas.places[name].columns))
    return graph


def _attributes(atlas: Atlas, node: Any, part: Part | None, num_layers: int) -> dict[str, Any]:
    if part is None:
        end = ALTERNATING.last_state(num_layers)
        inputs = [name for name, place in atlas.places.items() if place.written_by is None]
        return {
            "kind": node,
            "label": node if node == EMBEDDING else atlas.output,
            "half_layer": end if node == RESULT else -1,
            "layer": -1,
            "first": 0,
            "size": 1,
            "writes": ", ".join(inputs) if node == EMBEDDING else "",
        }
    layer = ALTERNATING.layer(part.half_layer)
    last = part.first + part.size - 1
    which = f"{part.first}" if part.size == 1 else f"{part.first}-{last}"
    kind = "neuron" if part.kind == "neurons" and part.size == 1 else part.kind
    return {
        "kind": part.kind,
        "label": f"{kind} {layer}.{which}",
        "half_layer": part.half_layer,
        "layer": layer,
        "first": part.first,
        "size": part.size,
        "writes": ", ".join(part.writes),
    }
