from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import shoal
from shoal.errors import UnsupportedProgramError
from shoal.options import ALL
from shoal.program.facts.infer import infer
from shoal.program.passes.gathers import GATHERS, gather_at_once
from shoal.program.trace import trace_with_expressions
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
    tokens,
)
from shoal_analysis.fuzzing.patching import wrong_patches
from tests.program.passes.facts import rewrite
from tests.program.passes.test_verify import check
from tests.support import accepted, agree, all_sequences, defined, right

VOCAB = ["a", "b", "c"]
LENGTH = SelectorWidth(Select(tokens, tokens, Comparison.TRUE))
OPPOSITE = SequenceMap(lambda i, n: n - 1 - i, indices, LENGTH)
WITHOUT = [name for name in ALL if name != GATHERS]


def shift(x: SOp, by: int = 1) -> SOp:
    """What was so many positions before, or at the first one."""
    return Aggregate(Select(indices, indices, lambda k, q: k == max(0, q - by)), x)


def reverse(x: SOp) -> SOp:
    return Aggregate(Select(indices, OPPOSITE, Comparison.EQ), x)


def both(x: SOp, y: SOp) -> SOp:
    return SequenceMap(lambda a, b: f"{a}{b}", x, y)


LAYERS = {
    "two back": (shift(shift(tokens)), 1, 2),
    "five back": (shift(shift(shift(shift(shift(tokens))))), 1, 5),
    "by way of a function": (shift(both(shift(tokens), tokens)), 1, 2),
    "three in a row": (both(shift(both(shift(tokens), tokens)), tokens), 1, 2),
    "the opposite of the one before": (shift(reverse(tokens)), 2, 3),
    "the opposite of the opposite": (reverse(reverse(tokens)), 0, 3),
    "beside the length": (shift(both(shift(tokens), LENGTH)), 1, 2),
}
"""Programs, with the layers that they take with this pass and without."""


@pytest.mark.parametrize("what", LAYERS)
def test_gathers_of_gathers_take_one_layer(what: str) -> None:
    program, layers, before = LAYERS[what]
    model = right(program, vocab=VOCAB, max_seq_len=5, backends=("craft", "numpy", "haiku"))
    without = right(program, vocab=VOCAB, max_seq_len=5, passes=WITHOUT)
    assert (model.num_layers, without.num_layers) == (layers, before)


def test_values_are_read_on_the_way() -> None:
    once = shift(tokens).named("once")
    model = shoal.compile(shift(once), vocab=VOCAB, max_seq_len=4)
    assert model.num_layers == 1
    assert model.read("once", ["a", "b", "c"]) == ["a", "a", "b"]


@pytest.mark.parametrize(
    "program",
    [
        shift(tokens),
        shift(Map(str.upper, tokens)),
        Aggregate(Select(indices, indices, lambda k, q: k == q - 1), shift(tokens)),
        shift(Aggregate(Select(indices, indices, lambda k, q: k == q - 1), tokens)),
        shift(Aggregate(Select(indices, indices, Comparison.LEQ), indices)),
        Aggregate(Select(tokens, tokens, Comparison.LEQ), Map(ord, shift(tokens))),
    ],
)
def test_what_is_no_gather_of_gathers_is_left(program: SOp) -> None:
    """Some queries pick no key, or several, or by what they hold."""
    assert rewrite(gather_at_once, program, VOCAB, 4).saved == 0
    right(program, vocab=VOCAB, max_seq_len=4)


@st.composite
def places(draw: Any) -> Any:
    """A function of index and length whose results are positions."""
    steps = draw(st.lists(st.integers(0, 3), min_size=6, max_size=6))
    by_length = draw(st.booleans())
    return lambda i, n: (steps[i] + by_length * n * steps[-1 - i]) % n


@st.composite
def gathers_of_gathers(draw: Any) -> SOp:
    """Functions and gathers in turn, some of which look at the length."""
    sequence: SOp = draw(st.sampled_from([tokens, Map(str.upper, tokens), both(tokens, indices)]))
    for _ in range(draw(st.integers(2, 3))):
        query = SequenceMap(draw(places()), indices, LENGTH)
        sequence = Aggregate(Select(indices, query, Comparison.EQ), sequence)
        if draw(st.booleans()):
            sequence = both(sequence, draw(st.sampled_from([tokens, indices, LENGTH])))
    return sequence


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(gathers_of_gathers(), st.sampled_from([ALL, (GATHERS,), ("views", "cones", GATHERS)]))
def test_any_gathers_are_what_the_interpreter_says(program: SOp, passes: tuple[str, ...]) -> None:
    expected = defined(program, all_sequences(["a", "b"], 4))
    model = accepted(program, vocab=["a", "b"], max_seq_len=4, passes=passes)
    found = model.run_batch([xs for xs, _ in expected])
    for (xs, wanted), result in zip(expected, found, strict=True):
        assert agree(program, wanted, result), xs


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(gathers_of_gathers())
def test_facts_stay_true(program: SOp) -> None:
    traced = trace_with_expressions(program, causal=False)
    try:
        facts = infer(traced.program, ("a", "b"), 4)
    except UnsupportedProgramError:
        reject()
    made = gather_at_once(facts).inferred
    assert check(made, program, all_sequences(["a", "b"], 4), traced.expressions) > 0


def test_indices_that_were_merged_are_not_taken_for_places() -> None:
    """Half of 0 and of 1 are the same, and so are 0 and 1 to those who read no more."""
    half = Select(indices, Map(lambda i: i // 2, indices), Comparison.EQ)
    program = both(Aggregate(half, Aggregate(half, tokens)), tokens)
    model = right(program, vocab=["a", "b"], max_seq_len=6)
    assert model.num_layers == 1


def test_what_comes_back_keeps_its_own_default() -> None:
    earlier = Aggregate(Select(tokens, tokens, Comparison.LT), indices, default=5)
    program = SequenceMap(lambda x, y: (x + 0.5, y), reverse(reverse(earlier)), tokens)
    right(program, vocab=["a", "b"], max_seq_len=3, passes=[GATHERS])


def test_what_is_not_computed_is_not_replaced() -> None:
    program = shift(shift(tokens).named("once"))
    model = shoal.compile(program, vocab=VOCAB, max_seq_len=4)
    with pytest.raises(shoal.UnwritableError, match="once"):
        model.write("once", ["a", "b", "c"], ["c", "c", "c"])


def test_what_was_fetched_first_is_not_replaced_where_it_is_fetched_at_once() -> None:
    """Found by a campaign: it is read at its own position, where it is the same on all inputs."""
    first = Select(indices, Map(lambda i: i // 2, indices), Comparison.EQ)
    nothing = Map(lambda t: None if t == 0 else t, tokens)
    fetched = Aggregate(Select(indices, Map(lambda i: 0, indices), Comparison.EQ), nothing)
    pair = keep(SequenceMap(lambda a, b: (a, b), fetched, tokens))
    program = Aggregate(first, pair)
    model = right(program, vocab=(0, 1, 2), max_seq_len=2)
    assert wrong_patches(program, model, [(1, 0), (2, 1), (0, 2)], seed=4) == []


def test_what_is_read_at_the_own_position_is_not_replaced_before_it_is_fetched() -> None:
    """Found by a campaign: what leads to it may change it at one position, and not at another."""
    others = Select(indices, indices, Comparison.NEQ)
    mean = Aggregate(Select(tokens, indices, Comparison.NEQ), indices)
    all_others = Aggregate(others, mean)
    before = Select(indices, Map(lambda i: i - 1, indices), Comparison.EQ)
    half_way = Select(indices, Map(lambda i: i // 2, indices), Comparison.EQ)
    pair = SequenceMap(lambda a, b: (a, b), Aggregate(before, all_others), tokens)
    program = Aggregate(half_way, pair)
    model = right(program, vocab=(10, 1000, -1000), max_seq_len=3, passes="smallest")
    for seed in range(20):
        assert wrong_patches(program, model, [(10, 1000, 10), (10, 10)], seed=seed) == []


def test_what_is_fetched_twice_is_not_replaced_in_what_is_fetched_at_once() -> None:
    """Found by random patches: a number that is the token was replaced where tokens are read."""
    number = Map(lambda t: t, tokens)
    before = Select(indices, Map(lambda i: max(0, i - 1), indices), Comparison.EQ)
    half_way = Select(indices, Map(lambda i: i // 2, indices), Comparison.EQ)
    pair = SequenceMap(lambda a, b: (a, b), Aggregate(before, number), tokens)
    program = keep(Aggregate(half_way, pair))
    model = right(program, vocab=(0, 1, 2), max_seq_len=3, causal=True, passes="smallest")
    for seed in range(20):
        assert wrong_patches(program, model, [(0,), (0, 0, 0), (1, 2)], seed, causal=True) == []
