"""Views and cones: the same results in fewer layers, and never more of them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal.lowering.rules.registry import OPTIONAL
from shoal.options import ALL
from shoal.rasp import Map, SequenceMap, SOp, categorical, indices, keep, numerical, tokens
from shoal.rasp.stock import STOCK
from shoal_analysis.fuzzing.oracles import LIMITS, compare_results
from shoal_analysis.fuzzing.programs import cases
from tests.support import WIDE, accepted, defined, interpreted

RECIPROCAL = [name for name in ALL if name != "linear-counts"]
"""Passes under which counts are decoded, which takes neurons."""

SUBSETS = [s for n in range(len(tuple(OPTIONAL)) + 1) for s in combinations(tuple(OPTIONAL), n)]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(cases(most_steps=10), st.sampled_from(SUBSETS[1:]))
def test_random_programs_agree_and_are_no_deeper(case, passes) -> None:
    options = case.options
    program = case.build()
    common = {
        "vocab": case.vocab,
        "max_seq_len": options.max_seq_len,
        "causal": options.causal,
        "limits": LIMITS,
    }
    expected = defined(program, case.inputs(), options.causal)
    plain = accepted(program, **common, passes="none")
    model = accepted(program, **common, passes=passes)
    inputs = [xs for xs, _ in expected]
    compare_results("craft", program, expected, model.run_batch(inputs, "craft"))
    compare_results("numpy", program, expected, model.run_batch(inputs))
    assert model.num_layers <= plain.num_layers


@pytest.mark.parametrize("of", [tokens, indices])
@pytest.mark.parametrize("encode", [categorical, numerical])
def test_kept_maps_of_inputs_come_with_the_embedding(of: SOp, encode: Callable[[SOp], SOp]) -> None:
    kept = keep(encode(Map(lambda x: None if x == 1 else 10 // (x + 1), of).named("kept")))
    program = SequenceMap(lambda x, y: (x, y), kept, indices)
    model = shoal.compile(program, vocab=(1, 2, 5), max_seq_len=4)
    info = model.variables["kept"]
    assert (info.written_by, info.first, info.last) == (None, 0, 2 * model.num_layers)
    for xs in ([1], [2, 1], [5, 2], [5, 5, 1, 2]):
        for backend in ("numpy", "craft"):
            assert model.run_batch([xs], backend) == [r for _, r in interpreted(program, [xs])]


@pytest.mark.parametrize(
    ("limits", "size"), [({"fused_rows": 50}, "100 rows"), ({"fused_neurons": 20}, "neurons")]
)
def test_a_cut_that_is_too_large_gives_way_to_a_nearer_one(
    limits: dict[str, int], size: str
) -> None:
    stock = STOCK["reverse"]
    program = stock.make(10)
    model = shoal.compile(
        program,
        vocab=stock.vocab,
        max_seq_len=10,
        passes=RECIPROCAL,
        limits=shoal.Limits(**limits),
    )
    assert model.num_layers == stock_model("reverse").num_layers + 1
    assert model.run(list("abcd")) == list("dcba")
    (cones,) = [saving for saving in model.savings if saving.name == "cones"]
    assert size in cones.what
    assert "=".join(map(str, *limits.items())) in cones.what


def test_a_kept_value_of_token_and_index_is_computed() -> None:
    kept = keep(SequenceMap(lambda x, i: x * i, tokens, indices).named("kept"))
    model = shoal.compile(Map(lambda x: x > 1, kept), vocab=(1, 2), max_seq_len=3)
    assert model.variables["kept"].written_by == 1
    assert model.run([2, 2, 1]) == [False, True, True]


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("frac_prevs", 1),
        ("pair_balance", 1),
        ("detect_pattern", 1),
        ("nary_sum", 0),
        ("reverse", 2),
        ("shuffle_dyck1", 2),
    ],
)
def test_depth_of_stock_programs(name: str, layers: int) -> None:
    assert stock_model(name).num_layers == layers


def test_a_map_of_a_one_hot_value_costs_nothing() -> None:
    model = shoal.compile(
        shoal.rasp.Map(str.upper, shoal.rasp.tokens), vocab=["a", "b"], max_seq_len=3
    )
    assert not model.allocation.placements
    assert model.run(["a", "b"]) == ["A", "B"]


def test_fused_tables_keep_to_the_limits() -> None:
    narrow = stock_model("reverse", passes=RECIPROCAL, limits=shoal.Limits(fused_neurons=50))
    assert narrow.num_layers == 3
    decoded = [name for name in ALL if name != "whole-numbers"]
    few = shoal.Limits(fused_rows=10)
    assert stock_model("reverse", passes=decoded, limits=few).num_layers == 3


def test_views_read_what_they_stand_for() -> None:
    decoded = [p for p in WIDE if p not in ("priorities", "whole-numbers")]
    model = stock_model("shuffle_dyck1", passes=decoded)
    view = model.variables["last_index"].view
    assert view is not None
    assert np.array_equal(view.matrix.sum(axis=1), np.ones(len(view.source)))


def stock_model(name: str, **options: object) -> shoal.Model:
    stock = STOCK[name]
    return shoal.compile(
        stock.make(stock.max_seq_len),
        vocab=stock.vocab,
        max_seq_len=stock.max_seq_len,
        **options,  # type: ignore[arg-type]
    )
