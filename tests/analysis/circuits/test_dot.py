"""DOT says what the graph says, whatever names contain."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter

import networkx as nx
import pytest

import shoal
from shoal import rasp
from shoal.atlas.circuit import flow
from shoal.rasp.stock import STOCK
from shoal_analysis.circuits.dot import quoted, to_dot

ODD = [
    'say "hi"',
    "back\\slash",
    "\\",
    '\\"',
    "&lt;",
    "line\nbreak",
    "\0",
    "",
    "<b>",
    "a]->{;",
    "雪",
]


@pytest.mark.parametrize("name", STOCK)
def test_edges_and_nodes_are_those_of_the_circuit(name: str) -> None:
    stock = STOCK[name]
    model = shoal.compile(stock.make(5), vocab=stock.vocab, max_seq_len=5)
    circuit = flow(model.circuit())
    text = to_dot(circuit)
    numbers = {f"n{i}": node for i, node in enumerate(circuit)}
    edges = re.findall(r'^  (n\d+) -> (n\d+) \[label="(.*)"\];$', text, re.MULTILINE)
    found = Counter((numbers[a], numbers[b], v) for a, b, v in edges)
    assert found == Counter(circuit.edges(data="variable"))
    assert len(re.findall(r"^  n\d+ \[label=", text, re.MULTILINE)) == len(circuit)


@pytest.mark.parametrize("name", ODD)
def test_names_stay_within_their_quotes(name: str) -> None:
    text = quoted(name)
    assert re.fullmatch(r'"(?:[^"\\]|\\\\|\\")*"', text)
    assert text.isprintable()


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_it() -> None:
    graph = nx.MultiDiGraph()
    for name in ODD:
        graph.add_edge("embedding", name, variable=name)
    run = subprocess.run(
        ["dot", "-Tplain"], input=to_dot(graph), capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert len(re.findall(r"^edge ", run.stdout, re.MULTILINE)) == len(ODD)


def test_circuits_can_be_written_in_formats_of_others() -> None:
    model = shoal.compile(
        rasp.Map(lambda t: t, rasp.tokens).named('"<&'), vocab=["a"], max_seq_len=2, passes="none"
    )
    graph = model.circuit()
    for _, data in (*graph.nodes(data=True), *((None, d) for *_, d in graph.edges(data=True))):
        assert all(type(v) in (str, int, bool) for v in data.values())
    assert len(nx.parse_graphml("\n".join(nx.generate_graphml(graph)))) == len(graph)
    data = nx.node_link_data(graph, edges="edges")
    assert nx.utils.graphs_equal(nx.node_link_graph(data, edges="edges"), graph)
