"""Selectors over computed keys and queries are split into parts that read what those come from."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import shoal
from shoal.lowering.splits import MOST_PARTS, disjoint_products
from shoal.rasp import (
    Comparison,
    Full,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    keep,
    numerical,
    tokens,
)
from shoal.rasp.stock import STOCK
from tests.support import accepted, agree, all_sequences, defined, right

WITHOUT = ("common-subexpressions", "constants", "merged-values", "views", "cones", "shared-heads")
ONLY = ("split-selectors",)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4).flatmap(lambda s: arrays(bool, s)))
def test_parts_are_disjoint_and_make_up_the_whole(holds: np.ndarray) -> None:
    parts = disjoint_products(holds)
    fewest = min(
        len({part.tobytes() for part in np.moveaxis(holds, axis, 0) if part.any()})
        for axis in range(holds.ndim)
    )
    if parts is None:
        assert fewest == 0 or holds.ndim > 2 or fewest > MOST_PARTS
        return
    assert holds.ndim > 2 or len(parts) == (fewest if holds.ndim == 2 else 1)
    counts = sum(reduce(np.multiply.outer, part).astype(int) for part in parts)
    assert (counts == holds).all()


FUNCTIONS: list[Callable[[int, int], int]] = [
    lambda x, i: 10 * x + i,
    lambda x, i: x - 10 * i,
    lambda x, i: max(x, i),
    lambda x, i: (x * i) % 3,
    lambda x, i: 6 // (x - i),
]
PREDICATES = [*Comparison, lambda key, query: key > 0, lambda key, query: 1 / (key - query) > 0]


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(FUNCTIONS),
    st.sampled_from(FUNCTIONS),
    st.sampled_from(PREDICATES),
    st.booleans(),
    st.booleans(),
    st.sampled_from([ONLY, "all", (*ONLY, "views", "merged-values", "cones")]),
)
def test_widths_agree(
    first: Callable[[int, int], int],
    second: Callable[[int, int], int],
    predicate: Callable[[int, int], bool],
    swapped: bool,
    causal: bool,
    passes: tuple[str, ...],
) -> None:
    operands = (tokens + 0, indices + 0) if passes == ONLY else (tokens, indices)
    key = SequenceMap(first, *operands)
    query = SequenceMap(second, *(operands[::-1] if swapped else operands))
    program = SelectorWidth(Select(key, query, predicate))
    inputs = all_sequences((0, 1, 3), 3)
    expected = defined(program, inputs, causal)
    model = accepted(program, vocab=(0, 1, 3), max_seq_len=3, causal=causal, passes=passes)
    for backend in ("craft", "numpy"):
        results = model.run_batch([xs for xs, _ in expected], backend)
        assert all(agree(program, e, r) for (_, e), r in zip(expected, results, strict=True))


@pytest.mark.parametrize("encode", [lambda sop: sop, numerical])
def test_ranks_need_no_computed_keys(encode: Callable[[SOp], SOp]) -> None:
    unique = SequenceMap(lambda x, i: 10 * x + i, tokens, indices).named("unique")
    rank = encode(SelectorWidth(Select(unique, unique, Comparison.LT)).named("rank"))
    sizes = {}
    for passes in (WITHOUT, "all"):
        model = shoal.compile(rank, vocab=range(6), max_seq_len=6, passes=passes)
        sizes[passes] = model.d_model
        for xs in product(range(3), repeat=4):
            assert agree(rank, rank(list(xs)), model.run(list(xs)))
        assert model.read("unique", [3, 0, 3]) == [30, 1, 32]
    assert sizes["all"] < sizes[WITHOUT]
    assert model.variables["unique"].encoding == "fused"


def test_what_is_kept_stays_and_is_computed() -> None:
    unique = keep(SequenceMap(lambda x, i: 10 * x + i, tokens, indices).named("unique"))
    rank = SelectorWidth(Select(unique, unique, Comparison.LT))
    model = shoal.compile(rank, vocab=range(3), max_seq_len=4)
    assert model.variables["unique"].last == 2 * model.num_layers
    assert model.run([2, 0, 2, 1]) == [2, 0, 3, 1]


def test_nothing_is_offered_where_there_are_too_many_parts() -> None:
    mixed = SequenceMap(lambda x, i: (x * 7 + i * 5) % 11, tokens, indices)
    rank = SelectorWidth(Select(mixed, mixed, Comparison.LT))
    model = shoal.compile(rank, vocab=range(4), max_seq_len=5)
    (saving,) = [saving for saving in model.savings if saving.name == "split-selectors"]
    assert saving.count == 0
    assert model.run([1, 0, 3, 2]) == rank([1, 0, 3, 2])


def test_sort_needs_no_one_hot_value_for_each_pair() -> None:
    stock = STOCK["sort"]
    models = [
        shoal.compile(stock.make(8), vocab=stock.vocab, max_seq_len=8, passes=passes)
        for passes in (WITHOUT, "all")
    ]
    assert models[0].num_layers >= models[1].num_layers
    assert 2 * models[1].d_model < models[0].d_model
    assert 4 * models[1].num_parameters < models[0].num_parameters
    assert models[1].run([3, 1, 3, 2]) == [1, 2, 3, 3]


def test_a_map_of_one_value_is_not_split() -> None:
    double = Map(lambda x: 2 * x, tokens)
    rank = SelectorWidth(Select(double, double, Comparison.LT))
    model = shoal.compile(rank, vocab=range(3), max_seq_len=3, passes=ONLY)
    assert model.savings[0].count == 0
    assert model.run([2, 0, 1]) == [2, 0, 1]


SAME = Select(tokens, tokens, Comparison.EQ)
LESS = Select(tokens, tokens, Comparison.LT)
EARLIER = Select(indices, indices, Comparison.LT)
COUNT = SelectorWidth(SAME)
MORE = Select(COUNT, COUNT, Comparison.GT)
EVEN = Select(Map(lambda i: i % 2, indices), Full(0), Comparison.EQ)

COMBINATIONS = {
    "less, or equal and earlier, and even": (LESS | (SAME & EARLIER)) & EVEN,
    "more often, or as often and less": MORE
    | (Select(COUNT, COUNT, Comparison.EQ) & (LESS | (SAME & EARLIER))),
    "more often, or less, or the same and earlier": MORE | (~MORE & LESS) | (SAME & EARLIER),
    "one or the other": (EVEN & ~EARLIER) | (EARLIER & ~EVEN),
    "one of two": (SAME & EVEN) | (LESS & ~EVEN),
}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("passes", ["all", "smallest", (*ONLY, "linear-counts"), ONLY])
@pytest.mark.parametrize("name", sorted(COMBINATIONS))
def test_what_fits_no_head_is_counted_by_several(name: str, passes: Any, causal: bool) -> None:
    counted = SelectorWidth(COMBINATIONS[name])
    options = {"vocab": (0, 1, 2), "max_seq_len": 4, "passes": passes, "causal": causal}
    right(counted, **options)
    right(SequenceMap(lambda c, t: (c + t) % 3, counted.named("counted"), tokens), **options)


def test_nothing_is_joined_to_tuples() -> None:
    for name in COMBINATIONS:
        model = shoal.compile(SelectorWidth(COMBINATIONS[name]), vocab=range(4), max_seq_len=6)
        assert not any(
            ".keys" in part.name or ".queries" in part.name for part in model.atlas.parts
        )
        assert model.num_parameters < 10_000


@st.composite
def combined(draw: Any, depth: int = 3) -> Any:
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from([SAME, LESS, EARLIER, MORE, EVEN]))
    first, second = draw(combined(depth - 1)), draw(combined(depth - 1))
    return draw(st.sampled_from([first & second, first | second, ~first]))


@settings(max_examples=60, deadline=None)
@given(
    selector=combined(),
    causal=st.booleans(),
    named=st.booleans(),
    passes=st.sampled_from(["all", ONLY]),
)
def test_widths_of_combinations_agree(
    selector: Any, causal: bool, named: bool, passes: Any
) -> None:
    width = SelectorWidth(selector)
    program = Map(lambda n: n % 2, width.named("width")) if named else width
    model = right(program, vocab=(0, 1), max_seq_len=3, causal=causal, passes=passes)
    if named:
        for xs in all_sequences((0, 1), 3):
            assert model.read("width", xs) == width(xs, causal=causal)
