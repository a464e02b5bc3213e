"""What is chosen while variables are wide is compared with other choices when they are narrow."""

from __future__ import annotations

from dataclasses import replace

import pytest

import shoal
from shoal.compiler.fewer_offers import fetched_counts, with_fewer_offers, without
from shoal.compiler.problem import allocation_problem
from shoal.compiler.variants import Variant
from shoal.forms.scores import Scores
from shoal.options import ALL
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
from shoal_solvers import check, solve
from tests.support import right

COUNT = SelectorWidth(Select(tokens, tokens, Comparison.EQ)).named("count")
PREVIOUS = Select(indices, indices, lambda key, query: key == query - 1)
WIDE = tuple(name for name in ALL if name != "narrow")


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


def test_what_is_offered_without_some_variables_can_be_allocated() -> None:
    model = shoal.compile(fetched(0) < COUNT, vocab=("a", "b", "c"), max_seq_len=4, passes=WIDE)
    stages = model.stages
    assert stages is not None
    lowered, allocation = stages.lowered, stages.allocated.allocation
    offered = replace(lowered, result=None)
    names = fetched_counts(offered)
    assert names == {"before.count"}
    fewer = without(offered, names)
    assert names.isdisjoint(fewer.variables)
    assert all(names.isdisjoint(reads) for o in fewer.operations for reads in o.reads)
    problem = allocation_problem(fewer, stages.options)
    check(problem, solve(problem).allocation)
    kinds = list(with_fewer_offers(lowered, allocation, [Variant(stages.optimised, offered)]))
    without_scores, without_counts = (kind[0].lowered for kind in kinds)
    assert all(held.form != Scores() for held in without_scores.results)
    assert not fetched_counts(without_counts)


def test_a_result_that_can_be_had_from_fetched_counts_alone() -> None:
    """At length 1 nothing else is selected, so that both aggregates are their defaults."""
    others = Select(tokens, tokens, Comparison.NEQ)
    aggregates = Aggregate(others, indices, default=0), Aggregate(others, COUNT, default=0)
    program = SequenceMap(lambda x, y: (x, y), *aggregates)
    passes = ("views", "linear-counts", "result-codes", "narrow")
    model = right(program, vocab=("a", "b", "c"), max_seq_len=1, passes=passes)
    assert model.run(["b"]) == [(0, 0)]
