"""What depends on the histogram alone, and on what besides, is true of every input."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shoal.errors import UnsupportedProgramError
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.infer import infer
from shoal.program.facts.lookup import NONE
from shoal.program.facts.symmetric import Own, dependences, number_of_histograms, on_histograms
from shoal.program.trace import trace_with_expressions
from shoal.rasp import Aggregate, Comparison, Map, Select, SelectorWidth, SOp, indices, tokens
from shoal.rasp.interpreter import evaluate_all
from tests.program.programs import LONGEST, VOCAB, s_ops
from tests.support import all_sequences, interpreted

INPUTS = all_sequences(VOCAB, LONGEST)


def own_of(xs: list[Any], index: int) -> dict[Own, int]:
    """Token, occurrence and index at a position."""
    return {
        Own.TOKEN: VOCAB.index(xs[index]),
        Own.OCCURRENCE: xs[:index].count(xs[index]),
        Own.INDEX: index,
    }


@settings(max_examples=200, deadline=None)
@given(s_ops())
def test_dependences_are_true(program: SOp) -> None:
    """Values at positions that are alike in what they depend on are the same."""
    traced = trace_with_expressions(program, causal=False)
    try:
        facts = infer(traced.program, VOCAB, LONGEST)
    except UnsupportedProgramError:
        assume(False)
    found = dependences(facts)
    seen: dict[tuple[Any, ...], str] = {}
    for xs, _ in interpreted(program, INPUTS):
        values = evaluate_all(program, xs)
        for number, depends in found.items():
            every = values[id(traced.expressions[number])]
            for index, value in enumerate(every):
                own = own_of(xs, index)
                known = (number, *sorted(xs), *(own[o] for o in Own if o in depends))
                assert seen.setdefault(known, repr(value)) == repr(value), (number, xs, index)


@settings(max_examples=200, deadline=None)
@given(s_ops())
def test_rows_are_what_the_interpreter_says(program: SOp) -> None:
    traced = trace_with_expressions(program, causal=False)
    try:
        facts = infer(traced.program, VOCAB, LONGEST)
    except UnsupportedProgramError:
        assume(False)
    root = facts.program.root
    depends = dependences(facts).get(root)
    assume(depends is not None)
    assert depends is not None
    rows = on_histograms(facts, root, depends, np.arange(len(VOCAB)))
    assume(rows is not None)
    assert rows is not None
    domain = facts.domain(root)
    assert isinstance(domain, Enumerated)
    known = {
        (*counts, own): kind
        for counts, own, kind in zip(
            map(tuple, rows.counts.tolist()), rows.own.tolist(), rows.classes.tolist(), strict=True
        )
    }
    for xs, wanted in interpreted(program, INPUTS):
        counts = tuple(xs.count(token) for token in VOCAB)
        for index, value in enumerate(wanted):
            own = 0 if rows.by is None else own_of(xs, index)[rows.by]
            kind = known[(*counts, own)]
            if value is None:
                assert kind == NONE
            else:
                assert any(abs(value - member) < 1e-9 for member in domain.classes[kind])


def test_ranks_and_what_they_fetch() -> None:
    """A rank depends on the occurrence; what is fetched by it on the index; a shift on neither."""
    earlier = Select(indices, indices, Comparison.LT)
    less = Select(tokens, tokens, Comparison.LT)
    same = Select(tokens, tokens, Comparison.EQ)
    rank = SelectorWidth(less | (same & earlier)).named("rank")
    fetched = Aggregate(Select(rank, indices, Comparison.EQ), tokens).named("fetched")
    shift = Aggregate(Select(indices, Map(lambda i: i + 1, indices), Comparison.EQ), tokens)
    traced = trace_with_expressions(fetched + shift.named("shift"), causal=False)
    facts = infer(traced.program, VOCAB, LONGEST)
    found = dependences(facts)
    by_label = {node.label: found.get(node.id) for node in facts.program if node.is_sop}
    assert by_label["rank"] == {Own.TOKEN, Own.OCCURRENCE}
    assert by_label["fetched"] == {Own.INDEX}
    assert by_label["shift"] is None


def test_nothing_is_known_under_a_causal_mask() -> None:
    program = SelectorWidth(Select(tokens, tokens, Comparison.EQ))
    facts = infer(trace_with_expressions(program, causal=True).program, VOCAB, LONGEST)
    assert not dependences(facts)


@given(st.integers(1, 4), st.integers(1, 4))
def test_histograms_are_counted(tokens_: int, longest: int) -> None:
    every = {tuple(sorted(xs)) for xs in all_sequences(range(tokens_), longest)}
    assert number_of_histograms(tokens_, longest) == len(every)
