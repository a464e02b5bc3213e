"""Results that counts of tokens determine take one layer, and are right on every input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal import rasp
from shoal.limits import Work
from shoal.lowering.rules.histograms import HISTOGRAMS
from shoal.lowering.synthesis.scores import any_scores, ordered_scores, scores_of_many
from shoal.options import ALL
from shoal.rasp import (
    Aggregate,
    Comparison,
    Full,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    indices,
    tokens,
)
from tests.support import right

SAME = Select(tokens, tokens, Comparison.EQ)
EARLIER = Select(indices, indices, Comparison.LT)
WITHOUT = tuple(name for name in ALL if name != HISTOGRAMS)


def most_frequent() -> rasp.SOp:
    """The token that occurs most often, the least of those that do."""
    score = SequenceMap(lambda count, x: 10 * count - x, SelectorWidth(SAME), tokens)
    better = SelectorWidth(Select(score, score, Comparison.GT))
    return Aggregate(Select(better, Full(0), Comparison.EQ), tokens, default=0)


def nth_smallest(place: Callable[[int], int]) -> rasp.SOp:
    """What is at some place if tokens are sorted."""
    rank = SelectorWidth(Select(tokens, tokens, Comparison.LT) | (SAME & EARLIER))
    return Aggregate(Select(rank, Map(place, rasp.length), Comparison.EQ), tokens, default=0)


def how_many_different() -> rasp.SOp:
    """First occurrences, counted."""
    before = SelectorWidth(SAME & EARLIER)
    return SelectorWidth(Select(before, Full(0), Comparison.EQ))


def are_all_different() -> rasp.SOp:
    often = Map(lambda count: int(count > 1), SelectorWidth(SAME))
    return Map(lambda count: count == 0, SelectorWidth(Select(often, Full(1), Comparison.EQ)))


def how_many_less() -> rasp.SOp:
    """How many different tokens are less than the own one."""
    less = Select(tokens, tokens, Comparison.LT)
    share = Aggregate(less, Map(lambda count: 1 / count, SelectorWidth(SAME)), default=0)
    return SequenceMap(lambda mean, count: round(mean * count), share, SelectorWidth(less))


def occur_once() -> rasp.SOp:
    """The sum of the tokens that occur once."""
    once = SequenceMap(lambda x, n: x if n == 1 else 0, tokens, SelectorWidth(SAME))
    mean = Aggregate(Select(tokens, tokens, Comparison.TRUE), once)
    return SequenceMap(lambda m, n: round(m * n), mean, rasp.length)


PROGRAMS: dict[str, tuple[Callable[[], rasp.SOp], int]] = {
    "mode": (most_frequent, 0),
    "median": (lambda: nth_smallest(lambda n: n // 2), 0),
    "second largest": (lambda: nth_smallest(lambda n: n - 2), 0),
    "different": (how_many_different, 9),
    "all different": (are_all_different, 5),
    "less": (how_many_less, 10),
    "once": (occur_once, 10),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_takes_one_layer(name: str) -> None:
    make, most_neurons = PROGRAMS[name]
    model = right(make(), vocab=(0, 1, 2, 3), max_seq_len=5)
    assert model.num_layers == 1
    assert model.allocated.costs.neurons <= most_neurons
    before = right(make(), vocab=(0, 1, 2, 3), max_seq_len=5, passes=WITHOUT)
    assert before.num_layers > 1


def test_names_are_read_from_the_program() -> None:
    model = right(most_frequent().named("mode"), vocab=(0, 1, 2), max_seq_len=4)
    assert model.num_layers == 1
    assert model.read("selector_width", [1, 1, 2]) == [2, 2, 1]


def test_what_is_undefined_on_some_order_is_left_alone() -> None:
    """1 / (x - index) is defined on [1, 0], and not on [0, 1]."""
    fraction = SequenceMap(lambda x, i: 1 / (x - i), tokens, indices)
    flag = Map(lambda x: int(x > 0), fraction)
    count = SelectorWidth(Select(flag, Full(1), Comparison.EQ))
    program = SelectorWidth(Select(count, count, Comparison.EQ))
    right(program, vocab=(0, 1, 5), max_seq_len=3)


def test_merged_tokens_are_counted_together() -> None:
    """Nobody tells tokens of one parity apart."""
    parity = Map(lambda x: x % 2, tokens)
    count = SelectorWidth(Select(parity, parity, Comparison.EQ))
    often = SelectorWidth(Select(count, count, Comparison.GT))
    program = Aggregate(Select(often, Full(0), Comparison.EQ), parity, default=None)
    right(program, vocab=(0, 1, 2, 3), max_seq_len=4)


@pytest.mark.parametrize("vocab", [(True, 1.5), (("a", 1), ("b", 2), ("c", 0)), ("x",)])
def test_odd_vocabularies(vocab: tuple[Any, ...]) -> None:
    same = Select(tokens, tokens, Comparison.EQ)
    twice = Map(lambda count: count > 1, SelectorWidth(same))
    program = SelectorWidth(Select(twice, Full(True), Comparison.EQ))
    for length in (1, 2, 4):
        right(program, vocab=vocab, max_seq_len=length)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 4), st.integers(1, 3), st.booleans())
def test_scores_of_many_are_found_where_scores_are(
    seed: int, count: int, coordinates: int, ordered: bool
) -> None:
    """Of many points as of few: if any are found, and then they are right."""
    generator = np.random.default_rng(seed)
    points = np.unique(generator.integers(0, 6, (60, coordinates)), axis=0).astype(float)
    weights = generator.integers(-2, 3, (coordinates, count))
    scores = points @ weights + generator.integers(-3, 4, count)
    choices = scores.argmax(axis=1)
    if seed % 3 == 0:
        choices = generator.integers(0, count, len(points))
    find = ordered_scores if ordered else any_scores
    few = find(points, choices, count, Work())
    many = scores_of_many(points, choices, count, Work(), find)
    assert few is not None or many is None
    if many is not None:
        assert ((points @ many[0] + many[1]).argmax(axis=1) == choices).all()
