"""Circuits survive JSON, and other texts are refused."""

from __future__ import annotations

import networkx as nx
import pytest

import shoal
from shoal.rasp.stock import STOCK
from shoal_analysis.circuits.saving import circuit_from_json, circuit_to_json


@pytest.mark.parametrize("level", ["head", "neurons"])
def test_circuits_come_back(level: str) -> None:
    model = shoal.compile(STOCK["sort"].make(4), vocab=(1, 2, 3), max_seq_len=4)
    graph = model.circuit(level)
    assert nx.utils.graphs_equal(circuit_from_json(circuit_to_json(graph)), graph)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"format": "shoal circuit 1"}', "{"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(shoal.InvalidInputError, match="no circuit in JSON"):
        circuit_from_json(text)


def test_other_versions_are_refused() -> None:
    with pytest.raises(shoal.InvalidInputError, match=r"format 'shoal circuit 9'.*circuit 1"):
        circuit_from_json('{"format": "shoal circuit 9", "nodes": [], "edges": []}')
