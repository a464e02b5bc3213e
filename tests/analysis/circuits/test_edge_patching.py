"""Patching nothing, everything, and what there is not."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal.contract import all_agree
from shoal.rasp.stock import STOCK
from shoal_analysis.circuits.checking import edges_of
from shoal_analysis.circuits.edge_patching import Edge, EdgePatching, EdgeRun, Matrix

Outputs = dict[str, Matrix]


def compiled(name: str, passes: str = "all", causal: bool = False) -> shoal.Model:
    stock = STOCK[name]
    return shoal.compile(
        stock.make(5), vocab=stock.vocab, max_seq_len=5, passes=passes, causal=causal
    )


def drawn(model: shoal.Model, count: int = 16, seed: int = 0) -> list[list[object]]:
    draw = random.Random(seed)
    vocab = model.input_encoder.vocab
    return [[draw.choice(vocab) for _ in range(1 + i % 5)] for i in range(count)]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("level", ["head", "neurons"])
@pytest.mark.parametrize("name", STOCK)
def test_sums_over_nodes_are_the_model(name: str, level: str, causal: bool) -> None:
    model = compiled(name, causal=causal)
    patching = EdgePatching(model, level)
    inputs, others = drawn(model), drawn(model, seed=1)
    run, other = patching.run(model.ids(inputs)), patching.run(model.ids(others))
    numerical = model.output_encoder.codes is None
    for was, now in zip(
        model.run_batch(inputs), patching.results(run, [len(i) for i in inputs]), strict=True
    ):
        assert all_agree(was, now, numerical=numerical)
    everything = patching.patched(run, patching.edges, other.outputs)
    largest = 1 + np.abs(other.result).max()
    assert np.abs(everything.result - other.result).max() <= 1e-6 * largest
    assert patching.patched(run, (), other.outputs).result is run.result
    outside = set(patching.edges) - edges_of(model.circuit(level))
    nothing = patching.patched(run, outside, other.outputs)
    assert np.abs(nothing.result - run.result).max(initial=0) <= 1e-9 * largest


def plainly(patching: EdgePatching, run: EdgeRun, edges: set[Edge], others: Outputs) -> Outputs:
    """What every node writes, each summed up anew for each of its roles."""
    outputs: Outputs = {}
    for node in patching.nodes.values():
        if node.half_layer < 0:
            outputs[node.name] = run.outputs[node.name]
            continue
        before = [n for n in patching.nodes.values() if n.half_layer < node.half_layer]
        bias = sum(patching._bias(half_layer) for half_layer in range(node.half_layer))
        roles = {
            role: bias
            + sum(
                (others if Edge(n.name, node.name, role) in edges else outputs)[n.name]
                for n in before
            )
            for role in node.reads
        }
        is_result = node.kind == "result"
        outputs[node.name] = (
            patching._result(roles["input"])
            if is_result
            else patching._output(node, roles, run.visible)
        )
    return outputs


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_patching_is_what_sums_with_other_terms_give(data: st.DataObject) -> None:
    patching = EdgePatching(MODEL)
    run = patching.run(MODEL.ids(drawn(MODEL)))
    other = patching.run(MODEL.ids(drawn(MODEL, seed=data.draw(st.integers(1, 99)))))
    edges = data.draw(st.sets(st.sampled_from(patching.edges)))
    found = patching.patched(run, edges, other.outputs)
    wanted = plainly(patching, run, edges, dict(other.outputs))
    assert np.allclose(found.result, wanted.pop("result"), atol=1e-6)
    for name, output in wanted.items():
        assert np.allclose(found.outputs[name], output, atol=1e-6)


MODEL = compiled("sort_freq")


def test_what_there_is_not_is_said() -> None:
    patching = EdgePatching(MODEL)
    for edge, message in (
        (Edge("head 0.0", "head 9.0", "query"), "no node 'head 9.0'.*its nodes are: tokens"),
        (Edge("head 0.0", "mlp 0", "query"), "no role 'query'; its roles are: input"),
        (Edge("mlp 1", "head 0.0", "key"), "head 0.0 does not run after mlp 1"),
    ):
        with pytest.raises(shoal.InvalidInputError, match=message):
            patching.require_edges([edge])
