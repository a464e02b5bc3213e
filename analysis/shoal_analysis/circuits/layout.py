"""Where the nodes and wires of a circuit are drawn: by half-layer, with few crossings.

After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures" (1981): a variable that is read several columns later passes through a place of its own
in each column between, nodes and passages are sorted by the mean place of their neighbours, and are
then moved towards it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

import networkx as nx

PASSAGE = 0.4
"""The height of a place where a wire passes a column; that of a node is 1."""

_SWEEPS = 12

Point = tuple[float, float]


@dataclass(frozen=True)
class Wire:
    """A variable on its way from its writer to a reader.

    Attributes:
        source: the writer.
        target: the reader.
        variable: the variable's name.
        passages: a point in each column between the two; wires of one variable share them.
    """

    source: Hashable
    target: Hashable
    variable: str
    passages: tuple[Point, ...]


@dataclass(frozen=True)
class Layout:
    """A circuit with places.

    Attributes:
        half_layers: of each column, from left to right.
        places: of each node: its column, and its height, downwards.
        wires: one for each edge, in the order of the graph.
    """

    half_layers: tuple[int, ...]
    places: Mapping[Hashable, Point]
    wires: tuple[Wire, ...]


def layered(graph: nx.MultiDiGraph) -> Layout:
    """A place for every node and wire.

    Args:
        graph: whose nodes have a ``half_layer``, and whose edges have a ``variable`` and lead to
            later ones.
    """
    half_layers = sorted({h for _, h in graph.nodes(data="half_layer")})
    column = {node: half_layers.index(h) for node, h in graph.nodes(data="half_layer")}
    chains = []
    for source, target, variable in graph.edges(data="variable"):
        between = range(column[source] + 1, column[target])
        chains.append((source, *((source, variable, c, PASSAGE) for c in between), target))
    items: list[list[Hashable]] = [[] for _ in half_layers]
    for node, number in column.items():
        items[number].append(node)
    neighbours: dict[Hashable, set[Hashable]] = {node: set() for node in graph}
    for chain in chains:
        for passage in chain[1:-1]:
            if passage not in neighbours:
                items[passage[2]].append(passage)
                neighbours[passage] = set()
        for left, right in pairwise(chain):
            neighbours[left].add(right)
            neighbours[right].add(left)
    heights = {item: 1.0 if item in column else PASSAGE for group in items for item in group}
    y = _settled(items, neighbours, heights)
    wires = [
        Wire(source, target, variable, tuple((float(p[2]), y[p]) for p in chain[1:-1]))
        for (source, target, variable), chain in zip(
            graph.edges(data="variable"), chains, strict=True
        )
    ]
    places = {node: (float(number), y[node]) for node, number in column.items()}
    return Layout(tuple(half_layers), places, tuple(wires))


def _settled(
    columns: Sequence[list[Hashable]],
    neighbours: Mapping[Hashable, set[Hashable]],
    heights: Mapping[Hashable, float],
) -> dict[Hashable, float]:
    """The height of every item, after sweeping to and fro."""
    y: dict[Hashable, float] = {}
    for column in columns:
        y |= zip(column, spread([0.0] * len(column), [heights[i] for i in column]), strict=True)
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else columns[::-1]:
            wanted = {
                i: fmean(y[n] for n in neighbours[i]) if neighbours[i] else y[i] for i in column
            }
            if sweep < _SWEEPS - 2:  # afterwards the order stays, and all move closer
                column.sort(key=wanted.__getitem__)
            settled = spread([wanted[i] for i in column], [heights[i] for i in column])
            y |= zip(column, settled, strict=True)
    top = min(y.values(), default=0.0)
    return {item: height - top for item, height in y.items()}


def spread(wanted: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Places near where things want to be, in the same order, that do not overlap.

    Args:
        wanted: the place of each thing's middle.
        sizes: of each thing.
    """
    # what overlaps forms a block, which lies where its members want to be on average
    blocks: list[tuple[float, list[int], float]] = []
    for number, (place, size) in enumerate(zip(wanted, sizes, strict=True)):
        start, members, length = place - size / 2, [number], size
        while blocks and blocks[-1][0] + blocks[-1][2] > start:
            before, others, extent = blocks.pop()
            weight = len(others) / (len(others) + len(members))
            start = before * weight + (start - extent) * (1 - weight)
            members, length = others + members, extent + length
        blocks.append((start, members, length))
    places = [0.0] * len(wanted)
    for start, members, _ in blocks:
        at = start
        for number in members:
            places[number] = at + sizes[number] / 2
            at += sizes[number]
    return places
