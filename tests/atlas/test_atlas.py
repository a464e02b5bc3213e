"""The atlas says what is so, and says it again after a journey through JSON and a file."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import shoal
from shoal.atlas.atlas import RESULT, Atlas
from shoal.atlas.circuit import flow
from shoal.atlas.explain import merged, unmaterialised
from shoal.atlas.storage import FORMAT, save_file
from shoal.atlas.text import _array_from_json, array_to_json, atlas_from_json, atlas_to_json
from shoal.errors import InvalidInputError, UnreadableError
from shoal.rasp import Comparison, Map, Select, SelectorWidth, SequenceMap, SOp, indices, tokens
from shoal.rasp.stock import STOCK
from shoal.targets.in_numpy import forward
from shoal_analysis.fuzzing.oracles import LIMITS
from shoal_analysis.margins import head_parts, margins, neuron_parts, part_name
from tests.program.programs import LONGEST, VOCAB, s_ops
from tests.support import WIDE, accepted, random_sequences


def compiled(name: str, **options: Any) -> shoal.Model:
    stock = STOCK[name]
    program = stock.make(stock.max_seq_len)
    return shoal.compile(program, vocab=stock.vocab, max_seq_len=stock.max_seq_len, **options)


def same(first: Any, second: Any) -> bool:
    """Whether two atlases, or parts of them, are equal."""
    if isinstance(first, np.ndarray):
        return np.array_equal(first, second)
    if hasattr(first, "__dataclass_fields__"):
        names = [field.name for field in fields(first)]
        return all(same(getattr(first, name), getattr(second, name)) for name in names)
    if isinstance(first, dict):
        return list(first) == list(second) and all(same(v, second[k]) for k, v in first.items())
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return type(first) is type(second) and first == second


def through_json(atlas: Atlas) -> Atlas:
    return atlas_from_json(json.loads(json.dumps(atlas_to_json(atlas), allow_nan=False)))


@pytest.mark.slow
@pytest.mark.parametrize("passes", ["all", "none"])
@pytest.mark.parametrize("name", STOCK)
def test_a_loaded_model_is_the_same(name: str, passes: str, tmp_path: Path) -> None:
    model = compiled(name, passes=passes)
    model.save(tmp_path / "model.safetensors")
    loaded = shoal.load(tmp_path / "model.safetensors")
    assert isinstance(loaded, shoal.Model)
    assert same(loaded.atlas, model.atlas)
    assert loaded.report() == model.report()
    assert loaded.explain() == model.explain()
    assert merged(loaded.atlas) == merged(model.atlas)
    assert unmaterialised(loaded.atlas) == unmaterialised(model.atlas)
    assert list(loaded.variables) == list(model.variables)
    for half_layer in range(2 * model.num_layers + 1):
        assert loaded.labels_at(half_layer) == model.labels_at(half_layer)
    for part in (*head_parts(model.weights), *neuron_parts(model.weights)):
        assert part_name(loaded, part) == part_name(model, part)
    for xs in random_sequences(STOCK[name].vocab, 1, STOCK[name].max_seq_len, 3):
        assert loaded.run(xs) == model.run(xs)
        for value in model.atlas.values:
            assert read(loaded, value, xs) == read(model, value, xs)


def read(model: shoal.Model, name: str, xs: list[Any]) -> Any:
    try:
        return model.read(name, xs)
    except UnreadableError as error:
        return str(error)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(s_ops(), st.sampled_from(["all", "none", ("all", "binary")]))
def test_atlases_come_back_from_json(program: SOp, passes: Any) -> None:
    model = accepted(program, vocab=VOCAB, max_seq_len=LONGEST, passes=passes, limits=LIMITS)
    assert same(through_json(model.atlas), model.atlas)


@given(
    arrays(
        st.sampled_from([np.dtype(np.float64), np.dtype(np.int32)]),
        array_shapes(min_dims=0, max_dims=3, max_side=4),
        elements=st.integers(-2, 2),
    )
)
def test_arrays_come_back_from_json(array: np.ndarray) -> None:
    data = json.loads(json.dumps(array_to_json(array)))
    assert np.array_equal(_array_from_json(data, array.dtype.type), array)


def test_values_that_json_has_no_word_for_are_held_by_their_text(tmp_path: Path) -> None:
    program = Map(len, Map(lambda t: frozenset(t), tokens).named("letters"))
    model = shoal.compile(program, vocab=["ab", "c"], max_seq_len=2)
    model.save(tmp_path / "m.safetensors")
    loaded = shoal.load(tmp_path / "m.safetensors")
    assert isinstance(loaded, shoal.Model)
    assert loaded.run(["c", "ab"]) == [1, 2]
    assert loaded.read("letters", ["c"]) == ["frozenset({'c'})"]


@pytest.mark.slow
@pytest.mark.parametrize("name", STOCK)
def test_every_head_and_neuron_belongs_to_a_part(name: str) -> None:
    """What is not in the atlas does nothing; what is written is where it says, and no more."""
    model = compiled(name)
    sizes = model.weights.sizes
    for layer, arrays_of_layer in enumerate(model.weights.layers):
        for kind, half_layer, rows in (
            (
                "head",
                2 * layer,
                arrays_of_layer.output_w.reshape(sizes.num_heads, -1, sizes.d_model),
            ),
            ("neurons", 2 * layer + 1, arrays_of_layer.mlp_output_w[:, None]),
        ):
            owned = np.zeros(len(rows), dtype=bool)
            for part in model.atlas.parts:
                if part.half_layer != half_layer:
                    continue
                assert (part.kind == "head") == (kind == "head")
                size = slice(part.first, part.first + part.size)
                assert not owned[size].any()
                owned[size] = True
                places = [model.atlas.places[n] for n in part.writes if n in model.atlas.places]
                columns = [column for place in places for column in place.columns]
                others = np.setdiff1d(np.arange(sizes.d_model), columns)
                assert not rows[size][..., others].any()
            assert not rows[~owned].any()


@pytest.mark.slow
@pytest.mark.parametrize("name", STOCK)
def test_the_circuit_is_what_flows(name: str) -> None:
    """Everything that is read has been written, and the result depends on nothing else."""
    model = compiled(name)
    circuit = flow(model.circuit())
    assert nx.is_directed_acyclic_graph(circuit)
    assert nx.ancestors(circuit, RESULT) | {RESULT} == set(circuit)
    rules = {rule for part in model.atlas.parts for rule in part.rules}
    assert all(part.rules or part.kind == "erasure" for part in model.atlas.parts)
    known = {"tables", "cones", "widths", "split-selectors", "means", "copies", "linear"}
    assert rules <= known | {"result-codes", "priorities", "argmax", "whole-numbers", "histograms"}


def test_erasures_leave_nothing_behind() -> None:
    model = compiled("sort_freq", passes="none")
    places = model.atlas.places
    ids = np.array(
        [[model.input_encoder.bos_encoding, *model.input_encoder.encode_tokens([1, 2, 1, 2])]]
    )
    passed = forward(model.weights, ids.astype(np.int32), model.input_encoder.pad_encoding)
    erased = [p for p in model.atlas.parts if p.kind == "erasure"]
    assert erased
    for part in erased:
        for name in part.writes:
            place = places[name]
            reused = [c for p in places.values() if p.first == place.last + 1 for c in p.columns]
            free = [c for c in place.columns if c not in reused]
            assert not passed.residuals[part.half_layer][0, 1:, free].any()


def test_an_s_op_may_be_replaced_by_a_constant_that_a_pass_has_added() -> None:
    always = Map(lambda t: True, tokens).named("always")
    width = SelectorWidth(Select(always, always, Comparison.EQ))
    program = SequenceMap(lambda n, x: (n, x), width, Map(lambda t: t == "a", always).named("a"))
    program = SequenceMap(lambda x, y: (x, y), program, always)
    model = shoal.compile(program, vocab=["a", "b"], max_seq_len=3)
    assert model.read("always", ["a", "b"]) == [True, True]
    assert model.read("a", ["a", "b"]) == [False, False]


def test_margins_of_a_loaded_model(tmp_path: Path) -> None:
    model = compiled("hist")
    model.save(tmp_path / "m.safetensors")
    loaded = shoal.load(tmp_path / "m.safetensors")
    assert isinstance(loaded, shoal.Model)
    inputs = random_sequences(STOCK["hist"].vocab, 1, 4, 3)
    assert margins(loaded, inputs, model.program) == margins(model, inputs)


def test_what_was_not_saved_says_so(tmp_path: Path) -> None:
    model = shoal.compile(tokens, vocab=["a"], max_seq_len=2)
    model.save(tmp_path / "m.safetensors")
    loaded = shoal.load(tmp_path / "m.safetensors")
    assert isinstance(loaded, shoal.Model)
    for name in ("program", "options", "lowered", "craft", "allocated", "problem", "optimised"):
        with pytest.raises(InvalidInputError, match="was loaded: the program"):
            getattr(loaded, name)
    with pytest.raises(InvalidInputError, match="compile it again"):
        loaded.run(["a"], "craft")


def test_files_of_the_first_format_hold_a_transformer(tmp_path: Path) -> None:
    model = shoal.compile(tokens, vocab=["a"], max_seq_len=2)
    model.save(tmp_path / "m.npz")
    loaded = shoal.load(tmp_path / "m.npz")
    assert not isinstance(loaded, shoal.Model)
    assert loaded.run(["a"]) == ["a"]


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    program = SequenceMap(lambda t, i: f"{t}{i}", tokens, indices)
    shoal.compile(program, vocab=["a", "b"], max_seq_len=3).save(path)
    whole = path.read_bytes()
    for content, wrong in damaged(whole).items():
        path.write_bytes(content)
        with pytest.raises(InvalidInputError, match=wrong):
            shoal.load(path)
    for place in range(0, len(whole), max(1, len(whole) // 150)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(InvalidInputError):
            shoal.load(path)
    with pytest.raises(InvalidInputError, match="is a folder"):
        shoal.load(tmp_path)
    with pytest.raises(InvalidInputError, match="there is no file"):
        shoal.load(tmp_path / "missing.safetensors")
    path.write_bytes(whole)
    with pytest.raises(InvalidInputError, match="the limit is 10"):
        shoal.load(path, shoal.Limits(model_bytes=10))


def damaged(whole: bytes) -> dict[bytes, str]:
    """Contents that are no model, and what is said of them."""
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])

    def with_metadata(**changes: str | None) -> bytes:
        metadata = {**header["__metadata__"], **changes}
        metadata = {name: text for name, text in metadata.items() if text is not None}
        text = json.dumps({**header, "__metadata__": metadata}).encode()
        return len(text).to_bytes(8, "little") + text + whole[8 + size :]

    old = json.loads(header["__metadata__"]["atlas"]) | {"version": 99}
    return {
        b"": "no safetensors file",
        whole[:50]: "no safetensors file",
        whole[:-1]: "no safetensors file",
        b"\xff" * 20: "no safetensors file",
        with_metadata(format=FORMAT + "?"): "its format is",
        with_metadata(atlas=None): "lacks 'atlas'",
        with_metadata(description="{}"): "its format is None",
        with_metadata(atlas=json.dumps(old)): "does not match its checksum",
    }


def test_atlases_of_another_version_are_refused() -> None:
    data = atlas_to_json(shoal.compile(tokens, vocab=["a"], max_seq_len=2).atlas)
    for changed, wrong in (
        (data | {"version": 99}, "version 99"),
        ({k: v for k, v in data.items() if k != "parts"}, "makes no sense"),
        (data | {"places": [{"name": "x"}]}, "makes no sense"),
        (data | {"result": {**data["result"], "bias": {"shape": [2**40]}}}, "has the shape"),
        (data | {"result": {**data["result"], "bias": {"shape": [2], "entries": [1]}}}, "cut off"),
    ):
        with pytest.raises(ValueError, match=wrong):
            atlas_from_json(changed)


def test_atlases_of_another_model_are_refused(tmp_path: Path) -> None:
    """Whoever writes a checksum over nonsense is told, and meets no raw error."""
    program = SequenceMap(lambda t, i: f"{t}{i}", tokens, indices).named("both")
    width = SelectorWidth(Select(program, tokens, Comparison.LT))
    model = shoal.compile(width, vocab=["a", "b"], max_seq_len=3, passes=WIDE)
    atlas, path = model.atlas, tmp_path / "m.safetensors"
    place, value, part = atlas.places["tokens"], atlas.values["both"], atlas.parts[0]

    def with_place(**changes: Any) -> Atlas:
        return replace(atlas, places={**atlas.places, "tokens": replace(place, **changes)})

    for other, wrong in {
        with_place(columns=(0, 999)): "lies in columns beyond",
        with_place(columns=(0,)): "has 1 columns and 2 parts",
        with_place(last=99): "lives from half-layer 0 to 99",
        replace(atlas, output="x"): "its result 'x' is no value",
        replace(atlas, result=replace(atlas.result, variables=("x",))): "from where they are not",
        replace(
            atlas, values={**atlas.values, "both": replace(value, inputs=("x",))}
        ): "looked up by",
        replace(atlas, values={**atlas.values, "both": replace(value, table=np.zeros(2))}): "over",
        replace(atlas, parts=(replace(part, half_layer=99),)): "is in half-layer 99",
    }.items():
        save_file(path, model, other)
        with pytest.raises(InvalidInputError, match=wrong):
            shoal.load(path)


def test_claims_travel_with_the_atlas() -> None:
    atlas = shoal.compile(tokens, vocab=["a"], max_seq_len=2).atlas
    assert through_json(replace(atlas, claims={"margin": "1e-6"})).claims == {"margin": "1e-6"}
