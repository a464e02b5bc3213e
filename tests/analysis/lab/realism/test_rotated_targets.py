"""Rotated models elsewhere: PyTorch, TransformerLens, Hugging Face, ONNX."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import shoal
from shoal.contract import all_agree
from shoal.options import ALL
from shoal.rasp.stock import STOCK
from shoal_analysis import lab
from shoal_analysis.lab.realism.samples import Sample, sampled

WITHOUT_COUNTS = tuple(name for name in ALL if name != "linear-counts")
SOME = ("reverse", "frac_prevs", "sort", "detect_pattern", "hist", "shuffle_dyck1")


@cache
def rotated(name: str) -> tuple[shoal.Model, Sample]:
    stock = STOCK[name]
    program, length = stock.make(stock.max_seq_len), stock.max_seq_len
    model = shoal.compile(program, vocab=stock.vocab, max_seq_len=length, passes=WITHOUT_COUNTS)
    return lab.rotate(model, 4), sampled(model, 50, seed=6)


@pytest.mark.parametrize("name", SOME)
def test_pytorch_agrees_and_is_edited(name: str) -> None:
    pytest.importorskip("torch")
    model, sample = rotated(name)
    for tokens, wanted, found in zip(
        sample.inputs, sample.answers, model.run_batch(sample.inputs, "torch"), strict=True
    ):
        assert same(model, wanted, found), tokens
    one, other = [x for x in sample.inputs if len(x) == 4][:2]
    patch = shoal.Patch.like("tokens", other)
    assert same(model, model.patch(one, patch, backend="torch"), model.patch(one, patch))


@pytest.mark.parametrize("name", ["reverse", "sort"])
def test_caches_are_read_and_patched(name: str) -> None:
    torch = pytest.importorskip("torch")
    model, sample = rotated(name)
    inputs = [x for x in sample.inputs if len(x) >= 3][:3]
    cache = model.to_torch().activations(torch.from_numpy(model.ids(inputs)).long())
    assert model.read_cache("tokens", cache, inputs) == [list(x) for x in inputs]
    patch = shoal.Patch.value("tokens", model.input_encoder.vocab[0])
    changed = model.patch_cache(cache, inputs, [patch])
    first = [[model.input_encoder.vocab[0]] * len(x) for x in inputs]
    assert model.read_cache("tokens", changed, inputs) == first


@pytest.mark.parametrize("name", ["sort", "frac_prevs"])
def test_transformer_lens_agrees_and_is_edited(name: str) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformer_lens")
    model, sample = rotated(name)
    bridge = model.to_transformer_lens()
    inputs = [x for x in sample.inputs if len(x) == 4][:4]
    ids = torch.from_numpy(model.ids(inputs)).long()
    hooks = model.hooks(inputs, [shoal.Patch.like("tokens", inputs[0])])
    plain, edited = bridge(ids), bridge.run_with_hooks(ids, fwd_hooks=hooks)
    for row, tokens in enumerate(inputs):
        assert same(model, decoded(model, plain[row, 1:5]), model.run(tokens))
        assert same(model, decoded(model, edited[row, 1:5]), model.run(inputs[0]))
    _, cached = bridge.run_with_cache(ids)
    assert model.read_cache("tokens", cached, inputs) == [list(x) for x in inputs]


@pytest.mark.parametrize("name", ["sort", "frac_prevs"])
def test_hugging_face_agrees(name: str) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from shoal.targets.to_huggingface import in_memory

    model, sample = rotated(name)
    made, _ = in_memory(model)
    ids = torch.from_numpy(model.ids(sample.inputs)).long()
    logits = made(ids, attention_mask=(ids != model.input_encoder.pad_encoding).long()).logits
    for row, wanted in enumerate(sample.answers):
        found = decoded(model, logits[row, 1 : 1 + len(wanted)].detach())
        assert same(model, found, list(wanted))


def test_onnx_agrees() -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    model, sample = rotated("sort")
    session = runtime.InferenceSession(model.to_onnx().SerializeToString())
    (logits,) = session.run(None, {"tokens": model.ids(sample.inputs).astype("int64")})
    for row, wanted in enumerate(sample.answers):
        numbers = logits[row, 1 : 1 + len(wanted)].argmax(-1)
        assert [model.output_encoder.choices[n] for n in numbers] == list(wanted)


def decoded(model: shoal.Model, logits: Any) -> list[Any]:
    if model.output_encoder.codes is None:
        return [float(number) for number in logits.detach()[:, 0]]
    return [model.output_encoder.choices[n] for n in logits.argmax(-1).tolist()]


def same(model: shoal.Model, wanted: Any, found: Any) -> bool:
    return all_agree(wanted, found, numerical=model.output_encoder.is_numerical)
