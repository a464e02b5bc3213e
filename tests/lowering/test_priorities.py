"""Positions that depend on the length are picked without knowing it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal.options import ALL
from shoal.rasp import (
    Aggregate,
    Comparison,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    keep,
    length,
    numerical,
    tokens,
)
from tests.support import right

LAST = Select(indices, length - 1, Comparison.EQ)
WITHOUT = tuple(name for name in ALL if name != "priorities")


def layers(program: SOp, **options: Any) -> int:
    return right(program, vocab=[1, 2, 4], max_seq_len=5, **options).num_layers


def test_the_last_position_takes_one_layer() -> None:
    last = Aggregate(LAST, tokens).named("last")
    assert layers(last) == 1
    assert layers(last, passes=WITHOUT) == 2
    assert layers(last, passes=("priorities",)) == 1
    assert layers(numerical(Aggregate(LAST, numerical(tokens)))) == 1
    assert layers(SequenceMap(lambda x, y: x == y, tokens, last)) == 1
    named = Aggregate(Select(indices, (length - 1).named("at"), Comparison.EQ), tokens)
    model = shoal.compile(named, vocab=[1, 2, 4], max_seq_len=5)
    assert model.num_layers == 1
    assert model.read("at", [1, 2, 4]) == [2, 2, 2]
    model = shoal.compile(last, vocab=[1, 2, 4], max_seq_len=100)
    assert model.num_layers == 1
    for n in (1, 2, 99, 100):
        assert model.run([1, 2] * (n // 2) + [4] * (n % 2)) == [[2, 4][n % 2]] * n


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (Map(lambda n: min(n - 1, 2), length), 1),  # the third, or the last
        (Map(lambda n: n - 1 - n % 2, numerical(length)), None),  # undefined for n = 1: -1
        (Map(lambda n: (n - 1) // 2, length), 2),  # the middle is taken up again
        (length - 1 - indices, 2),  # not the same for all
        (Map(lambda n: n, length), 0),  # never there
    ],
)
def test_what_can_be_ranked_is(position: SOp, expected: int | None) -> None:
    found = layers(Aggregate(Select(indices, position, Comparison.EQ), tokens, default=0))
    assert expected is None or found == expected


def test_under_a_mask_there_is_nothing_to_gain() -> None:
    assert layers(Aggregate(LAST, tokens), causal=True) == 0  # it is the position itself


def test_several_values_share_the_head() -> None:
    both = [Aggregate(LAST, keep(value)) for value in (tokens, Map(lambda x: x % 3, tokens))]
    model = right(SequenceMap(lambda x, y: (x, y), *both), vocab=[1, 2, 4], max_seq_len=4)
    assert (model.num_layers, model.num_heads) == (1, 1)


def test_lengths_that_are_patched_would_not_be_followed() -> None:
    count = SelectorWidth(Select(tokens, tokens, Comparison.TRUE)).named("count")
    last = Aggregate(Select(indices, count - 1, Comparison.EQ), tokens).named("last")
    program = SequenceMap(lambda x, n: (x, n), last, count)
    model = shoal.compile(program, vocab=["a", "b"], max_seq_len=3)
    with pytest.raises(shoal.UnwritableError, match="takes for granted what 'last' is"):
        model.write("count", ["a", "b"], [1, 1])
    assert model.write("tokens", ["a", "b"], ["a", "a"]) == [("a", 2), ("a", 2)]
    assert model.write("last", ["a", "b"], ["a", "a"]) == [("a", 2), ("a", 2)]
    apart = shoal.compile(program, vocab=["a", "b"], max_seq_len=3, passes="none")
    assert apart.write("count", ["a", "b"], [1, 1]) == [("a", 1), ("a", 1)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=5, max_size=5), st.booleans(), st.booleans())
def test_any_function_of_the_length_is_followed(
    table: list[int], is_number: bool, has_default: bool
) -> None:
    position = Map(lambda n: table[n - 1], length)
    value = numerical(tokens) if is_number else tokens
    default = 7 if has_default else None
    program = Aggregate(Select(indices, position, Comparison.EQ), value, default=default)
    right(program, vocab=[1, 2], max_seq_len=5)
