"""Model files: what is saved comes back; what is damaged is told, before anything is built."""

from __future__ import annotations

import io
import json
import math
import os
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import shoal
from shoal.errors import InvalidInputError
from shoal.rasp import Aggregate, Comparison, Full, Map, Select, indices, numerical, tokens
from shoal.rasp.stock import STOCK
from shoal.runnable import Transformer
from shoal.transformer.description import Description
from tests.support import random_sequences

EARLIER = Select(indices, indices, Comparison.LT)
PROGRAMS = {
    "values": (Map(lambda t: {1: None, 2: (1, "x"), 3: -0.0}[t], tokens), (1, 2, 3)),
    "means": (Aggregate(Select(indices, indices, Comparison.LEQ), tokens), (1, 2, 3)),
    "numbers": (numerical(Aggregate(EARLIER, tokens)), (0.5, 2, 3)),
    "infinities": (Map(lambda t: math.inf if t else -math.inf, tokens), (0, 1)),
    "large": (Map(lambda t: t + 1, tokens), (2**53 + 1, 10**30)),
    "nothing": (Full(None), ("a",)),
}


def compiled(name: str) -> shoal.Model:
    program, vocab = PROGRAMS[name]
    return shoal.compile(program, vocab=vocab, max_seq_len=4)


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_saved_comes_back(name: str, tmp_path: Path) -> None:
    model = compiled(name)
    path = tmp_path / "model.npz"
    model.save(path)
    loaded = Transformer.load(path)
    vocab = list(model.input_encoder.vocab)
    for xs in random_sequences(vocab, 1, 4, 20):
        assert repr(loaded.run(xs)) == repr(model.run(xs))
    assert loaded.input_encoder == model.input_encoder
    assert [p.name for p in tmp_path.iterdir()] == ["model.npz"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model file as bytes."""
    path = tmp_path_factory.mktemp("saved") / "model.npz"
    stock = STOCK["hist"]
    shoal.compile(stock.make(4), vocab=stock.vocab, max_seq_len=4).save(path)
    return path.read_bytes()


def refusal(content: bytes, tmp_path: Path) -> str:
    """The message with which a file is refused."""
    path = tmp_path / "damaged.npz"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"is no saved model, or is damaged: ") as error:
        Transformer.load(path)
    return str(error.value)


def entries(saved: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(saved)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(content: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return file.getvalue()


def as_npy(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def described(saved: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The file with another description and no checksum, as old files have none."""
    content = entries(saved)
    del content["sha256.npy"]
    text = str(np.load(io.BytesIO(content["description.npy"])))
    description = json.loads(text)
    changed = change(description)
    text = json.dumps(description if changed is None else changed)
    return packed({**content, "description.npy": as_npy(np.array(text))})


def test_files_without_a_checksum_are_still_read(saved: bytes, tmp_path: Path) -> None:
    def forget(description: dict[str, Any]) -> None:
        del description["numerical"], description["coordinates"]

    path = tmp_path / "old.npz"
    path.write_bytes(described(saved, forget))
    assert Transformer.load(path).run(["a", "b", "a"]) == [2, 1, 2]


@pytest.mark.parametrize("length", [0, 1, 3, 22, 100, 0.3, 0.9, -1])
def test_files_that_are_cut_off(saved: bytes, length: float, tmp_path: Path) -> None:
    end = int(length * len(saved)) if 0 < length < 1 else int(length)
    refusal(saved[:end], tmp_path)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_bytes_that_are_changed_are_noticed_or_make_no_difference(
    saved: bytes, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(saved)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "damaged.npz"
    path.write_bytes(bytes(content))
    try:
        loaded = Transformer.load(path)
    except InvalidInputError:
        return
    assert loaded.run(["a", "b", "a"]) == [2, 1, 2]  # times of entries, for one


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"hello", "no .npz file"),
        (b"\x00" * 5_000, "no .npz file"),
        (packed({}), "it has no description"),
        (packed({"description.npy": b"hello"}), "magic string"),
        (packed({"description.npy": as_npy(np.zeros(3))}), "is no text"),
        (packed({"description.npy": as_npy(np.array("[" * 100_000))}), "nested too deeply"),
        (packed({"description.npy": as_npy(np.array("5"))}), "is no object"),
    ],
)
def test_files_that_are_something_else(content: bytes, reason: str, tmp_path: Path) -> None:
    if b"PK" in content and b"description" in content:
        content = packed({**entries(content), "unembedding_b.npy": as_npy(np.zeros(1))})
    assert reason in refusal(content, tmp_path)


def set_to(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(description: dict[str, Any]) -> None:
        for name in path[:-1]:
            description = description[name]
        description[path[-1]] = value

    return change


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"tuple": [value]}
    return value


@pytest.mark.parametrize(
    "change",
    [
        set_to("format", value="shoal transformer 99"),
        set_to("sizes", value={}),
        set_to("sizes", value=[1]),
        set_to("sizes", "d_model", value=7),
        set_to("sizes", "d_model", value=-1),
        set_to("sizes", "d_model", value=2.0),
        set_to("sizes", "d_model", value=True),
        set_to("sizes", "num_layers", value=10**6),
        set_to("sizes", "num_heads", value=2**31),
        set_to("sizes", "key_size", value=10**400),
        set_to("causal", value="yes"),
        set_to("nullable", value=1),
        set_to("nullable", value=None),
        set_to("numerical", value=True),
        set_to("coordinates", value=3),
        set_to("max_seq_len", value=0),
        set_to("max_seq_len", value=5),
        set_to("max_seq_len", value=1e300),
        set_to("vocab", value=[]),
        set_to("vocab", value=["a"]),
        set_to("vocab", value=["a", "a", "c", "d"]),
        set_to("vocab", value=["b", "a", "c", "d"]),
        set_to("vocab", value=["a", "b", "c", None]),
        set_to("vocab", value=["a", "b", "c", ["d"]]),
        set_to("vocab", value=["a", "b", "c", {"list": []}]),
        set_to("vocab", value=["a", "b", "c", {"tuple": 5}]),
        set_to("vocab", value=["a", "b", "c", nested(200)]),
        set_to("vocab", value="abcd"),
        set_to("bos", value="a"),
        set_to("bos", value=None),
        set_to("pad", value="BOS"),
        set_to("values", value=[]),
        set_to("values", value=[1, 2, 3, 3]),
        set_to("values", value=[1, 2, 3]),
        set_to("values", value=[1, 2, 3, {"float": "nan"}]),
        lambda description: description.pop("vocab") and None,
        lambda description: description.pop("bos") and None,
        lambda description: [description],
    ],
)
def test_descriptions_that_do_not_fit(
    saved: bytes, change: Callable[[dict[str, Any]], Any], tmp_path: Path
) -> None:
    refusal(described(saved, change), tmp_path)


def with_array(name: str, change: Callable[[np.ndarray], Any], **options: Any) -> Any:
    def damage(content: dict[str, bytes]) -> None:
        array = np.load(io.BytesIO(content[f"{name}.npy"]))
        content[f"{name}.npy"] = as_npy(change(array), **options)

    return damage


def filled(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        array.flat[0] = value
        return array

    return change


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content.pop("layer_0/query_w.npy"), "'layer_0/query_w' is missing"),
        (lambda content: content.pop("codes.npy"), "values|missing"),
        (lambda content: content.pop("unembedding_b.npy"), "'unembedding_b' is missing"),
        (lambda content: content.update({"extra.npy": b""}), "does not belong: 'extra'"),
        (lambda content: content.update({"layer_0/query_w.npy": b""}), "magic string|EOF"),
        (with_array("position_embedding", lambda a: a[1:]), "position_embedding"),
        (with_array("token_embedding", lambda a: a.astype(np.float64)), "float64"),
        (with_array("token_embedding", lambda a: a.astype(">f4")), "token_embedding"),
        (with_array("layer_0/hidden_w", lambda a: a[:, :-1]), "layer_0/hidden_w"),
        (with_array("codes", lambda a: a.astype(np.float32)), "float32"),
        (with_array("codes", filled(np.nan)), "not finite"),
        (with_array("unembedding_w", filled(np.inf)), "not finite"),
        (
            with_array("layer_0/key_b", lambda a: a.astype(object), allow_pickle=True),
            "pickled objects",
        ),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit(
    saved: bytes, damage: Callable[[dict[str, bytes]], Any], reason: str, tmp_path: Path
) -> None:
    content = entries(saved)
    del content["sha256.npy"]  # a checksum alone must not be what finds them
    damage(content)
    message = refusal(packed(content), tmp_path)
    assert any(part in message for part in reason.split("|"))


def test_a_number_that_is_changed_does_not_match_the_checksum(saved: bytes, tmp_path: Path) -> None:
    content = entries(saved)
    with_array("layer_0/hidden_w", filled(0.25))(content)
    assert "does not match its checksum" in refusal(packed(content), tmp_path)
    content = entries(saved)
    text = str(np.load(io.BytesIO(content["description.npy"]))).replace("false", "true", 1)
    content["description.npy"] = as_npy(np.array(text))
    refusal(packed(content), tmp_path)


def header(shape: tuple[int, ...]) -> bytes:
    text = repr({"descr": "<f4", "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


@pytest.mark.slow
def test_bombs_are_not_unpacked(saved: bytes, tmp_path: Path) -> None:
    zeros = bytes(2**28)
    content = entries(saved)
    big = 2**28
    bombs = [
        {**content, "token_embedding.npy": zeros},
        {**content, "token_embedding.npy": header((big,)) + zeros},
        {**content, "description.npy": header((big,)) + zeros},
        {"description.npy": as_npy(np.array("x")) + zeros, "unembedding_b.npy": b""},
    ]
    files = [packed(bomb) for bomb in bombs]
    large = described(saved, set_to("sizes", "mlp_hidden_size", value=2**30))
    del zeros, bombs
    tracemalloc.start()
    try:
        for file in (*files, large):
            refusal(file, tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_expand_in_one_go_are_not_read(
    saved: bytes, compression: int, tmp_path: Path
) -> None:
    assert "compressed in a way" in refusal(packed(entries(saved), compression), tmp_path)


def test_a_model_beyond_the_limit_is_refused_with_what_would_do(
    saved: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(saved)
    with pytest.raises(InvalidInputError, match=r"model_bytes=\d+") as error:
        Transformer.load(path, limits=shoal.Limits(model_bytes=10))
    enough = int(str(error.value).split("model_bytes=")[1].split(")")[0])
    assert Transformer.load(path, limits=shoal.Limits(model_bytes=enough)).run(["a"]) == [1]


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path, "is a folder"),
        (tmp_path / "nothing.npz", "there is no file"),
        (tmp_path / "no" / "folder.npz", "there is no file"),
        (Path(os.devnull), "is no saved model"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            Transformer.load(path)


def test_values_that_cannot_be_saved_leave_no_file(tmp_path: Path) -> None:
    model = shoal.compile(Map(lambda t: frozenset({t}), tokens), vocab={1, 2}, max_seq_len=2)
    path = tmp_path / "model.npz"
    path.write_text("what was there before")
    with pytest.raises(InvalidInputError, match="cannot be saved"):
        model.save(path)
    with pytest.raises(InvalidInputError, match="cannot write"):
        compiled("means").save(tmp_path / "no" / "model.npz")
    with pytest.raises(InvalidInputError, match="cannot write"):
        compiled("means").save(tmp_path)
    assert path.read_text() == "what was there before"
    assert [p.name for p in tmp_path.iterdir()] == ["model.npz"]


def test_a_file_is_replaced_only_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.npz"
    compiled("means").save(path)
    before = path.read_bytes()
    correct = np.savez_compressed

    def cut_off(file: Any, **arrays: Any) -> None:
        correct(file, **arrays)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", cut_off)
    with pytest.raises(InvalidInputError, match="No space left on device"):
        compiled("numbers").save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["model.npz"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_told() -> None:
    with pytest.raises(InvalidInputError, match="No space left"):
        compiled("means").save("/dev/full")


def test_a_link_is_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target.npz", tmp_path / "link.npz"
    target.write_text("")
    link.symlink_to(target)
    compiled("means").save(link)
    assert link.is_symlink()
    assert Transformer.load(target).run([1, 2]) == [1, 1.5]


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=8,
))  # fmt: skip
def test_values_come_back_as_they_were(value: Any) -> None:
    description = Description(
        sizes=dict.fromkeys(
            ["num_layers", "num_heads", "key_size", "value_size", "d_model", "mlp_hidden_size"], 1
        ),
        causal=False,
        vocab=("token",),
        bos="BOS",
        pad="PAD",
        max_seq_len=1,
        values=(value,),
        nullable=False,
        numerical=False,
        coordinates=1,
    )
    again = Description.from_json(description.to_json(), {})
    assert repr(again) == repr(description)
