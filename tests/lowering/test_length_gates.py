"""What is at a position that depends on the length is fetched for all lengths, and then chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal import rasp
from shoal.errors import UnwritableError
from shoal.lowering.rules.length_gates import BEYOND, NOTHING, gates_for, heads_for
from shoal.rasp.stock import STOCK
from tests.support import right

PASSES = ("all", "length-gates")
VOCAB = ("a", "b", "c")

PLACES: dict[str, Callable[[int, int], Any]] = {
    "opposite": lambda i, n: n - 1 - i,
    "rotated": lambda i, n: (i + n // 2) % n,
    "before, or last": lambda i, n: (i - 1) % n,
    "halfway to the end": lambda i, n: (i + n) // 2,
    "beyond the end": lambda i, n: n - i,
    "every other from the end": lambda i, n: n if i % 2 else n - 1 - i,
}


def fetched(place: Callable[[int, int], Any], value: rasp.SOp, default: Any = None) -> rasp.SOp:
    query = rasp.SequenceMap(place, rasp.indices, rasp.length).named("place")
    there = rasp.Select(rasp.indices, query, rasp.Comparison.EQ)
    return rasp.Aggregate(there, value, default=default).named("fetched")


def uses_gates(model: shoal.Model) -> bool:
    return any("length-gates" in part.rules for part in model.atlas.parts)


@pytest.mark.parametrize("default", [None, "a", "z"])
@pytest.mark.parametrize("place", sorted(PLACES))
def test_one_layer_does(place: str, default: str | None) -> None:
    program = fetched(PLACES[place], rasp.tokens, default)
    model = right(program, vocab=VOCAB, max_seq_len=5, passes=PASSES)
    assert model.num_layers == 1
    assert uses_gates(model)
    assert not uses_gates(right(program, vocab=VOCAB, max_seq_len=5))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), causal=st.booleans())
def test_whatever_position_is_asked_for_agrees(data: st.DataObject, causal: bool) -> None:
    longest = data.draw(st.integers(1, 4))
    known = {
        (i, n): data.draw(st.integers(-1, n - 1)) for n in range(1, longest + 1) for i in range(n)
    }
    numbers = data.draw(st.tuples(*[st.sampled_from([-2, 0, 0.5, 3, 100])] * 3))
    value = rasp.Map(lambda t: numbers["abc".index(t)], rasp.tokens)
    program = fetched(lambda i, n: known[i, n], value, data.draw(st.sampled_from([None, 7, -2])))
    if data.draw(st.booleans()):
        program = rasp.Map(lambda x: x is not None and x > 0, program)
    elif data.draw(st.booleans()):
        program = rasp.numerical(program)
    right(program, vocab=VOCAB, max_seq_len=longest, passes=PASSES, causal=causal)


@given(data=st.data(), longest=st.integers(1, 6))
def test_one_gate_is_open_everywhere(data: st.DataObject, longest: int) -> None:
    positions = np.full((longest, longest), BEYOND)
    for n in range(1, longest + 1):
        drawn = data.draw(st.lists(st.integers(NOTHING, n - 1), min_size=n, max_size=n))
        positions[n - 1, :n] = drawn
    gates, heads = list(gates_for(positions)), heads_for(positions)
    for n in range(1, longest + 1):
        for query in range(n):
            own = [g for g in gates if g.query == query and (not g.lengths or n in g.lengths)]
            (source,) = {gate.source for gate in own}
            assert len(own) == 1
            assert source == positions[n - 1, query]
            assert source == NOTHING or any(head.get(query) == source for head in heads)


def test_as_many_heads_as_a_query_may_ask_for() -> None:
    both = np.array([[0, BEYOND, BEYOND], [1, 0, BEYOND], [1, 0, 2]])
    assert heads_for(both) == [{0: 0, 1: 0, 2: 2}, {0: 1}]


def test_long_inputs_and_computed_values() -> None:
    stock = STOCK["reverse"]
    model = shoal.compile(stock.make(24), vocab=list("abcd"), max_seq_len=24, passes=PASSES)
    assert model.num_layers == 1
    for length in (1, 2, 23, 24):
        tokens = ["abcd"[n * n % 4] for n in range(length)]
        assert model.run(tokens) == tokens[::-1]
    count = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ))
    right(fetched(PLACES["opposite"], count), vocab=VOCAB, max_seq_len=5, passes=PASSES)


def test_too_many_neurons_are_left_out() -> None:
    program = fetched(PLACES["opposite"], rasp.tokens)
    options = {"vocab": VOCAB, "max_seq_len": 5, "passes": PASSES}
    for limits in (shoal.Limits(fused_neurons=8), shoal.Limits(heads_per_layer=2)):
        model = shoal.compile(program, limits=limits, **options)
        assert model.num_layers == 2
        assert model.run("abc") == ["c", "b", "a"]


def test_tokens_can_be_replaced_and_where_they_are_fetched_from_cannot() -> None:
    program = fetched(PLACES["opposite"], rasp.tokens)
    model = shoal.compile(program, vocab=VOCAB, max_seq_len=4, passes=PASSES)
    assert model.write("tokens", list("abc"), list("bbc")) == ["c", "b", "b"]
    assert model.read("place", "abc") == [2, 1, 0]
    for name in ("place", "indices"):
        with pytest.raises(UnwritableError):
            model.write(name, list("abc"), [0, 1, 2])


def test_lengths_are_not_replaced_though_others_follow() -> None:
    known = {(0, 1): 0, (0, 2): -1, (1, 2): 0}
    query = rasp.SequenceMap(lambda i, n: known[i, n], rasp.indices, rasp.length)
    there = rasp.Select(rasp.indices, query, rasp.Comparison.EQ)
    program = rasp.SequenceMap(lambda a, b: (a, b), rasp.Aggregate(there, rasp.tokens), query)
    model = right(program, vocab=(0, 1, 2), max_seq_len=2, passes=("length-gates",))
    assert uses_gates(model)
    with pytest.raises(UnwritableError, match="takes for granted"):
        model.write("length", [0], [2])


def test_numbers_that_are_not_listed_are_fetched_as_they_are() -> None:
    numbers = {"a": 0.123, "b": 1.77, "c": -2.3}
    so_far = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ)
    value = rasp.numerical(rasp.Map(numbers.__getitem__, rasp.tokens))
    mean = rasp.numerical(rasp.Aggregate(so_far, value))
    program = rasp.numerical(fetched(PLACES["opposite"], mean))
    limits = shoal.Limits(averages=3)
    model = right(program, vocab=VOCAB, max_seq_len=4, passes=PASSES, limits=limits)
    assert not uses_gates(model)


def test_what_is_decoded_for_gates_is_no_aggregate() -> None:
    program = fetched(PLACES["opposite"], rasp.numerical(rasp.tokens))
    model = right(program, vocab=(0, 1, 2), max_seq_len=3, passes=("length-gates",))
    assert model.read("fetched", [0, 1, 2]) == [2, 1, 0]
