"""Patches on the targets that take them, and names of hooks that tell the truth on all of them."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

import shoal
from shoal import Patch
from shoal.atlas.patch import Source
from shoal.rasp.stock import STOCK
from tests.support import WIDE, agree, random_sequences

NAMES = ("reverse", "hist", "sort", "shuffle_dyck1", "most_freq", "frac_prevs", "detect_pattern")


def compiled(name: str, passes: str) -> tuple[shoal.Model, list[list]]:
    stock = STOCK[name]
    length = min(stock.max_seq_len, 6)
    model = shoal.compile(stock.make(length), vocab=stock.vocab, max_seq_len=length, passes=passes)
    return model, [list(xs) for xs in random_sequences(stock.vocab, 1, length, 5)]


def patches_of(model: shoal.Model, inputs: list[list]) -> list[list[list[Patch]]]:
    """For many s-ops and kinds, patches for each input that the model does not refuse."""
    generator = random.Random(0)
    made = []
    for label, value in model.atlas.values.items():
        choices = [members[0] for members in value.classes or ()]
        readers = list(dict(model._readers.consumers(label)))[:1]
        kinds = [
            lambda xs, name=label: [Patch.nothing(name, positions=[0])],
            lambda xs, name=label: [Patch.mean(name, inputs)],
        ]
        if choices:
            kinds.append(
                lambda xs, n=label, c=choices: [Patch.values(n, [generator.choice(c) for _ in xs])]
            )
        if choices and readers:
            kinds.append(
                lambda xs, n=label, c=choices, r=readers: [Patch.value(n, c[-1], readers=r)]
            )
        for kind in kinds:
            own = [kind(xs) for xs in inputs]
            try:
                model.edits(inputs, own)
            except shoal.UnwritableError:
                continue
            made.append(own)
    assert len(made) > 4
    return made


@pytest.mark.parametrize("passes", ["all", "none"])
@pytest.mark.parametrize("name", NAMES)
def test_pytorch_and_transformer_lens_follow_numpy(name: str, passes: str) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformer_lens")
    model, inputs = compiled(name, passes)
    lens, module, ids = model.to_transformer_lens(), model.to_torch(), model.ids(inputs)
    numbers = torch.from_numpy(ids).long()
    there = ids != model.input_encoder.pad_encoding
    for own in patches_of(model, inputs):
        edits = model.edits(inputs, own)
        wanted = model.run_ids(ids, edits=edits)
        with module.edited(edits), torch.no_grad():
            found = module.activations(numbers)
        # where no value is, a head may be undecided between two keys, or a neuron on the slope of
        # a step, and rounding shows
        between = (Source.NOTHING, Source.MEAN)
        is_a_value = all(patch.source not in between for each in own for patch in each)
        most = 1e-4 if is_a_value else 1e-2
        scale = max(1.0, float(np.abs(wanted.result).max()))
        assert np.abs(found["unembed"].numpy() - wanted.result)[there].max() < most * scale, own
        logits = lens.run_with_hooks(numbers, fwd_hooks=model.hooks(inputs, own))
        of_numpy = wanted.result if wanted.logits is None else wanted.logits
        # the logits of TransformerLens are those of NumPy, all less the same at each position
        off = logits.detach().numpy() - of_numpy
        if wanted.logits is not None:
            off = off - off[..., :1]
        scale = max(1.0, float(np.abs(of_numpy).max()))
        assert np.abs(off)[there].max() < most * scale, own


def test_results_are_the_same_on_pytorch() -> None:
    pytest.importorskip("torch")
    model, inputs = compiled("reverse", "all")
    patch = Patch.like("tokens", list("dddddd"))
    for xs in inputs:
        patch = Patch.like("tokens", ["d"] * len(xs))
        assert model.patch(xs, patch, backend="torch") == model.patch(xs, patch) == ["d"] * len(xs)


def test_a_cache_is_read_and_patched_by_name() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformer_lens")
    model, inputs = compiled("most_freq", "all")
    numbers = torch.from_numpy(model.ids(inputs)).long()
    _, lens_cache = model.to_transformer_lens().run_with_cache(numbers)
    for cache in (lens_cache, model.to_torch().activations(numbers)):
        for name in ("repeats", "keys", "most_freq"):
            assert model.read_cache(name, cache, inputs) == [model.read(name, xs) for xs in inputs]
        streams = model.patch_cache(cache, inputs, [Patch.value("repeats", 2, positions=[0])])
        values = model.read_cache("repeats", streams, inputs)
        assert [row[0] for row in values] == [2] * len(inputs)
        assert [row[1:] for row in values] == [model.read("repeats", xs)[1:] for xs in inputs]
        results = model.run_batch(inputs)
        assert model.read_cache("most_freq", streams, inputs) == results  # not computed anew
    with pytest.raises(shoal.InvalidInputError, match="the stream of every half-layer"):
        model.read_cache("keys", {}, inputs)
    with pytest.raises(shoal.InvalidInputError, match="one stream for"):
        model.patch_cache(
            lens_cache, inputs, [Patch.value("repeats", 2, readers=["ranked_repeats"])]
        )


@pytest.mark.parametrize("target", ["torch", "transformer-lens", "huggingface", "onnx"])
def test_hooks_carry_what_they_say(target: str, tmp_path: Path) -> None:
    model, inputs = compiled("most_freq", "all")
    ids = model.ids(inputs)
    passed = model.run_ids(ids)
    states = (passed.input_embeddings, *passed.residuals)
    names = {
        hook.name
        for info in model.variables.values()
        if info.columns
        for hook in info.hooks(target)
    }
    found = STREAMS[target](model, ids, names, tmp_path)
    there = ids != model.input_encoder.pad_encoding
    checked = 0
    for name, info in model.variables.items():
        for state, hook in enumerate(info.hooks(target) if info.columns else (), info.first):
            wanted = states[state][..., list(info.columns)]
            got = found[hook.name, hook.is_input][..., list(hook.columns)]
            assert np.allclose(got[there], wanted[there], atol=1e-3), (name, hook)
            checked += 1
    assert checked > 20


def of_torch(model: shoal.Model, ids: np.ndarray, names: set[str], folder: Path) -> dict:
    torch = pytest.importorskip("torch")
    found = model.to_torch().activations(torch.from_numpy(ids).long())
    return {(name, False): found[name].detach().numpy() for name in names}


def of_transformer_lens(model: shoal.Model, ids: np.ndarray, names: set[str], folder: Path) -> dict:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformer_lens")
    _, cache = model.to_transformer_lens().run_with_cache(torch.from_numpy(ids).long())
    return {(name, False): cache[name].detach().numpy() for name in names}


def of_huggingface(model: shoal.Model, ids: np.ndarray, names: set[str], folder: Path) -> dict:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    place = model.to_huggingface(folder / "gpt2")
    made = transformers.AutoModelForTokenClassification.from_pretrained(place)
    found = {}

    def first(output: object) -> np.ndarray:
        return (output[0] if isinstance(output, tuple) else output).detach().numpy()

    for name in names:
        made.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: found.update(
                {(name, True): first(inputs), (name, False): first(output)}
            )
        )
    with torch.no_grad():
        made(torch.from_numpy(ids).long())
    return found


def of_onnx(model: shoal.Model, ids: np.ndarray, names: set[str], folder: Path) -> dict:
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    graph = model.to_onnx()
    order = sorted(names)
    graph.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in order
    )
    session = runtime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    arrays = session.run(order, {"tokens": ids.astype(np.int64)})
    return {(name, False): array for name, array in zip(order, arrays, strict=True)}


STREAMS = {
    "torch": of_torch,
    "transformer-lens": of_transformer_lens,
    "huggingface": of_huggingface,
    "onnx": of_onnx,
}


def test_numerical_results_agree_on_pytorch() -> None:
    pytest.importorskip("torch")
    model, inputs = compiled("frac_prevs", "all")
    patch = [Patch.value("tokens", "c")]
    on_torch = model.patch_batch(inputs, patch, backend="torch")
    for wanted, got in zip(model.patch_batch(inputs, patch), on_torch, strict=True):
        assert agree(model.program, wanted, got)


def test_nnsight_works_on_the_module() -> None:
    torch = pytest.importorskip("torch")
    nnsight = pytest.importorskip("nnsight")
    hist = STOCK["hist"].make(5)
    model = shoal.compile(hist, vocab=["a", "b", "c"], max_seq_len=5, passes=WIDE)
    module, columns = model.to_torch(), list(model.variables["tokens"].columns)
    ids = torch.from_numpy(model.ids([list("aab")])).long()
    traced = nnsight.NNsight(module)
    with torch.no_grad(), traced.trace(ids):
        traced.start.output[0, 2, columns] = torch.tensor([0.0, 0.0, 1.0])
        logits = traced.output.save()
    values = [module.values[number] for number in logits[0, 1:4].argmax(-1).tolist()]
    assert (
        values == model.patch(list("aab"), Patch.value("tokens", "c", positions=[1])) == [1, 1, 1]
    )
