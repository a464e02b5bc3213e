"""Edges in other tools' names, and back."""

from __future__ import annotations

import pytest

import shoal
from shoal.rasp.stock import STOCK
from shoal_analysis.circuits.checking import edges_of
from shoal_analysis.circuits.edge_patching import Edge, EdgePatching
from shoal_analysis.circuits.names import CONVENTIONS, edge_name, edges_from_names

MODEL = shoal.compile(STOCK["sort_freq"].make(4), vocab=(1, 2, 3), max_seq_len=4)
EDGES = EdgePatching(MODEL).edges
LAYERS = MODEL.num_layers


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_circuits_are_found_again_by_their_names(convention: str) -> None:
    truth = edges_of(MODEL.circuit("head"))
    named = {edge_name(edge, convention, LAYERS) for edge in truth}
    found = edges_from_names(named, EDGES, convention, LAYERS)
    assert found >= truth
    if convention == "transformer-lens":
        assert found == truth
    else:  # one node for both embeddings
        assert {e for e in found - truth if e.source not in ("tokens", "positions")} == set()


def test_names_are_those_of_the_tools() -> None:
    edge = Edge("head 0.0", "head 1.1", "query")
    assert [edge_name(edge, convention, 3) for convention in CONVENTIONS] == [
        "blocks.0.attn.hook_result[0] -> blocks.1.hook_q_input[1]",
        "a0.h0->a1.h1<q>",
        "A0.0->A1.1.Q",
    ]
    last = Edge("mlp 1", "result", "input")
    assert [edge_name(last, convention, 3) for convention in CONVENTIONS] == [
        "blocks.1.hook_mlp_out -> blocks.2.hook_resid_post",
        "m1->logits",
        "MLP 1->Resid End",
    ]


def test_names_of_no_edge_are_refused() -> None:
    with pytest.raises(shoal.InvalidInputError, match=r"no edge 'a9.h0->logits'.*such as"):
        edges_from_names(["a9.h0->logits"], EDGES, "eap", LAYERS)
    with pytest.raises(shoal.InvalidInputError, match=r"no names are known for 'acdc'.*eap"):
        edge_name(EDGES[0], "acdc", LAYERS)
    fine = Edge("neurons 0.0-3", "result", "input")
    with pytest.raises(shoal.InvalidInputError, match='level "head"'):
        edge_name(fine, "eap", LAYERS)
