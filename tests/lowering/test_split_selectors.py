"""Selectors over computed keys and queries are split into parts that read what those come from."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import shoal
from shoal.lowering.rules.split_width import MOST_PARTS, disjoint_products
from shoal.rasp import (
    Comparison,
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
from tests.support import accepted, agree, all_sequences, defined

WITHOUT = ("common-subexpressions", "constants", "merged-values", "views", "cones", "shared-heads")
ONLY = ("split-selectors",)


@given(arrays(bool, st.tuples(*[st.integers(1, 3)] * 4)))
def test_parts_are_disjoint_and_make_up_the_whole(holds: np.ndarray) -> None:
    parts = disjoint_products(holds)
    matrix = holds.reshape(holds.shape[0] * holds.shape[1], -1)
    different = min(
        len({row.tobytes() for row in each if row.any()}) for each in (matrix, matrix.T)
    )
    if parts is None:
        assert not 0 < different <= MOST_PARTS
        return
    assert len(parts) == different
    counts = sum(np.multiply.outer(rows, columns).astype(int) for rows, columns in parts)
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
