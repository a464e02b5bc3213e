"""Named values are where the model says they are."""

from __future__ import annotations

import numpy as np
import pytest

import shoal
from shoal import rasp
from shoal.program.trace import trace_with_expressions
from shoal.rasp.stock import STOCK
from shoal.targets.in_numpy import forward
from tests.support import random_sequences


def states(model: shoal.Model, tokens: list[object]) -> list[np.ndarray]:
    """The stream [tokens, d_model] in every state."""
    encoder = model.input_encoder
    ids = np.array([[encoder.bos_encoding, *encoder.encode_tokens(tokens)]], dtype=np.int32)
    passed = forward(model.weights, ids, encoder.pad_encoding)
    return [stream[0, 1:] for stream in (passed.input_embeddings, *passed.residuals)]


@pytest.mark.parametrize("allocator", ["longest-path", "cp-sat"])
@pytest.mark.parametrize("name", ["reverse", "shuffle_dyck1", "sort_freq", "double_hist"])
def test_labels_tell_the_truth_in_every_state(name: str, allocator: str) -> None:
    stock = STOCK[name]
    program = stock.make(stock.max_seq_len)
    model = shoal.compile(
        program,
        vocab=stock.vocab,
        max_seq_len=stock.max_seq_len,
        passes="none",
        allocator=allocator,
    )
    checked = 0
    expressions = trace_with_expressions(program, causal=False).expressions
    for tokens in random_sequences(stock.vocab, 1, stock.max_seq_len, 5):
        values = rasp.evaluate_all(program, tokens)
        streams = states(model, tokens)
        for info in model.variables.values():
            node = model.lowered.variables[info.name].node
            if info.encoding != "one-hot" or node is None:
                continue
            expected = values[id(expressions[node])]
            for state in range(info.first, info.last + 1):
                labels = model.labels_at(state)
                for column in info.columns:
                    value = labels[column].removeprefix(f"{info.name}:")
                    wanted = [float(str(v) == value) for v in expected]
                    assert np.allclose(streams[state][:, column], wanted, atol=1e-4), labels[column]
                    checked += 1
    assert checked > 100


def test_free_columns_have_no_label() -> None:
    model = shoal.compile(
        STOCK["reverse"].make(10), vocab=list("abcd"), max_seq_len=10,
        passes="none",
    )  # fmt: skip
    for half_layer in range(2 * model.num_layers + 1):
        labels = [label for label in model.labels_at(half_layer) if label]
        assert len(set(labels)) == len(labels)
    assert "" in model.labels_at(0)
    assert model.residual_labels == model.labels_at(2 * model.num_layers)
    with pytest.raises(shoal.InvalidInputError, match="there is no half-layer"):
        model.labels_at(2 * model.num_layers + 1)


def test_keep_protects_a_value_to_the_end() -> None:
    hist = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ))

    def compiled(first: rasp.SOp) -> shoal.Model:
        program = rasp.Aggregate(
            rasp.Select(rasp.indices, (first - 1).named("before"), rasp.Comparison.EQ), rasp.tokens
        )
        return shoal.compile(program, vocab={"a", "b"}, max_seq_len=4, passes="none")

    dropped, kept = compiled(hist.named("hist")), compiled(rasp.keep(hist.named("hist")))
    assert dropped.variables["hist"].last < 2 * dropped.num_layers
    assert kept.variables["hist"].last == 2 * kept.num_layers
    assert {"hist:1", "hist:4"} <= set(kept.residual_labels)
    assert kept.run(list("abba")) == dropped.run(list("abba"))


def test_without_reuse_every_value_stays() -> None:
    model = shoal.compile(STOCK["reverse"].make(6), vocab=range(3), max_seq_len=6, reuse=False)
    end = 2 * model.num_layers
    assert all(info.last == end for info in model.variables.values() if info.is_materialised)
    assert "" not in model.residual_labels


def test_embeddings_hold_only_what_is_read() -> None:
    model = shoal.compile(rasp.indices + 1, vocab={"a", "b"}, max_seq_len=3)
    assert not model.weights.token_embedding[:2].any()
    assert "tokens" not in model.variables


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    model = shoal.compile(rasp.tokens, vocab={"a"}, max_seq_len=2)
    with pytest.raises(KeyError, match="no value is named 'token'; the names are: tokens"):
        model.variables["token"]
    assert model.variables.get("token") is None
