"""What the other side's own code makes of exported models, in memory and through disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shoal

Logits = np.ndarray
Client = Callable[[shoal.Model, np.ndarray, Path], Logits]
"""From a model, ids [batch, positions] and a folder to logits [batch, positions, values]."""


def torch_module(model: shoal.Model, ids: np.ndarray, folder: Path) -> Logits:
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        return model.to_torch()(torch.from_numpy(ids).long()).numpy()


def torch_file(model: shoal.Model, ids: np.ndarray, folder: Path) -> Logits:
    torch = pytest.importorskip("torch")
    from shoal.targets.in_torch import TorchTransformer
    from shoal.targets.target import write_to

    write_to("torch", model, folder / "model.pt")
    with torch.no_grad():
        return TorchTransformer.load(folder / "model.pt")(torch.from_numpy(ids).long()).numpy()


def transformer_lens(model: shoal.Model, ids: np.ndarray, folder: Path) -> Logits:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformer_lens")
    with torch.no_grad():
        return model.to_transformer_lens()(torch.from_numpy(ids).long()).numpy()


def transformer_lens_file(model: shoal.Model, ids: np.ndarray, folder: Path) -> Logits:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformer_lens")
    from shoal.targets.target import write_to
    from shoal.targets.to_transformer_lens import load

    write_to("transformer-lens", model, folder / "model.pt")
    with torch.no_grad():
        return load(folder / "model.pt")(torch.from_numpy(ids).long()).numpy()


def huggingface(model: shoal.Model, ids: np.ndarray, folder: Path) -> Logits:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    place = model.to_huggingface(folder / "gpt2")
    tokenizer = transformers.AutoTokenizer.from_pretrained(place)
    made = transformers.AutoModelForTokenClassification.from_pretrained(place)
    pad = model.input_encoder.pad_encoding
    texts = [
        " ".join(map(str, model.input_encoder.decode([n for n in row[1:] if n != pad])))
        for row in ids.tolist()
    ]
    encoded = tokenizer(texts, padding="max_length", return_tensors="pt")
    assert (encoded["input_ids"].numpy() == ids).all()
    with torch.no_grad():
        return made(**encoded).logits.numpy()


def onnxruntime(model: shoal.Model, ids: np.ndarray, folder: Path) -> Logits:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    model.to_onnx(folder / "model.onnx")
    session = runtime.InferenceSession(
        str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"tokens": ids.astype(np.int64)})[0]


def own_file(model: shoal.Model, ids: np.ndarray, folder: Path) -> Logits:
    from shoal.targets.target import runner_of, write_to

    write_to("safetensors", model, folder / "model.safetensors")
    passed = runner_of("numpy", shoal.load(folder / "model.safetensors"))(ids)
    return passed.result if passed.logits is None else passed.logits


def haiku(model: shoal.Model, ids: np.ndarray, folder: Path) -> Logits:
    from shoal.targets.target import runner_of

    passed = runner_of("haiku", model)(ids)
    return passed.result if passed.logits is None else passed.logits


CLIENTS: dict[str, Client] = {
    "torch": torch_module,
    "torch, from a file": torch_file,
    "TransformerLens": transformer_lens,
    "TransformerLens, from a file": transformer_lens_file,
    "Hugging Face": huggingface,
    "ONNX": onnxruntime,
    "safetensors": own_file,
    "Haiku": haiku,
}


def values_of(model: shoal.Model, logits: np.ndarray) -> list[Any]:
    """The values that logits [positions, values], or numbers, stand for."""
    decoder = model.output_encoder
    if decoder.codes is None:
        return decoder.decode(logits)
    return [decoder.choices[number] for number in logits.argmax(axis=-1)]
