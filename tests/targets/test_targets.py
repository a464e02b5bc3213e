"""All targets compute the same, and ask one place what is seen of the stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import shoal
from shoal.craft.architecture import Architecture
from shoal.errors import InvalidInputError
from shoal.rasp import tokens
from shoal.rasp.stock import STOCK
from shoal.targets import target as module
from shoal.targets.target import RUNNERS, ForwardPass, Target, is_installed, runner_of
from tests.support import agree, random_sequences

INSTALLED = [name for name, target in RUNNERS.items() if is_installed(target)]


def compiled(name: str, **options: Any) -> shoal.Model:
    stock = STOCK[name]
    program = stock.make(stock.max_seq_len)
    return shoal.compile(program, vocab=stock.vocab, max_seq_len=stock.max_seq_len, **options)


def batch(model: shoal.Model, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Padded ids of sequences of mixed lengths, and [batch, positions] where there are tokens."""
    encoder = model.input_encoder
    sequences = random_sequences(STOCK[name].vocab, 1, STOCK[name].max_seq_len, 6)
    rows = [[encoder.bos_encoding, *encoder.encode_tokens(xs)] for xs in sequences]
    ids = np.full((len(rows), encoder.max_seq_len + 1), encoder.pad_encoding, dtype=np.int32)
    for row, numbers in zip(ids, rows, strict=True):
        row[: len(numbers)] = numbers
    return ids, ids != encoder.pad_encoding


@pytest.mark.slow
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", ["reverse", "sort_freq", "frac_prevs", "shuffle_dyck2", "hist"])
def test_targets_give_the_same_forward_pass(name: str, causal: bool) -> None:
    try:
        model = compiled(name, causal=causal)
    except shoal.UnsupportedProgramError:
        pytest.skip("it uses length, which a causal mask hides")
    ids, there = batch(model, name)
    passes = {target: runner_of(target, model)(ids) for target in INSTALLED}
    wanted = passes.pop("numpy")
    seen = there[:, None, :, None] & there[:, None, None, :]
    for passed in passes.values():
        assert len(passed.residuals) == len(passed.layer_outputs) == 2 * model.num_layers
        assert len(passed.attn_logits) == model.num_layers
        for one, other in zip(flat(passed), flat(wanted), strict=True):
            assert one.shape == other.shape
            assert np.allclose(one[there], other[there], rtol=1e-4, atol=1e-3)
        used = model.weights.sizes.num_heads
        for layer, (one, other) in enumerate(
            zip(passed.attn_logits, wanted.attn_logits, strict=True)
        ):
            heads = [p for p in model.atlas.parts if p.half_layer == 2 * layer]
            mask = np.broadcast_to(seen, one.shape)[:, : len(heads)]
            assert one.shape == other.shape == (len(ids), used, *ids.shape[1:] * 2)
            ours, theirs = one[:, : len(heads)][mask], other[:, : len(heads)][mask]
            hidden = ours < -1e29
            assert (hidden == (theirs < -1e29)).all()
            assert np.allclose(ours[~hidden], theirs[~hidden], rtol=1e-4, atol=1e-3)


def flat(passed: ForwardPass) -> list[np.ndarray]:
    arrays = [passed.input_embeddings, *passed.residuals, *passed.layer_outputs, passed.result]
    return arrays if passed.logits is None else [*arrays, passed.logits]


@pytest.mark.parametrize("target", [name for name, t in RUNNERS.items() if not t.is_slow])
def test_logits_are_over_values_and_none(target: str) -> None:
    model = compiled("sort", passes="none")
    ids, there = batch(model, "sort")
    passed = runner_of(target, model)(ids)
    assert passed.logits is not None
    assert passed.logits.shape[-1] == len(model.output_encoder.choices)
    nearest = passed.logits.argmax(axis=-1)
    for row, rows in enumerate(there):
        length = int(rows.sum())
        xs = model.input_encoder.decode(ids[row, 1:length].tolist())
        values = [model.output_encoder.choices[number] for number in nearest[row, 1:length]]
        assert agree(model.program, model.program(xs), values)
    numbers = compiled("frac_prevs")
    assert runner_of(target, numbers)(batch(numbers, "frac_prevs")[0]).logits is None


@dataclass(frozen=True)
class Doubling(Architecture):
    """A transformer whose readers see twice the stream."""

    name: str = "doubling"

    def seen(self, stream: Any) -> Any:
        return 2 * stream


@pytest.mark.slow
def test_every_target_asks_the_architecture_what_is_seen() -> None:
    model = compiled("hist", reuse=False)  # what is cleared would not be, twice seen
    assert model.stages is not None
    weights = replace(model.weights, architecture=Doubling())
    craft = replace(model.craft, architecture=Doubling())
    other = replace(model, weights=weights, stages=replace(model.stages, craft=craft))
    ids, there = batch(model, "hist")
    plain = runner_of("numpy", model)(ids).residuals[-1]
    wanted = runner_of("numpy", other)(ids)
    assert not np.allclose(plain[there], wanted.residuals[-1][there])
    for target in INSTALLED:
        passed = runner_of(target, other)(ids)
        for one, other_one in zip(passed.residuals, wanted.residuals, strict=True):
            assert np.allclose(one[there], other_one[there], rtol=1e-4, atol=1e-4), target


def test_what_cannot_run_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    model = shoal.compile(tokens, vocab=["a"], max_seq_len=2)
    with pytest.raises(
        InvalidInputError, match="no backend 'magic'; known: numpy, haiku, craft, torch"
    ):
        runner_of("magic", model)
    missing = Target("glass", "glass", "glass_of_water.pane", "glass-of-water")
    monkeypatch.setattr(module, "TARGETS", {"glass": missing})
    monkeypatch.setattr(module, "RUNNERS", {"glass": missing})
    with pytest.raises(InvalidInputError, match='install it by "pip install glass-of-water"'):
        model.run(["a"], "glass")
