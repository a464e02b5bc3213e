"""Noise, training from a compiled start, and how far the circuit still holds."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import shoal
from shoal.errors import InvalidInputError
from shoal.rasp import Aggregate, Map, Select, indices, tokens
from shoal.rasp.stock import STOCK
from shoal_analysis import lab
from shoal_analysis.lab.realism.interchange import interchanged, pairs

FAST = lab.Schedule(steps=150, learning_rate=1e-3, weight_decay=0.0, layer_weight=0.0)


@cache
def compiled(name: str = "frac_prevs", passes: Any = ()) -> shoal.Model:
    stock = STOCK[name]
    vocab = sorted(stock.vocab, key=str)[:3]
    return shoal.compile(stock.make(4), vocab=vocab, max_seq_len=4, passes=passes)


@pytest.mark.parametrize("name", ["frac_prevs", "sort", "hist", "reverse"])
@pytest.mark.parametrize("turned", [False, True])
def test_the_circuit_of_a_compiled_model_holds(name: str, turned: bool) -> None:
    model = compiled(name)
    found = lab.circuit_holds(lab.rotate(model, 2) if turned else model, inputs=30, pairs_each=10)
    assert found.agreement == 1.0
    assert set(found.interchange.values()) == {1.0}
    assert set(found.readable.values()) == {1.0}
    assert "right on 100.0% of 30 inputs" in str(found)


def test_counterfactuals_differ_from_what_the_base_gives() -> None:
    model = compiled("sort")
    asked = pairs(model, "target_position", 10, seed=0)
    assert asked.bases
    for base, source, answer in zip(asked.bases, asked.sources, asked.answers, strict=True):
        assert len(base) == len(source)
        assert list(answer) != model.run(base)
    assert [tuple(found) for found in interchanged(model, asked)] == list(asked.answers)


def test_noise_is_as_large_as_asked_and_zero_stays_zero() -> None:
    model = compiled("sort")
    for one, other in zip(
        model.weights.layers, lab.noise(model, 0.1, seed=1).weights.layers, strict=True
    ):
        size = np.sqrt(np.mean(one.query_w**2))
        if size == 0:
            assert not other.query_w.any()
        else:
            assert np.std(other.query_w - one.query_w) == pytest.approx(0.1 * size, rel=0.2)
    assert lab.noise(model, 0).run([1, 2]) == model.run([1, 2])


def test_the_seed_determines_the_noise() -> None:
    one, same, other = (lab.noise(compiled(), 0.1, seed) for seed in (1, 1, 2))
    assert one.weights.token_embedding.tobytes() == same.weights.token_embedding.tobytes()
    assert one.weights.token_embedding.tobytes() != other.weights.token_embedding.tobytes()


def test_more_noise_leaves_less_of_the_circuit() -> None:
    little, much = (
        lab.circuit_holds(lab.noise(compiled(), scale), inputs=50, pairs_each=20)
        for scale in (0.001, 0.5)
    )
    assert little.agreement > much.agreement
    assert little.interchange["tokens"] > much.interchange["tokens"]


@pytest.mark.parametrize("scale", [-0.1, float("nan"), float("inf"), "0.1", True, None])
def test_odd_scales_are_refused(scale: Any) -> None:
    with pytest.raises(InvalidInputError, match="a number from 0 on"):
        lab.noise(compiled(), scale)


def test_what_follows_the_compiled_circuit_refuses_other_weights(tmp_path: Any) -> None:
    model = lab.noise(compiled("sort"), 0.01, seed=3)
    for ask in (
        lambda: model.patch([1, 2], shoal.Patch.value("tokens", 1)),
        lambda: model.write("tokens", [1, 2], [2, 2]),
        lambda: model.save_html("never.html"),
        lambda: model.run([1, 2], "craft"),
    ):
        with pytest.raises(InvalidInputError, match=r"with noise of 0\.01 by the seed 3"):
            ask()
    assert model.read("tokens", [1, 2]) == [1, 2]
    model.save(tmp_path / "m.safetensors")
    loaded = shoal.load(tmp_path / "m.safetensors")
    with pytest.raises(InvalidInputError, match="with noise of"):
        loaded.patch([1, 2], shoal.Patch.value("tokens", 1))  # type: ignore[attr-defined]
    with pytest.raises(InvalidInputError, match="loaded"):
        lab.circuit_holds(loaded)  # type: ignore[arg-type]


@pytest.mark.slow
def test_training_mends_outputs_and_interchanges_keep_the_circuit() -> None:
    pytest.importorskip("torch")
    start = lab.noise(lab.rotate(compiled(), 1), 0.01)
    before = lab.circuit_holds(start, inputs=80, pairs_each=30)
    plain = lab.circuit_holds(lab.train_from(start, FAST), inputs=80, pairs_each=30)
    held = lab.train_from(start, FAST, interchange=["tokens", "map"])
    after = lab.circuit_holds(held, inputs=80, pairs_each=30)
    assert before.agreement < 0.9
    assert plain.agreement > before.agreement
    assert after.agreement > before.agreement
    assert sum(after.interchange.values()) > sum(plain.interchange.values())
    assert "trained for 150 steps on outputs and on interchanges" in held.atlas.claims["weights"]


def test_the_seed_determines_what_is_learnt() -> None:
    pytest.importorskip("torch")
    few = lab.Schedule(steps=3, learning_rate=1e-3, layer_weight=0.0)
    one, same, other = (
        lab.train_from(compiled(), few, interchange=["tokens"], seed=s) for s in (1, 1, 2)
    )
    assert one.weights.unembedding_w.tobytes() == same.weights.unembedding_w.tobytes()
    assert one.weights.unembedding_w.tobytes() != other.weights.unembedding_w.tobytes()


@pytest.mark.parametrize("name", ["sort", "reverse"])
def test_a_step_of_no_size_changes_nothing(name: str) -> None:
    pytest.importorskip("torch")
    model = compiled(name)
    still = lab.Schedule(steps=1, learning_rate=0.0, layer_weight=0.0)
    trained = lab.train_from(model, still)
    for one, other in zip(model.weights.layers, trained.weights.layers, strict=True):
        assert all((getattr(one, f) == getattr(other, f)).all() for f in vars(one))
    assert (trained.weights.unembedding_w == model.weights.unembedding_w).all()
    assert (trained.weights.position_embedding == model.weights.position_embedding).all()


def test_odd_requests_are_refused(tmp_path: Any) -> None:
    model = compiled()
    for match, ask in (
        ("no s-op named 'nobody'", lambda: lab.circuit_holds(model, ["nobody"])),
        ("was loaded, or is no model", lambda: lab.circuit_holds("a model")),  # type: ignore[arg-type]
        ("inputs is a number from 1 on", lambda: lab.circuit_holds(model, inputs=0)),
        ("a seed is", lambda: lab.circuit_holds(model, seed=-1)),
        ("no s-op named 'nobody'", lambda: lab.train_from(model, interchange=["nobody"])),
        ("interchange_weight is", lambda: lab.train_from(model, interchange_weight=-1)),
        ("layer_weight=0", lambda: lab.train_from(model, lab.Schedule())),
        ("nothing is learnt from it", lambda: lab.train_from(model, interchange=["indices"])),
    ):
        with pytest.raises(InvalidInputError, match=match):
            ask()


def test_views_have_no_directions_of_their_own_to_be_interchanged() -> None:
    upper = Map(str.upper, tokens).named("upper")
    first = Select(indices, indices, lambda key, query: key == 0)
    model = shoal.compile(Aggregate(first, upper), vocab={"a", "b"}, max_seq_len=3)
    with pytest.raises(InvalidInputError, match="no columns or directions of its own"):
        lab.circuit_holds(model, ["upper"])
