"""Counts can be fetched as heads have written them, without decoding them first."""

from __future__ import annotations

import pytest

import shoal
from shoal.rasp import (
    Aggregate,
    Comparison,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    tokens,
)
from tests.support import right

COUNT = SelectorWidth(Select(tokens, tokens, Comparison.EQ)).named("count")
PREVIOUS = Select(indices, indices, lambda key, query: key == query - 1)


def fetched(default: int | None) -> SOp:
    return Aggregate(PREVIOUS, COUNT, default=default).named("before")


def test_counts_are_fetched_as_they_are_written() -> None:
    model = right(fetched(0) < COUNT, vocab=("a", "b", "c"), max_seq_len=6)
    assert model.allocated.costs.neurons <= 2  # to clear columns with
    assert model.read("before", "abba") == [0, 2, 2, 2]
    assert model.variables["before"].columns == model.variables["before.count"].columns != ()
    patch = shoal.Patch.value("before", 3, positions=[1])
    assert model.patch("abba", patch) == [True, False, False, False]


@pytest.mark.parametrize("default", [None, 7, -2])
@pytest.mark.parametrize("causal", [True, False])
def test_counts_are_fetched_with_any_default(default: int | None, causal: bool) -> None:
    right(fetched(default), vocab=("a", "b"), max_seq_len=5, causal=causal)
    right(fetched(default) == 2, vocab=("a", "b"), max_seq_len=5, causal=causal)


def test_a_result_that_can_be_had_from_fetched_counts_alone() -> None:
    """At length 1 nothing else is selected, so that both aggregates are their defaults."""
    others = Select(tokens, tokens, Comparison.NEQ)
    aggregates = Aggregate(others, indices, default=0), Aggregate(others, COUNT, default=0)
    program = SequenceMap(lambda x, y: (x, y), *aggregates)
    passes = ("views", "linear-counts", "result-codes", "narrow")
    model = right(program, vocab=("a", "b", "c"), max_seq_len=1, passes=passes)
    assert model.run(["b"]) == [(0, 0)]
