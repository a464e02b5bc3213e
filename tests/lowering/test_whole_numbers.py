"""Sums and differences of counts and indices are queries as they are, undecoded."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal.errors import InvalidInputError
from shoal.options import ALL
from shoal.rasp import (
    Aggregate,
    Comparison,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    evaluate,
    indices,
    keep,
    length,
    numerical,
    tokens,
)
from shoal.rasp.stock import STOCK
from tests.support import right

WITHOUT = tuple(name for name in ALL if name != "whole-numbers")
OPPOSITE = (length - 1 - indices).named("opposite")
REVERSE = Aggregate(Select(indices, OPPOSITE, Comparison.EQ), tokens)
DIFFERENT = SequenceMap(lambda x, i: 10 * x + i, tokens, indices)
RANK = SelectorWidth(Select(DIFFERENT, DIFFERENT, Comparison.LT)).named("rank")


def compiled(program: SOp, **options: Any) -> shoal.Model:
    return right(program, **{"vocab": [1, 2, 4], "max_seq_len": 5, **options})


def neurons(model: shoal.Model) -> int:
    return sum(part.size for part in model.atlas.parts if part.kind == "neurons")


def has_rule(model: shoal.Model) -> bool:
    return any("whole-numbers" in part.rules for part in model.atlas.parts)


def test_the_opposite_position_takes_no_neurons() -> None:
    model = compiled(REVERSE)
    assert (model.num_layers, neurons(model)) == (2, 0)
    assert neurons(compiled(REVERSE, passes=WITHOUT)) > 0
    assert model.variables["opposite"].encoding == "view"
    assert model.read("opposite", [1, 2, 4]) == [2, 1, 0]
    assert model.write("opposite", [1, 2, 4], [0, 0, 2]) == [1, 1, 4]
    assert model.write("length", [1, 2, 4], [2, 2, 3]) == [2, 1, 1]


@pytest.mark.parametrize("n", [208, 300])
def test_long_inputs_are_turned_round(n: int) -> None:
    model = shoal.compile(STOCK["reverse"].make(n), vocab=["a", "b", "c"], max_seq_len=n)
    assert (model.num_layers, neurons(model)) == (2, 0)
    draw = random.Random(n)
    for size in (1, 2, n // 2, n - 1, n):
        values = draw.choices(["a", "b", "c"], k=size)
        assert model.run(values) == values[::-1]


def test_what_is_read_otherwise_is_decoded_as_well() -> None:
    both = SequenceMap(lambda x, n: (x, n % 3), REVERSE, OPPOSITE)
    model = compiled(both)
    assert model.num_layers == compiled(both, passes=WITHOUT).num_layers
    assert compiled(keep(OPPOSITE) + 0 * REVERSE).variables["opposite"].encoding != "view"


def test_keys_may_be_numbered_otherwise() -> None:
    far = Select(indices, length, lambda k, n: 2 * k + 2 == 2 * n)
    assert compiled(Aggregate(far, tokens), passes=["whole-numbers", "linear-counts"]).num_layers
    other = Aggregate(Select(Map(lambda i: 9 - 3 * i, indices), length - indices,
                             lambda k, n: k == 9 - 3 * (n - 1)), tokens)  # fmt: skip
    model = compiled(other)
    assert (model.num_layers, neurons(model)) == (2, 0)
    assert compiled(numerical(Aggregate(Select(indices, OPPOSITE, Comparison.EQ),
                                        numerical(tokens)))).num_layers == 2  # fmt: skip


def test_a_query_that_may_select_nothing_is_decoded() -> None:
    after = Aggregate(Select(indices, length - indices, Comparison.EQ), tokens)
    model = compiled(after)
    assert not has_rule(model)
    assert model.run([1, 2, 4]) == [None, 4, 2]


def test_ranks_that_are_counted_in_parts_are_decoded_sooner() -> None:
    at_rank = Aggregate(Select(indices, RANK, Comparison.EQ), tokens)
    model = compiled(at_rank)
    assert model.num_layers == 2
    assert not has_rule(model)
    passes = tuple(name for name in ALL if name not in ("split-selectors", "digits"))
    assert has_rule(compiled(at_rank, passes=passes))


def test_patches_that_would_select_nothing_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        compiled(REVERSE).write("length", [1, 2, 4], [1, 1, 1])


WHOLE = st.recursive(
    st.sampled_from([indices, length, RANK]),
    lambda inner: st.one_of(
        st.builds(lambda x, k: x + k, inner, st.integers(-1, 2)),
        st.builds(lambda x, y: x - y, inner, inner),
        st.builds(lambda x, y: x + y, inner, inner),
        st.builds(lambda x, k: Map(lambda v: abs(v) % k, x), inner, st.integers(2, 5)),
    ),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(WHOLE, st.sampled_from([indices, length - 1 - indices]), st.booleans(), st.booleans())
def test_random_queries_agree(query: SOp, key: SOp, is_causal: bool, is_number: bool) -> None:
    values = numerical(tokens) if is_number else tokens
    found = Aggregate(Select(key, query, Comparison.EQ), values, default=0)
    program = numerical(found) if is_number else found
    options: dict[str, Any] = {"vocab": [1, 2], "max_seq_len": 4, "causal": is_causal}
    try:
        model = compiled(program, **options)
    except shoal.UnsupportedProgramError:
        return
    assert model.num_layers <= compiled(program, passes=WITHOUT, **options).num_layers
    assert evaluate(program, [1], causal=is_causal) == model.run([1]) or is_number
