"""Heads that write counts themselves."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import shoal
from shoal.lowering.rules.width import BOS_WEIGHT, LINEAR_COUNTS
from shoal.options import ALL
from shoal.rasp import (
    Comparison,
    Full,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    length,
    numerical,
    tokens,
)
from shoal.rasp.stock import STOCK
from shoal.targets.in_numpy import forward
from tests.support import random_sequences, right

SAME = SelectorWidth(Select(tokens, tokens, Comparison.EQ)).named("hist")
OTHERS = SelectorWidth(Select(tokens, tokens, Comparison.NEQ)).named("others")
EARLIER = SelectorWidth(Select(indices, indices, Comparison.LT)).named("earlier")
ABC = ("a", "b", "c")
READABLE = [name for name in ALL if name != LINEAR_COUNTS]


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(
    "program",
    [
        SAME,
        EARLIER,
        SAME - EARLIER,
        Map(lambda n: n % 2, SAME),
        SequenceMap(lambda a, b: a > b, SAME, EARLIER),
        SelectorWidth(Select(SAME, SAME, Comparison.EQ)),
        numerical(SAME),
        Map(lambda n: n / 3, numerical(SAME)),
    ],
)
def test_counts_are_right_in_every_use(program: SOp, causal: bool) -> None:
    for passes in ("all", ("linear-counts",), READABLE):
        right(program, vocab=ABC, max_seq_len=4, causal=causal, passes=passes)


@pytest.mark.parametrize("name", ["length", "hist", "count"])
def test_counts_that_are_results_need_no_neuron(name: str) -> None:
    stock = STOCK[name]
    model = shoal.compile(stock.make(stock.max_seq_len), vocab=stock.vocab, max_seq_len=10)
    assert model.allocated.costs.neurons == 0
    assert shoal.compile(STOCK["length"].make(10), vocab=ABC, max_seq_len=10).d_model == 2


@pytest.mark.parametrize(
    ("name", "longest"), [("hist", 1024), ("length", 1024), ("count", 300), ("dyck1_ptf", 32)]
)
def test_long_inputs_are_counted(name: str, longest: int) -> None:
    stock, generator = STOCK[name], random.Random(0)
    program = stock.make(longest)
    model = shoal.compile(program, vocab=stock.vocab, max_seq_len=longest)
    few = stock.vocab[:2]
    inputs = [drawn(generator, vocab, longest) for vocab in (stock.vocab, few) for _ in range(4)]
    inputs.append([stock.vocab[0]] * longest)
    assert model.run_batch(inputs) == [program(xs) for xs in inputs]


def drawn(generator: random.Random, vocab: Sequence[object], longest: int) -> list[object]:
    """Tokens at random, as many as can be."""
    return [generator.choice(vocab) for _ in range(longest)]


@pytest.mark.parametrize("numbers", [tokens, indices])
def test_keys_that_are_decoded_count_no_bos(numbers: SOp) -> None:
    """What an MLP writes need not be 0 at the BOS position."""
    same = Select(numerical(numbers), tokens, Comparison.EQ)
    right(SelectorWidth(same), vocab=(0, 1, 2, 3), max_seq_len=2)


def test_the_report_says_what_the_passes_did() -> None:
    for program, counts, codes in (
        (SAME, 1, 1),
        (SAME - OTHERS, 2, 1),
        (SAME - EARLIER, 1, 1),  # by the index
        (Map(lambda n: n % 2, SAME), 1, 1),  # as well as a view
        (tokens, 0, 1),
    ):
        model = shoal.compile(program, vocab=ABC, max_seq_len=4)
        saved = {saving.name: saving.count for saving in model.savings}
        assert (saved["linear-counts"], saved["result-codes"]) == (counts, codes)


def test_attention_rests_on_bos() -> None:
    weights = attention(shoal.compile(SAME, vocab=ABC, max_seq_len=4), ["a", "b", "a"])
    assert np.allclose(weights[1:, 0], 1.0)
    assert np.allclose(weights[1, 1:] * BOS_WEIGHT, [1, 0, 1], atol=1e-3)
    readable = shoal.compile(SAME, vocab=ABC, max_seq_len=4, passes=READABLE)
    weights = attention(readable, ["a", "b", "a"])
    assert np.allclose(weights[1], [1 / 3, 1 / 3, 0, 1 / 3], atol=1e-3)


def attention(model: shoal.Model, xs: list[str]) -> np.ndarray:
    """[queries, keys], what the only head attends to."""
    encoder = model.input_encoder
    ids = np.array([[encoder.bos_encoding, *encoder.encode_tokens(xs)]], dtype=np.int32)
    (logits,) = forward(model.weights, ids, encoder.pad_encoding).attn_logits
    scores = np.exp(logits[0, 0].astype(float) - logits.max())
    return scores / scores.sum(axis=-1, keepdims=True)


def test_a_named_count_is_read_as_a_whole_number() -> None:
    model = shoal.compile(Map(lambda n: n > 1, SAME), vocab=ABC, max_seq_len=4)
    read = model.read("hist", ["a", "b", "a"])
    assert read == [2, 1, 2]
    assert all(isinstance(value, int) for value in read)


def test_sort_by_ranks_takes_two_layers() -> None:
    stock = STOCK["sort"]
    passes = [name for name in ALL if name != "histograms"]
    model = shoal.compile(stock.make(8), vocab=stock.vocab, max_seq_len=8, passes=passes)
    assert model.num_layers == 2
    assert model.run([3, 1, 3, 2]) == [1, 2, 3, 3]


@pytest.mark.parametrize(
    "decides", [lambda h, n: 2 * h > n, lambda h, n: 3 * h >= n, lambda h, n: 2 * n > 3 * h]
)
def test_a_threshold_of_any_slope_is_one_step_over_counts(decides: Any) -> None:
    count = SelectorWidth(Select(tokens, tokens, Comparison.EQ))
    is_many = SequenceMap(decides, count, length)
    program = SelectorWidth(Select(is_many, Full(True), Comparison.EQ))
    model = shoal.compile(program, vocab=("a", "b"), max_seq_len=8)
    assert model.num_layers == 2
    (made,) = (part for part in model.atlas.parts if "sequence_map" in part.writes)
    assert made.size <= 2
    assert set(made.reads) == {"selector_width.count and length.count"}  # a sum of the two
    for xs in random_sequences("ab", 1, 8, 60):
        assert model.run(xs) == program(xs)
