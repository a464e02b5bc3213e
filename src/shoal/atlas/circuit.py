"""The circuit in the weights: who reads what of whom, and which of it carries values.

An edge is there if, and only if, some column that its source writes is read by its target with a
weight that matters: intervening on anything else changes nothing. Not every edge carries a value.
A column that is used again holds, to all who read it, the sum of what was written first, of its
negative, by which an MLP cleared it, and of the new value. The first two cancel, but a tool that
changes one edge at a time finds both, so that they are edges which ``clears`` marks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

from shoal.atlas.atlas import BOS, RESULT, Atlas, Part, Place
from shoal.errors import InvalidInputError
from shoal.lowering.held import AND
from shoal.transformer.weights import Array, LayerWeights, Weights
from shoal_solvers import ALTERNATING

LEVELS = ("neurons", "head")
"""How fine a circuit is: groups of neurons, or whole MLPs, as other tools have them."""

TOKENS, POSITIONS = "tokens", "positions"
"""The nodes of the two embeddings."""

ERASURE = "erasure"

Columns = frozenset[int]


@dataclass(frozen=True)
class Node:
    """Something that reads the stream, writes it, or both.

    Attributes:
        name: what the graph calls it.
        kind: "embedding", "head", "neurons", "erasure", "mlp" or "result".
        half_layer: where it is: -1 for embeddings, the number of half-layers for the result.
        first: the number of the head, or of the first neuron.
        size: how many neurons; 1 for all others.
        variables: what it writes, or clears.
        writes: columns.
        reads: columns by role: "query", "key" and "value" of heads, "input" of all others.
        only_cleared: those of ``reads`` that are read to be cleared and for nothing else.
    """

    name: str
    kind: str
    half_layer: int
    first: int
    size: int
    variables: tuple[str, ...]
    writes: Columns
    reads: Mapping[str, Columns]
    only_cleared: Columns = frozenset()


def circuit(atlas: Atlas, weights: Weights, level: str = "neurons") -> nx.MultiDiGraph:
    """Who reads what of whom.

    Nodes have a ``kind`` (see ``Node``), a ``label`` for people, the ``half_layer`` (-1 for
    embeddings, ``2 * num_layers`` for the result), the ``layer`` (-1 for both), ``first`` and
    ``size`` (the number of the head; the first neuron, and how many), the variables that it
    ``writes`` or clears, and the s-ops that these belong to, ``computes``, with commas between.
    Edges have the ``role`` in which the target reads, the ``variable`` and the ``value`` (an s-op's
    label, or "") that the columns hold then, the ``columns``, with blanks between, their number
    ``width``, and two marks: ``clears`` (it takes part in clearing columns and carries no value)
    and ``bos`` (it tells BOS from tokens).

    Args:
        atlas: of the model.
        weights: of the model, in the columns of the atlas.
        level: one of ``LEVELS``.

    Raises:
        InvalidInputError: there is no such level.
    """
    if level not in LEVELS:
        raise InvalidInputError(
            f"there is no level {level!r} of a circuit; the levels are {', '.join(LEVELS)}"
        )
    nodes = list(circuit_nodes(atlas, weights, level))
    graph = nx.MultiDiGraph()
    for node in nodes:
        graph.add_node(node.name, **_attributes(atlas, node))
    holders = _Holders(atlas)
    for target in nodes:
        for source in nodes:
            if source.half_layer < target.half_layer:
                for edge in _edges(source, target, holders):
                    key = f"{edge['variable']} {edge['role']}" + " clears" * edge["clears"]
                    graph.add_edge(source.name, target.name, key=key, **edge)
    return graph


def flow(graph: nx.MultiDiGraph) -> nx.MultiDiGraph:
    """What a picture shows of a circuit: values that flow, each once for a source and a target.

    Args:
        graph: of ``circuit``, or another whose edges have a ``variable``.
    """
    shown = nx.MultiDiGraph()
    shown.add_nodes_from((n, d) for n, d in graph.nodes(data=True) if d.get("kind") != ERASURE)
    for source, target, data in graph.edges(data=True):
        if data.get("clears") or data.get("bos") or not {source, target} <= set(shown):
            continue
        name = data.get("variable", "")
        if not shown.has_edge(source, target, key=name):
            shown.add_edge(source, target, key=name, variable=name, width=data.get("width", 1))
    unread = [n for n in (TOKENS, POSITIONS) if n in shown and not shown.degree(n)]
    shown.remove_nodes_from(unread)
    return shown


def circuit_nodes(atlas: Atlas, weights: Weights, level: str) -> Iterator[Node]:
    """The nodes of a circuit, in the order in which they run."""
    inputs = [place for place in atlas.places.values() if place.written_by is None]
    for name, table in ((TOKENS, weights.token_embedding), (POSITIONS, weights.position_embedding)):
        writes = _nonzero(table, axis=0)
        variables = tuple(place.name for place in inputs if writes & set(place.columns))
        if writes:
            yield Node(name, "embedding", -1, 0, 1, variables, writes, {})
    half_layers = sorted({part.half_layer for part in atlas.parts})
    for half_layer in half_layers:
        parts = [part for part in atlas.parts if part.half_layer == half_layer]
        layer = weights.layers[ALTERNATING.layer(half_layer)]
        nodes = [_node(part, layer, weights) for part in parts]
        if level == "head" and nodes[0].kind != "head":
            yield _whole_mlp(nodes)
        else:
            yield from nodes
    end = ALTERNATING.last_state(len(weights.layers))
    reads = {"input": _nonzero(weights.unembedding_w, axis=1)}
    yield Node(RESULT, RESULT, end, 0, 1, (), frozenset(), reads)


def _node(part: Part, layer: LayerWeights, weights: Weights) -> Node:
    number, last = ALTERNATING.layer(part.half_layer), part.first + part.size - 1
    which = f"{part.first}" if part.size == 1 else f"{part.first}-{last}"
    kind = "neuron" if part.kind == "neurons" and part.size == 1 else part.kind
    is_head = part.kind == "head"
    reads, writes = _head(part, layer, weights) if is_head else _neurons(part, layer)
    cleared = reads["input"] if part.kind == ERASURE else frozenset()
    return Node(
        f"{kind} {number}.{which}",
        part.kind,
        part.half_layer,
        part.first,
        part.size,
        part.writes,
        writes,
        reads,
        cleared,
    )


def _head(part: Part, layer: LayerWeights, weights: Weights) -> tuple[dict[str, Columns], Columns]:
    """What a head reads with weights that matter, and what it writes.

    A dimension of queries matters where keys differ in it: what is the same for all keys changes no
    pattern. One of keys matters where queries have it, and one of values where it is written.
    """
    sizes = weights.sizes
    meet = slice(part.first * sizes.key_size, (part.first + 1) * sizes.key_size)
    mixed = slice(part.first * sizes.value_size, (part.first + 1) * sizes.value_size)
    query, key = layer.query_w[:, meet], layer.key_w[:, meet]
    value, output = layer.value_w[:, mixed], layer.output_w[mixed]
    has_query = query.any(axis=0) | (layer.query_b[meet] != 0)
    reads = {
        "query": _nonzero(query[:, key.any(axis=0)], axis=1),
        "key": _nonzero(key[:, has_query], axis=1),
        "value": _nonzero(value[:, output.any(axis=1)], axis=1),
    }
    return reads, _nonzero(output, axis=0)


def _neurons(part: Part, layer: LayerWeights) -> tuple[dict[str, Columns], Columns]:
    own = slice(part.first, part.first + part.size)
    output = layer.mlp_output_w[own]
    reads = _nonzero(layer.hidden_w[:, own][:, output.any(axis=1)], axis=1)
    return {"input": reads}, _nonzero(output, axis=0)


def _whole_mlp(groups: list[Node]) -> Node:
    """One node for all groups of a layer."""
    half_layer = groups[0].half_layer
    used = [group.reads["input"] for group in groups if group.kind != ERASURE]
    reads: Columns = frozenset().union(*(group.reads["input"] for group in groups))
    return Node(
        f"mlp {ALTERNATING.layer(half_layer)}",
        "mlp",
        half_layer,
        0,
        sum(group.size for group in groups),
        tuple(name for group in groups if group.kind != ERASURE for name in group.variables),
        frozenset().union(*(group.writes for group in groups)),
        {"input": reads},
        reads.difference(*used),
    )


def _nonzero(matrix: Array, axis: int) -> Columns:
    """The rows (1) or columns (0) of a matrix that have an entry other than 0.

    Args:
        matrix: [rows, columns].
        axis: over which entries are looked at.
    """
    return frozenset(map(int, np.flatnonzero(matrix.any(axis=axis))))


class _Holders:
    """Which variable each column holds, half-layer by half-layer."""

    def __init__(self, atlas: Atlas) -> None:
        self._places: dict[int, list[Place]] = {}
        for place in sorted(atlas.places.values(), key=lambda place: place.first):
            for column in place.columns:
                self._places.setdefault(column, []).append(place)

    def at(self, column: int, half_layer: int) -> Place | None:
        """The last that was written before a half-layer; None if nothing was."""
        there = [place for place in self._places.get(column, ()) if place.first <= half_layer]
        return there[-1] if there else None


def _edges(source: Node, target: Node, holders: _Holders) -> Iterator[dict[str, Any]]:
    for role, read in target.reads.items():
        found: dict[tuple[str, bool], list[int]] = {}
        places: dict[str, Place] = {}
        for column in sorted(source.writes & read):
            place = holders.at(column, target.half_layer)
            name = "" if place is None else place.name
            if place is not None:
                places[name] = place
            clears = name not in source.variables or column in target.only_cleared
            clears = clears or source.kind == ERASURE
            found.setdefault((name, clears), []).append(column)
        for (name, clears), columns in found.items():
            place = places.get(name)
            yield {
                "role": role,
                "variable": name,
                "value": "" if place is None or place.value is None else place.value,
                "columns": " ".join(map(str, columns)),
                "width": len(columns),
                "clears": clears,
                "bos": place is not None and _is_mark(place),
            }


def _is_mark(place: Place) -> bool:
    """Whether a variable tells BOS from tokens, and nothing else."""
    is_of_none = place.value is None and AND not in place.name  # several s-ops share columns
    return place.name == BOS or (is_of_none and place.written_by is None)


def _attributes(atlas: Atlas, node: Node) -> dict[str, Any]:
    found = (atlas.places[name].value for name in node.variables if name in atlas.places)
    values = dict.fromkeys(value for value in found if value is not None)
    is_inside = node.kind not in ("embedding", RESULT)
    return {
        "kind": node.kind,
        "label": atlas.output if node.kind == RESULT else node.name,
        "half_layer": node.half_layer,
        "layer": ALTERNATING.layer(node.half_layer) if is_inside else -1,
        "first": node.first,
        "size": node.size,
        "writes": ", ".join(node.variables),
        "computes": atlas.output if node.kind == RESULT else ", ".join(values),
    }
