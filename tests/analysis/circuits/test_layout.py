"""Nodes stand in the column of their half-layer, and nothing lies on anything else."""

from __future__ import annotations

import pytest

import shoal
from shoal.atlas.circuit import flow
from shoal.rasp.stock import STOCK
from shoal_analysis.circuits.layout import PASSAGE, layered, spread


@pytest.mark.parametrize("passes", ["none", "all"])
@pytest.mark.parametrize("name", STOCK)
def test_nodes_and_passages_do_not_overlap(name: str, passes: str) -> None:
    stock = STOCK[name]
    model = shoal.compile(stock.make(4), vocab=stock.vocab, max_seq_len=4, passes=passes)
    graph = flow(model.circuit())
    layout = layered(graph)
    assert len(layout.wires) == graph.number_of_edges()
    for node, (x, _) in layout.places.items():
        assert layout.half_layers[int(x)] == graph.nodes[node]["half_layer"]
    things = [(x, y, 1.0) for x, y in layout.places.values()]
    things += {(x, y, PASSAGE) for wire in layout.wires for x, y in wire.passages}
    for number, (x, y, size) in enumerate(things):
        for other_x, other_y, other_size in things[:number]:
            assert x != other_x or abs(y - other_y) >= (size + other_size) / 2 - 1e-9
    for wire in layout.wires:
        xs = [layout.places[wire.source], *wire.passages, layout.places[wire.target]]
        assert [x for x, _ in xs] == list(range(int(xs[0][0]), int(xs[-1][0]) + 1))


def test_things_stay_where_they_want_to_be_if_there_is_room() -> None:
    assert spread([0, 3, 9], [1, 1, 1]) == [0, 3, 9]
    assert spread([0, 0], [1, 1]) == [-0.5, 0.5]
    assert spread([5, 5, 5.5], [2, 1, 1]) == pytest.approx([3.833, 5.333, 6.333], abs=1e-3)
    assert spread([], []) == []
