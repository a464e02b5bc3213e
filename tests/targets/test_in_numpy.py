"""The NumPy and the Haiku forward pass, and the weights that they run."""

from __future__ import annotations

import numpy as np
import pytest

import shoal
from shoal.rasp import numerical, tokens
from shoal.rasp.library import make_frac_prevs, make_hist, make_reverse, make_shuffle_dyck
from shoal.targets.in_numpy import MASKED, forward
from tests.support import all_sequences

VOCAB = ("a", "b")


@pytest.fixture(scope="module")
def model() -> shoal.Model:
    return shoal.compile(make_reverse(tokens), vocab=VOCAB, max_seq_len=4)


def padded(model: shoal.Model, xs: list[str]) -> np.ndarray:
    encoder = model.input_encoder
    missing = model.options.max_seq_len - len(xs)
    ids = [encoder.bos_encoding, *encoder.encode_tokens(xs)]
    return np.array([ids + [encoder.pad_encoding] * missing], dtype=np.int32)


def test_a_batch_gives_what_single_runs_give(model: shoal.Model) -> None:
    sequences = all_sequences(VOCAB, 4)
    assert model.run_batch(sequences) == [model.run(xs) for xs in sequences]
    assert model.run_batch([]) == []


def test_pad_is_never_attended_to_and_changes_nothing(model: shoal.Model) -> None:
    pad = model.input_encoder.pad_encoding
    ids = padded(model, ["a", "b"])
    passed = forward(model.weights, ids, pad)
    for logits in passed.attn_logits:
        assert (logits[..., 3:] == MASKED).all()
    alone = forward(model.weights, ids[:, :3], pad)
    assert np.allclose(passed.result[:, :3], alone.result, atol=1e-6)


def test_later_keys_are_masked_if_causal() -> None:
    model = shoal.compile(make_hist(), vocab=VOCAB, max_seq_len=3, causal=True)
    passed = forward(model.weights, padded(model, ["a", "b", "a"]), 3)
    for logits in passed.attn_logits:
        assert (logits[..., ~np.tri(4, dtype=bool)] == MASKED).all()
        assert (logits[..., np.tri(4, dtype=bool)] != MASKED).all()


def test_residuals_add_up(model: shoal.Model) -> None:
    passed = forward(model.weights, padded(model, ["a", "b"]), 3)
    stream = passed.input_embeddings
    assert len(passed.residuals) == len(passed.layer_outputs) == 2 * model.num_layers
    for residual, output in zip(passed.residuals, passed.layer_outputs, strict=True):
        stream = stream + output
        assert np.array_equal(residual, stream)


def test_weights_have_tracrs_names_and_matching_shapes(model: shoal.Model) -> None:
    d, h, k = model.d_model, model.num_heads, model.key_size
    v, m = model.model_config.value_size, model.mlp_hidden_size
    expected = {
        "token_embed": {"embeddings": (4, d)},
        "pos_embed": {"embeddings": (5, d)},
    }
    for layer in range(model.num_layers):
        prefix = f"transformer/layer_{layer}"
        expected |= {
            f"{prefix}/attn/query": {"w": (d, h * k), "b": (h * k,)},
            f"{prefix}/attn/key": {"w": (d, h * k), "b": (h * k,)},
            f"{prefix}/attn/value": {"w": (d, h * v), "b": (h * v,)},
            f"{prefix}/attn/linear": {"w": (h * v, d), "b": (d,)},
            f"{prefix}/mlp/linear_1": {"w": (d, m), "b": (m,)},
            f"{prefix}/mlp/linear_2": {"w": (m, d), "b": (d,)},
        }
    found = {n: {p: a.shape for p, a in group.items()} for n, group in model.params.items()}
    assert found == expected
    assert all(a.dtype == np.float32 for group in model.params.values() for a in group.values())
    assert model.num_parameters == sum(a.size for g in model.params.values() for a in g.values())


def test_values_have_the_size_of_keys_in_the_drop_in() -> None:
    model = shoal.compile_rasp_to_model(make_hist(), set(VOCAB), 4)
    assert model.model_config.value_size == model.model_config.key_size


def test_size_is_checked_before_weights_are_made() -> None:
    with pytest.raises(shoal.UnsupportedProgramError, match="the limit is 100 bytes"):
        shoal.compile(
            make_reverse(tokens), vocab=VOCAB, max_seq_len=9, limits=shoal.Limits(model_bytes=100)
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "vocab", "causal"),
    [
        (make_reverse(tokens), VOCAB, False),
        (make_frac_prevs(tokens == "a"), VOCAB, True),
        (numerical(tokens), (0, 1), False),
    ],
)
def test_haiku_computes_the_same(program: object, vocab: tuple, causal: bool) -> None:
    model = shoal.compile(program, vocab=vocab, max_seq_len=3, causal=causal)
    xs = [vocab[0], vocab[1], vocab[0]]
    applied = model.apply(["BOS", *xs])
    passed = forward(model.weights, padded(model, xs), len(vocab) + 1)
    assert applied.decoded == pytest.approx(["BOS", *model.run(xs)])
    assert np.allclose(applied.input_embeddings, passed.input_embeddings, atol=1e-6)
    assert np.allclose(applied.unembedded, passed.result, atol=1e-5)
    for name in ("residuals", "layer_outputs", "attn_logits"):
        ours, theirs = getattr(passed, name), getattr(applied, name)
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert np.allclose(one, other, rtol=1e-5, atol=1e-5)


def test_padded_positions_decode_to_pad() -> None:
    model = shoal.compile(make_hist(), vocab=VOCAB, max_seq_len=3)
    assert model.apply(["BOS", "a", "a", "PAD"]).decoded == ["BOS", 2, 2, "PAD"]


def test_a_program_of_two_kinds_of_brackets_runs_in_one_batch() -> None:
    program = make_shuffle_dyck(["()"])
    model = shoal.compile(program, vocab=("(", ")"), max_seq_len=4)
    sequences = all_sequences(("(", ")"), 4)
    assert model.run_batch(sequences) == [program(xs) for xs in sequences]
