"""The circuit is what is in the weights, and each edge says what it carries."""

from __future__ import annotations

from pathlib import Path

import pytest

import shoal
from shoal import rasp
from shoal.atlas.circuit import LEVELS, circuit, flow
from shoal.rasp.stock import STOCK


def compiled(name: str, passes: str = "all") -> shoal.Model:
    stock = STOCK[name]
    return shoal.compile(stock.make(5), vocab=stock.vocab, max_seq_len=5, passes=passes)


def test_heads_read_in_three_roles() -> None:
    graph = compiled("reverse").circuit("head")
    roles = {d["role"] for _, target, d in graph.edges(data=True) if target.startswith("head")}
    assert roles == {"query", "key", "value"}
    others = {d["role"] for _, target, d in graph.edges(data=True) if target[:4] != "head"}
    assert others == {"input"}


def test_edges_say_what_flows_in_which_columns() -> None:
    model = compiled("reverse")
    graph = model.circuit("head")
    (gather,) = [n for n, d in graph.nodes(data=True) if "reverse" in d["computes"].split(", ")][:1]
    values = [d for _, _, d in graph.in_edges(gather, data=True) if d["role"] == "value"]
    (tokens,) = [d for d in values if d["value"] == "tokens"]
    assert tuple(map(int, tokens["columns"].split())) == model.atlas.places["tokens"].columns
    assert tokens["width"] == len(tokens["columns"].split())


def test_what_only_clears_columns_is_marked() -> None:
    """A column used again carries the old value and its negative to whoever reads the new one."""
    graph = compiled("reverse", passes="none").circuit("head")
    cleared = {(a, b) for a, b, d in graph.edges(data=True) if d["clears"]}
    assert ("head 0.0", "mlp 1") in cleared  # the reciprocal that mlp 0 cleared, and its remains
    assert not {(a, b) for a, b, _ in flow(graph).edges} & {("head 0.0", "mlp 1")}
    once = shoal.compile(
        STOCK["reverse"].make(5), vocab=("a", "b"), max_seq_len=5, passes="none", reuse=False
    )
    assert not any(d["clears"] for *_, d in once.circuit("head").edges(data=True))


def test_what_tells_bos_is_marked() -> None:
    graph = compiled("hist", passes="none").circuit("head")
    marked = [(a, d["variable"]) for a, _, d in graph.edges(data=True) if d["bos"]]
    assert marked
    assert set(marked) == {("tokens", "BOS")}


@pytest.mark.parametrize("level", LEVELS)
def test_loaded_models_have_the_same_circuit(level: str, tmp_path: Path) -> None:
    model = compiled("sort")
    model.save(tmp_path / "m.safetensors")
    loaded = shoal.load(tmp_path / "m.safetensors")
    assert isinstance(loaded, shoal.Model)
    assert sorted(map(str, loaded.circuit(level).edges(data=True))) == sorted(
        map(str, model.circuit(level).edges(data=True))
    )


def test_mlps_are_whole_at_the_level_of_heads() -> None:
    model = compiled("shuffle_dyck2")
    coarse, fine = model.circuit("head"), model.circuit("neurons")
    assert {d["kind"] for _, d in coarse.nodes(data=True)} == {"embedding", "head", "mlp", "result"}
    assert {"neurons", "erasure"} <= {d["kind"] for _, d in fine.nodes(data=True)}
    assert coarse.nodes["mlp 0"]["size"] == sum(
        d["size"] for _, d in fine.nodes(data=True) if d["half_layer"] == 1
    )


def test_programs_of_nothing_have_a_circuit() -> None:
    model = shoal.compile(rasp.tokens, vocab=["a"], max_seq_len=1)
    for level in LEVELS:
        assert set(model.circuit(level)) <= {"tokens", "positions", "result"}


def test_there_are_no_other_levels() -> None:
    model = compiled("hist")
    with pytest.raises(shoal.InvalidInputError, match=r"no level 'heads'.*neurons, head"):
        circuit(model.atlas, model.weights, "heads")
