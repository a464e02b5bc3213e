"""Rotated models compute, say and do the same as those from before."""

from __future__ import annotations

import pickle
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal.atlas.basis import in_columns
from shoal.errors import InvalidInputError, UnreadableError, UnwritableError
from shoal.options import ALL
from shoal.rasp import (
    Aggregate,
    Comparison,
    Map,
    Select,
    SelectorWidth,
    SOp,
    annotate,
    indices,
    numerical,
    tokens,
)
from shoal.rasp.stock import STOCK
from shoal_analysis import lab
from shoal_analysis.lab.realism.rotation import orthogonal
from shoal_analysis.lab.realism.samples import sampled

WITHOUT_COUNTS = tuple(name for name in ALL if name != "linear-counts")
COUNTING = (
    "sort",
    "sort_freq",
    "double_hist",
    "most_freq",
    "dyck1_ptf",
    "dyck2_ptf",
)
"""Whose heads count where the stream at BOS is not 0, with all passes."""

SOME = ("reverse", "frac_prevs", "sort", "detect_pattern", "most_freq")


@cache
def compiled(name: str, causal: bool = False, passes: Any = WITHOUT_COUNTS) -> shoal.Model:
    stock = STOCK[name]
    program, length = stock.make(stock.max_seq_len), stock.max_seq_len
    return shoal.compile(
        program, vocab=stock.vocab, max_seq_len=length, causal=causal, passes=passes
    )


@cache
def rotated(name: str, seed: int = 1, passes: Any = WITHOUT_COUNTS) -> shoal.Model:
    return lab.rotate(compiled(name, passes=passes), seed)


SEVERAL = ("reverse", "hist", "frac_prevs", "shuffle_dyck1", "sort", "double_hist", "copy_previous")
"""``python -m benchmarks.rotation`` tries all stock programs."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("passes", "causal"), [(WITHOUT_COUNTS, False), ((), True)], ids=["narrow", "none, causal"]
)
@pytest.mark.parametrize("name", SEVERAL)
def test_rotated_stock_programs_agree_with_the_interpreter(
    name: str, passes: Any, causal: bool
) -> None:
    model = compiled(name, causal, passes)
    turned = lab.rotate(model, 7)
    assert sampled(model, 100, seed=3).share_right(turned) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", SEVERAL)
def test_all_passes_are_rotated_rightly_or_refused_with_the_pass_to_leave_out(
    name: str, causal: bool
) -> None:
    model = compiled(name, causal, ALL)
    if name in COUNTING and (name, causal) not in (("most_freq", False), ("sort", True)):
        with pytest.raises(InvalidInputError, match="linear-counts"):
            lab.rotate(model, 2)
    else:
        assert sampled(model, 100, seed=4).share_right(lab.rotate(model, 2)) == 1.0


def test_heads_that_count_are_refused_where_the_stream_at_bos_is_not_zero() -> None:
    with pytest.raises(InvalidInputError, match=r"'double_hist'.*2\^30.*'linear-counts'"):
        lab.rotate(compiled("double_hist", passes=ALL))


@settings(deadline=None, max_examples=10)
@given(
    name=st.sampled_from(SOME),
    seed=st.integers(0, 2**63 - 1),
    draw=st.integers(0, 2**31),
)
def test_any_seed_gives_an_orthogonal_basis_and_the_same_stream(
    name: str, seed: int, draw: int
) -> None:
    model = compiled(name)
    turned = lab.rotate(model, seed)
    basis = turned.atlas.basis
    assert basis is not None
    assert basis @ basis.T == pytest.approx(np.eye(model.d_model), abs=1e-12)
    ids = model.ids(sampled(model, 5, draw).inputs)
    before, after = model.run_ids(ids), turned.run_ids(ids)
    for exact, off in zip(before.residuals, after.residuals, strict=True):
        assert in_columns(turned.atlas, off)[:, 1:] == pytest.approx(exact[:, 1:], abs=2e-3)


def test_the_seed_determines_the_weights() -> None:
    one, same, other = (lab.rotate(compiled("reverse"), seed) for seed in (5, 5, 6))
    assert one.weights.token_embedding.tobytes() == same.weights.token_embedding.tobytes()
    assert one.weights.layers[0].query_w.tobytes() == same.weights.layers[0].query_w.tobytes()
    assert one.weights.token_embedding.tobytes() != other.weights.token_embedding.tobytes()


@pytest.mark.parametrize("name", ["reverse", "frac_prevs", "sort", "shuffle_dyck2"])
@pytest.mark.parametrize("passes", [WITHOUT_COUNTS, ()], ids=["narrow", "none"])
def test_values_are_read_and_replaced_as_before(name: str, passes: Any) -> None:
    model, turned = compiled(name, passes=passes), rotated(name, passes=passes)
    one, other = [x[:3] for x in sampled(model, 40, seed=1).inputs if len(x) >= 3][:2]
    patched = 0
    for value in model.atlas.values:
        if _read(turned, value, one) != "inexact":
            assert _read(turned, value, one) == _read(model, value, one)
        wanted, found = (_patched(m, shoal.Patch.like(value, other), one) for m in (model, turned))
        assert found == wanted
        patched += wanted != "refused"
    assert patched


def _read(model: shoal.Model, name: str, tokens: Any) -> Any:
    try:
        return _rounded(model.read(name, tokens))
    except UnreadableError as error:
        return "inexact" if error.inexact else "refused"


def _patched(model: shoal.Model, patch: shoal.Patch, tokens: Any) -> Any:
    try:
        return _rounded(model.patch(tokens, patch))
    except (UnwritableError, UnreadableError):
        return "refused"


def _rounded(values: list[Any]) -> list[Any]:
    return [pytest.approx(v, abs=1e-4) if isinstance(v, float) else v for v in values]


def test_rotating_twice_composes() -> None:
    model = compiled("sort")
    twice = lab.rotate(lab.rotate(model, 1), 2)
    tokens = [1, 3, 1, 2]
    assert twice.run(tokens) == model.run(tokens)
    wanted = lab.directions(model, "tokens") @ orthogonal(model.d_model, 1)
    wanted = wanted @ orthogonal(model.d_model, 2)
    assert lab.directions(twice, "tokens") == pytest.approx(wanted, abs=1e-12)


def test_directions_find_values_in_the_stream() -> None:
    plain = shoal.compile(
        Map(lambda x: x == "a", tokens).named("is_a"),
        vocab={"a", "b"},
        max_seq_len=4,
        passes="none",
    )
    model = lab.rotate(plain, 3)
    along = lab.directions(model, "is_a", 2)
    assert along.shape == (2, model.d_model)
    assert along @ along.T == pytest.approx(np.eye(2))
    stream = model.run_ids(model.ids([["a", "b", "b"]])).residuals[1][0, 1:4]
    assert stream @ along.T == pytest.approx(np.array([[0, 1], [1, 0], [1, 0]]), abs=1e-5)
    with pytest.raises(InvalidInputError, match=r"from half-layer 2 to 2.*before 0"):
        lab.directions(model, "is_a", 0)
    with pytest.raises(InvalidInputError, match="just before 'end'"):
        lab.directions(model, "is_a", "end")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="no s-op named 'nobody'"):
        lab.directions(model, "nobody")


def test_nothing_is_where_it_was() -> None:
    one, other = compiled("sort").weights.layers[-1], rotated("sort").weights.layers[-1]
    for read in ("query_w", "key_w", "value_w"):
        before, after = (np.count_nonzero(getattr(layer, read)) for layer in (one, other))
        assert after > 2 * before > 0


def test_directions_before_rotating_are_columns() -> None:
    model = compiled("sort", passes=())
    columns = model.variables["tokens"].columns
    assert (lab.directions(model, "tokens") == np.eye(model.d_model)[list(columns)]).all()


def test_what_speaks_of_columns_refuses() -> None:
    model = rotated("sort")
    for ask in (
        lambda: model.labels_at(0),
        lambda: model.residual_labels,
        lambda: model.save_html("never.html"),
        lambda: model.plot.allocation(),
    ):
        with pytest.raises(InvalidInputError, match=r"rotated.*directions"):
            ask()
    assert not any(info.columns for info in model.variables.values())
    with pytest.raises(InvalidInputError, match=r"lab\.directions\(model, 'tokens'\)"):
        model.variables["tokens"].hooks("torch")
    assert all(step.columns == "" for step in model.explain())
    assert "rotated" in model._repr_html_()
    assert model.report()


def test_craft_is_turned_as_well() -> None:
    model = rotated("sort")
    ids = model.ids([[1, 3, 1, 2]])
    craft, single = model.run_ids(ids, "craft"), model.run_ids(ids)
    assert craft.residuals[-1][0, 1:5] == pytest.approx(single.residuals[-1][0, 1:5], abs=1e-3)


def test_a_file_keeps_the_basis(tmp_path: Any) -> None:
    model = rotated("sort")
    model.save(tmp_path / "m.safetensors")
    loaded = shoal.load(tmp_path / "m.safetensors")
    assert isinstance(loaded, shoal.Model)
    assert (loaded.atlas.basis == model.atlas.basis).all()
    assert loaded.run([1, 3, 1]) == model.run([1, 3, 1])
    assert loaded.read("tokens", [1, 3, 1]) == [1, 3, 1]
    again = lab.rotate(loaded, 9)
    assert again.run([1, 3, 1]) == model.run([1, 3, 1])


def test_models_that_were_not_rotated_have_files_as_before(tmp_path: Any) -> None:
    compiled("sort").save(tmp_path / "m.safetensors")
    content = (tmp_path / "m.safetensors").read_bytes()
    assert b'\\"version\\": 1' in content
    assert b"basis" not in content
    rotated("sort").save(tmp_path / "r.safetensors")
    assert b'\\"version\\": 2' in (tmp_path / "r.safetensors").read_bytes()


def test_pickles_keep_the_basis() -> None:
    model = rotated("reverse")
    again = pickle.loads(pickle.dumps(model))
    assert (again.atlas.basis == model.atlas.basis).all()
    assert again.run("abc") == model.run("abc")


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, "1", True, None])
def test_odd_seeds_are_refused(seed: Any) -> None:
    with pytest.raises(InvalidInputError, match="a seed is a whole number"):
        lab.rotate(compiled("reverse"), seed)


def test_models_with_the_attributes_of_tracr_are_rotated() -> None:
    program = Map(lambda x: x + 1, tokens).named("successor")
    model = lab.rotate(shoal.compile_rasp_to_model(program, {1, 2}, 3), 3)
    assert model.run([1, 2]) == [2, 3]


def test_noised_models_are_rotated_as_they_are() -> None:
    noisy = lab.noise(compiled("sort"), 0.05)
    model = lab.rotate(noisy, 3)
    inputs = sampled(noisy, 50, seed=0).inputs
    same = [a == b for a, b in zip(model.run_batch(inputs), noisy.run_batch(inputs), strict=True)]
    assert sum(same) >= 48
    assert model.atlas.claims["weights"] == noisy.atlas.claims["weights"]


def test_what_has_no_atlas_is_refused(tmp_path: Any) -> None:
    compiled("reverse").save(tmp_path / "m.npz")
    with pytest.raises(InvalidInputError, match="only models with an atlas"):
        lab.rotate(shoal.load(tmp_path / "m.npz"))  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="only models with an atlas"):
        lab.rotate("a model")  # type: ignore[arg-type]


ODD: dict[str, tuple[SOp, Any, int]] = {
    "one token": (SelectorWidth(Select(tokens, tokens, Comparison.EQ)), ["a"], 3),
    "length 1": (Map(lambda x: x, tokens), ["a", "b"], 1),
    "ints beyond floats": (Map(lambda x: x + 1, tokens), [2**53, 2**53 + 1, 2**60], 3),
    "mixed": (Map(lambda x: str(x), tokens), [1, True, 1.0, "1", (1, 2)], 3),
    "ignores tokens": (indices, ["a", "b"], 4),
    "None": (
        Aggregate(Select(indices, indices, lambda k, q: q == k + 1), tokens),
        ["a", "b"],
        4,
    ),
    "always None": (
        Aggregate(Select(tokens, tokens, Comparison.FALSE), tokens),
        ["a", "b"],
        2,
    ),
    "large numbers": (Map(lambda x: 1000 * x, tokens), [1, 2, 999], 3),
    "binary": (annotate(Map(lambda x: x * 3, tokens), form="binary"), [*range(16)], 3),
}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("case", ODD)
def test_odd_programs_are_rotated_rightly_or_refused(case: str, causal: bool) -> None:
    program, vocab, length = ODD[case]
    model = shoal.compile(
        program, vocab=vocab, max_seq_len=length, causal=causal, passes=WITHOUT_COUNTS
    )
    turned = lab.rotate(model, 11)
    assert sampled(model, 100, seed=5).share_right(turned) == 1.0


def test_where_float32_is_too_coarse_it_is_refused() -> None:
    means = numerical(
        Aggregate(Select(indices, indices, Comparison.LEQ), numerical(tokens), default=0)
    )
    model = shoal.compile(means, vocab=[0.1, 2.5, -7.25], max_seq_len=4)
    with pytest.raises(InvalidInputError, match="it cannot be rotated: with weights that are off"):
        lab.rotate(model)
