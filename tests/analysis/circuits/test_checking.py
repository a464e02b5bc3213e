"""Circuits are checked by interventions, and wrong ones are found out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import shoal
from shoal import rasp
from shoal.rasp.stock import STOCK
from shoal_analysis.circuits import checking
from shoal_analysis.circuits.checking import check_circuit, edges_of
from shoal_analysis.circuits.edge_patching import EdgePatching


@pytest.mark.slow
@pytest.mark.parametrize("level", ["head", "neurons"])
@pytest.mark.parametrize("name", STOCK)
def test_nothing_outside_matters_and_almost_everything_inside_does(name: str, level: str) -> None:
    stock = STOCK[name]
    model = shoal.compile(stock.make(5), vocab=stock.vocab, max_seq_len=5)
    check = check_circuit(model, level, inputs=128)
    assert check.is_closed
    assert set(check.needed) | set(check.unneeded) == edges_of(model.circuit(level))
    assert len(check.needed) >= 0.8 * len(edges_of(model.circuit(level)))


def test_witnesses_are_interventions_that_can_be_repeated() -> None:
    model = shoal.compile(STOCK["reverse"].make(4), vocab=("a", "b"), max_seq_len=4, passes="none")
    check = check_circuit(model)
    patching = EdgePatching(model)
    for edge, witness in check.needed.items():
        assert list(witness.result) == model.run(list(witness.tokens))
        if witness.instead == checking.OTHER_INPUT:
            run = patching.run(model.ids([list(witness.tokens)]))
            other = patching.run(model.ids([list(witness.other)]))
            changed = patching.patched(run, [edge], other.outputs)
            assert patching.results(changed, [len(witness.tokens)]) == [list(witness.changed)]


def test_an_edge_that_a_circuit_lacks_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    model = shoal.compile(STOCK["reverse"].make(4), vocab=("a", "b"), max_seq_len=4)
    lacking = sorted(edges_of(model.circuit("head"), flow_only=True))[0]
    monkeypatch.setattr(checking, "edges_of", lambda graph: frozenset(edges_of(graph) - {lacking}))
    assert not check_circuit(model).is_closed


def test_weights_that_differ_from_the_atlas_are_found_out() -> None:
    """The circuit is that of the weights: an entry that nobody meant is an edge."""
    model = shoal.compile(
        STOCK["hist"].make(4), vocab=("a", "b"), max_seq_len=4, passes="none", reuse=False
    )
    before = edges_of(model.circuit("head"))
    changed = model.weights.unembedding_w.copy()
    changed[model.atlas.places["tokens"].columns[0]] = 0.1
    other = replace(model, weights=replace(model.weights, unembedding_w=changed))
    assert {(e.source, e.target) for e in edges_of(other.circuit("head")) - before} == {
        ("tokens", "result")
    }


def test_what_is_never_needed_is_said() -> None:
    model = shoal.compile(
        STOCK["length"].make(4), vocab=("a", "b"), max_seq_len=4, passes="none", reuse=False
    )
    text = str(check_circuit(model))
    assert "never needed: tokens -> head 0.0 (key)" in text
    assert "edges matter on some of 512 inputs" in text


def test_results_that_are_none_are_compared() -> None:
    first = rasp.Select(rasp.indices, rasp.Map(lambda i: i - 1, rasp.indices), rasp.Comparison.EQ)
    program = rasp.Aggregate(first, rasp.tokens, default=None)
    model = shoal.compile(program, vocab=["a", "b"], max_seq_len=3)
    assert check_circuit(model).is_closed
    assert np.isfinite(check_circuit(model).wrong)
