"""What length and position determine is tabulated, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from shoal.errors import EvaluationError, UnsupportedProgramError
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.infer import infer
from shoal.program.facts.inferred import SOpFacts
from shoal.program.trace import trace
from shoal.rasp import (
    Aggregate,
    Comparison,
    Map,
    Select,
    Selector,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    keep,
    length,
    tokens,
)
from shoal.rasp.values import canonical_key
from tests.program.passes.facts import inferred
from tests.support import right

VOCAB, LONGEST = ("a", "b"), 5
N = SelectorWidth(Select(tokens, tokens, Comparison.TRUE))
LAST = Select(indices, N - 1, Comparison.EQ)


def facts_of(program: SOp, causal: bool = False) -> SOpFacts:
    traced = trace(program, causal=causal)
    return infer(traced, VOCAB, LONGEST).sops[traced.root]


@pytest.mark.parametrize(
    ("program", "values"),
    [
        (N, (1, 2, 3, 4, 5)),
        (N - 1 - indices, (0, 1, 2, 3, 4)),  # never negative
        (SelectorWidth(LAST), (1,)),
        (Aggregate(LAST, indices), (0, 1, 2, 3, 4)),  # never None
        (SelectorWidth(Select(indices, indices, Comparison.LT)), (0, 1, 2, 3, 4)),
        (Aggregate(Select(indices, indices, Comparison.LEQ), indices), (0, 0.5, 1, 1.5, 2)),
        (SequenceMap(lambda n, i: n == i, N, indices), (False,)),
    ],
)
def test_values_are_exact(program: SOp, values: tuple[Any, ...]) -> None:
    domain = facts_of(program).domain
    assert isinstance(domain, Enumerated)
    assert [float(value) for value in domain.values] == [float(value) for value in values]
    assert not domain.nullable


def test_selectors_of_positions_have_exact_widths() -> None:
    facts = inferred(Aggregate(LAST, tokens))
    bounds = facts.widths[facts.program.node(facts.program.root).inputs[0]]
    assert (bounds.low, bounds.high) == (1, 1)


def test_what_length_does_not_matter_for_is_known_by_position() -> None:
    before = SelectorWidth(Select(indices, indices, Comparison.LEQ))
    for program, causal in ((before, False), (N, True)):
        local = facts_of(program, causal).local
        assert local is not None
        assert local.tolist() == [[0, 1, 2, 3, 4]] * len(VOCAB)
    assert facts_of(N).local is None


def test_mirrored_positions_are_different() -> None:
    assert facts_of(N - 1 - indices).distinct
    assert not facts_of(N).distinct


def test_too_long_inputs_are_not_tabulated() -> None:
    every = Select(indices, indices, Comparison.GEQ) | Select(indices, indices, Comparison.LT)
    for program, is_known in ((length, True), (SelectorWidth(every), False)):
        traced = trace(program, causal=False)
        facts = infer(traced, VOCAB, 500).sops[traced.root]
        assert (facts.by_length is not None) is is_known
        assert len(facts.domain.values) == 500  # type: ignore[attr-defined]


DEFAULTS = st.sampled_from([None, 0, 7])


def selectors(operands: st.SearchStrategy[SOp]) -> st.SearchStrategy[Selector]:
    comparisons = st.sampled_from([Comparison.EQ, Comparison.LEQ, Comparison.GT, Comparison.TRUE])
    select = st.builds(Select, operands, operands, comparisons)
    return st.one_of(
        select,
        st.builds(lambda x: ~x, select),
        st.builds(lambda x, y: x & y, select, select),
        st.builds(lambda x, y: x | y, select, select),
    )


NUMBERS = st.recursive(
    st.sampled_from([indices, N]),
    lambda inner: st.one_of(
        st.builds(lambda x, k: x + k, inner, st.integers(-1, 2)),
        st.builds(lambda x: Map(lambda v: v % 3, x), inner),
        st.builds(lambda x, y: SequenceMap(lambda v, w: v - w, x, y), inner, inner),
        st.builds(SelectorWidth, selectors(inner)),
        st.builds(lambda s, x, d: Aggregate(s, x, default=d), selectors(inner), inner, DEFAULTS),
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(NUMBERS, st.booleans())
def test_they_are_what_the_interpreter_says(program: SOp, causal: bool) -> None:
    try:
        facts = facts_of(program, causal)
    except UnsupportedProgramError:
        reject()
    if facts.by_length is None and facts.local is None:
        return  # it may be undefined somewhere
    seen = set()
    domain = facts.domain
    assert isinstance(domain, Enumerated)
    for n in range(1, LONGEST + 1):
        try:
            values = program(["a"] * n, causal=causal)
        except EvaluationError:
            return
        seen |= set(map(canonical_key, values))
        classes = [-1 if v is None else domain.class_of[canonical_key(v)] for v in values]
        if facts.by_length is not None:
            assert facts.by_length[n - 1].tolist() == classes + [-2] * (LONGEST - n)
        else:
            assert facts.local is not None
            assert np.array_equal(facts.local[0, :n], classes)
    assert domain.nullable == (canonical_key(None) in seen)
    assert all(seen & set(map(canonical_key, members)) for members in domain.classes)


def test_what_is_averaged_need_not_be_a_mean() -> None:
    means = Aggregate(Select(indices, indices, Comparison.LEQ), indices)  # never 3 or 4
    right(SequenceMap(lambda m, t: (m, t), means, tokens), vocab=VOCAB, passes="none")
    everywhere = Select(tokens, tokens, Comparison.TRUE)
    mean = keep(Aggregate(everywhere, SelectorWidth(Select(indices, indices, Comparison.LEQ))))
    right(mean, vocab=VOCAB, max_seq_len=3, passes="none")
    right(mean, vocab=VOCAB, max_seq_len=3)


def test_where_a_function_raises_nothing_is_known() -> None:
    raising = SequenceMap(lambda x, y: 1 / x, indices, indices)
    assert facts_of(Aggregate(Select(tokens, tokens, Comparison.TRUE), raising)).local is None
