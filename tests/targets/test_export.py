"""What cannot be exported says why and what to do, and nothing half-written is left."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shoal
from shoal.craft.architecture import Architecture
from shoal.errors import InvalidInputError
from shoal.rasp import Aggregate, Comparison, Map, Select, SOp, indices, keep, numerical, tokens
from shoal.targets.foreign import exact_head_size, readout, with_heads_of, with_pad_kept_away
from shoal.targets.in_numpy import forward
from shoal.targets.target import WRITERS, write_to
from shoal_cli.main import main
from tests.support import random_sequences
from tests.targets.programs import clients_programs


def compiled(program: SOp, vocab: Any = ("a", "b"), **options: Any) -> shoal.Model:
    return shoal.compile(program, **{"vocab": vocab, "max_seq_len": 4, **options})


@pytest.mark.parametrize("name", clients_programs())
def test_foreign_shapes_compute_the_same(name: str) -> None:
    """Nobody masks PAD, heads have one size, and one affine map gives logits."""
    model = compiled(clients_programs()[name], ("a", "b", "c"))
    pad = model.input_encoder.pad_encoding
    weights = with_pad_kept_away(model.weights, pad)
    sizes = weights.sizes
    weights = with_heads_of(weights, exact_head_size(max(sizes.key_size, sizes.value_size)))
    sequences = random_sequences("abc", 1, 4, 50)
    ids = np.full((len(sequences), 5), pad)
    for row, xs in zip(ids, sequences, strict=True):
        row[: len(xs) + 1] = model.input_encoder.encode(["BOS", *xs])
    passed = forward(weights, ids, pad=-1)
    stream = (passed.residuals or (passed.input_embeddings,))[-1][..., :-1]
    read = readout(model)
    logits = stream @ read.matrix.astype(np.float32) + read.bias.astype(np.float32)
    for xs, rows in zip(sequences, logits, strict=True):
        numbers = rows[1 : 1 + len(xs)].argmax(axis=-1)
        assert [model.output_encoder.choices[n] for n in numbers] == model.run(xs)


def test_head_sizes_have_exact_fourth_roots() -> None:
    assert [exact_head_size(n) for n in (1, 2, 16, 17, 256)] == [1, 16, 16, 256, 256]
    with pytest.raises(InvalidInputError, match="use the target torch"):
        exact_head_size(5000)


def test_results_too_close_for_an_unembedding_are_refused() -> None:
    model = compiled(tokens)
    values = (1000.0, 1000.001)
    decoder = replace(model.output_encoder, values=values, codes=np.array(values)[:, None])
    weights = replace(
        model.weights,
        unembedding_w=model.weights.unembedding_w[:, :1],
        unembedding_b=model.weights.unembedding_b[:1],
    )
    with pytest.raises(InvalidInputError, match=r"1000\.0 and 1000\.001 are too close"):
        readout(replace(model, output_encoder=decoder, weights=weights))


@pytest.mark.parametrize("target", ["transformer-lens", "huggingface", "onnx"])
def test_other_architectures_are_refused(target: str, tmp_path: Path) -> None:
    needs(target)
    model = compiled(tokens)
    other = replace(model, weights=replace(model.weights, architecture=Architecture("odd")))
    with pytest.raises(InvalidInputError, match="architecture is 'odd'"):
        write_to(target, other, tmp_path / "x")
    assert not list(tmp_path.iterdir())


def needs(target: str) -> None:
    packages = {"torch": "torch", "transformer-lens": "transformer_lens", "onnx": "onnx"}
    pytest.importorskip(packages.get(target, "transformers"))
    pytest.importorskip("torch" if target != "onnx" else "onnx")


@pytest.mark.parametrize(
    ("program", "vocab", "options", "wrong"),
    [
        (tokens, ["a b", "c"], {}, "no word that a tokenizer can find"),
        (tokens, ["", "c"], {}, "no word"),
        (tokens, [1, "1"], {}, "are written alike"),
        (tokens, ["a"], {"head": "odd"}, "there is no head 'odd'"),
        (tokens, ["a"], {"head": "lm"}, "compile with causal=True"),
    ],
)
def test_what_hugging_face_cannot_hold_is_refused(
    program: SOp, vocab: list[Any], options: dict[str, Any], wrong: str, tmp_path: Path
) -> None:
    needs("huggingface")
    with pytest.raises(InvalidInputError, match=wrong):
        compiled(program, vocab).to_huggingface(tmp_path / "x", **options)
    assert not list(tmp_path.iterdir())


def test_the_next_token_must_be_a_token(tmp_path: Path) -> None:
    needs("huggingface")
    shouted = compiled(Map(str.upper, tokens), causal=True)
    with pytest.raises(InvalidInputError, match="'A' is not in the vocab"):
        shouted.to_huggingface(tmp_path / "x", head="lm")
    mean = numerical(Aggregate(Select(indices, indices, Comparison.LEQ), indices))
    with pytest.raises(InvalidInputError, match="these are numbers"):
        compiled(mean, causal=True).to_huggingface(tmp_path / "x", head="lm")


def test_folders_that_are_there_stay(tmp_path: Path) -> None:
    needs("huggingface")
    model = compiled(tokens)
    place = model.to_huggingface(tmp_path / "x")
    before = json.loads((place / "config.json").read_text())
    with pytest.raises(InvalidInputError, match="is there already"):
        compiled(tokens, ("a", "b", "c")).to_huggingface(place)
    assert json.loads((place / "config.json").read_text()) == before
    compiled(tokens, ("a", "b", "c")).to_huggingface(place, overwrite=True)
    assert json.loads((place / "config.json").read_text())["vocab_size"] == 5
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError, match="is a file; give a folder"):
        model.to_huggingface(tmp_path / "file", overwrite=True)


def test_labels_that_are_written_alike_are_told_apart(tmp_path: Path) -> None:
    needs("huggingface")
    program = Map({"a": 1, "b": "1"}.get, tokens)
    place = compiled(program).to_huggingface(tmp_path / "x")
    labels = json.loads((place / "config.json").read_text())["id2label"]
    assert set(labels.values()) == {"1", "'1'"}


def test_large_numbers_do_not_reach_the_norm(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    read_off = numerical(Map({"a": 3.0e9, "b": -1.0}.get, tokens))
    for name, program in (("view", read_off), ("kept", keep(read_off))):
        place = compiled(program).to_huggingface(tmp_path / name)
        made = transformers.AutoModelForTokenClassification.from_pretrained(place)
        ids = torch.tensor([compiled(program).input_encoder.encode(["BOS", "a", "b"])])
        with torch.no_grad():
            numbers = made(ids).logits[0, 1:, 0].tolist()
        assert numbers == pytest.approx([3.0e9, -1.0], rel=1e-6), name
    huge = keep(numerical(Map({"a": 1e30, "b": 2e30}.get, tokens)))
    with pytest.raises(InvalidInputError, match="LayerNorm cannot be kept"):
        compiled(huge).to_huggingface(tmp_path / "y")


def test_types_that_lose_exactness_are_refused() -> None:
    torch = pytest.importorskip("torch")
    model = compiled(tokens)
    with pytest.raises(InvalidInputError, match=r"use torch\.float32"):
        model.to_torch(dtype=torch.bfloat16)
    ids = torch.tensor([model.input_encoder.encode(["BOS", "a"])])
    with pytest.warns(UserWarning, match="results are wrong"):
        model.to_torch().bfloat16()(ids)
    assert model.to_torch(dtype=torch.float64)(ids).argmax(dim=-1)[0, 1] == 0


def test_a_cache_gives_what_whole_sequences_give() -> None:
    torch = pytest.importorskip("torch")
    from shoal.targets.in_torch import KeyValueCache

    before = Select(indices, indices, lambda key, query: key == query - 1)
    model = compiled(Aggregate(before, tokens, default="b"), causal=True)
    module = model.to_torch()
    ids = torch.tensor([model.input_encoder.encode(["BOS", *"abba"])])
    cache = KeyValueCache()
    with torch.no_grad():
        parts = [module(ids[:, start : start + 1], cache) for start in range(5)]
        assert torch.allclose(torch.cat(parts, 1), module(ids), atol=1e-5)
    assert cache.length == 5


def test_damaged_files_of_modules_are_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from shoal.targets.in_torch import TorchTransformer

    with pytest.raises(InvalidInputError, match="there is no file"):
        TorchTransformer.load(tmp_path / "x.pt")
    torch.save({"format": "odd"}, tmp_path / "x.pt")
    with pytest.raises(InvalidInputError, match="its format is"):
        TorchTransformer.load(tmp_path / "x.pt")
    (tmp_path / "x.pt").write_bytes(b"no module")
    with pytest.raises(InvalidInputError, match="is no PyTorch module of Shoal"):
        TorchTransformer.load(tmp_path / "x.pt")


def test_the_command_line_writes_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hist.safetensors"
    assert main(["export", "hist", "--to", "safetensors", str(path)]) == 0
    assert "wrote" in capsys.readouterr().out
    assert shoal.load(path).run(["a", "b", "a"]) == [2, 1, 2]
    assert main(["export", "hist", "--to", "onnx", "--head", "lm", str(path)]) == 2
    assert "for --to huggingface alone" in capsys.readouterr().err
    assert main(["export", "hist", "--to", "onnx", str(tmp_path / "no" / "x.onnx")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["export", "hist", "--to", "magic", "x"])
    assert ", ".join(WRITERS) in capsys.readouterr().err.replace("'", "")
    with pytest.raises(InvalidInputError, match="nothing is written for 'magic'; known: torch"):
        write_to("magic", shoal.load(path), path)
