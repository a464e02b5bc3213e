"""One head scores 1 where a selector holds and at most 0 elsewhere."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shoal import UnsupportedProgramError
from shoal.lowering.heads import Term
from shoal.lowering.lower import Lowering
from shoal.lowering.lowered import LoweredProgram
from shoal.lowering.selectors import separating_weights, terms_of
from shoal.program.facts.infer import infer
from shoal.program.facts.inferred import Inferred
from shoal.program.ir import Node, Op
from shoal.program.trace import trace
from shoal.rasp import Comparison, Select, Selector, SelectorWidth, SOp, indices, tokens
from tests.program.programs import LONGEST, PREDICATES, VOCAB, selectors
from tests.support import defined

SIZES = st.lists(st.integers(1, 3), min_size=1, max_size=3)


@settings(deadline=None)
@given(SIZES, st.data())
def test_separating_weights_separate(sizes: list[int], data: st.DataObject) -> None:
    choices = np.array(list(product(*map(range, sizes))))
    drawn = st.lists(st.booleans(), min_size=len(choices), max_size=len(choices))
    holds = np.array(data.draw(drawn))
    weights = separating_weights(choices, sizes, holds)
    if weights is None:
        assert len(sizes) > 1  # one pattern at a time can always be told apart
        return
    scores = sum(weight[choices[:, group]] for group, weight in enumerate(weights))
    assert np.allclose(scores[holds], 1, atol=1e-6)
    assert (scores[~holds] <= 1e-6).all()


@pytest.mark.parametrize(
    ("holds", "fits"),
    [
        ((False, False, False, True), True),  # and
        ((False, True, True, False), False),  # exclusive or
        ((False, True, True, True), False),  # or: the sum of two true ones is too large
        ((True, False, False, False), True),  # neither
        ((False, True, False, False), True),  # one and not the other
        ((False, False, False, False), True),
        ((True, True, True, True), True),
    ],
)
def test_which_combinations_of_two_selects_fit_one_head(
    holds: tuple[bool, ...], fits: bool
) -> None:
    choices = np.array(list(product(range(2), range(2))))
    assert (separating_weights(choices, [2, 2], np.array(holds)) is not None) == fits


def lower_selector(facts: Inferred, selector: Node) -> tuple[list[Term], LoweredProgram]:
    """The bilinear forms of one selector over inputs, and what has been lowered for them."""
    lowering = Lowering(facts)
    for node in facts.program:
        if node.is_sop and not node.inputs:
            lowering.ask_all_rules(node)
    return lowering.all_of("selectors", terms_of(lowering, selector)), lowering.program()


def inputs() -> st.SearchStrategy[SOp]:
    return st.sampled_from([tokens, indices])


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(selectors(inputs()))
def test_scores_are_one_where_the_selector_holds_and_not_positive_elsewhere(
    selector: Selector,
) -> None:
    try:
        facts = infer(trace(SelectorWidth(selector), causal=False), VOCAB, LONGEST)
    except UnsupportedProgramError:
        assume(False)
    root = facts.program.node(facts.program.root)
    terms, before = lower_selector(facts, facts.program.node(root.inputs[0]))
    assume(not before.operations)  # else the pairs come from an MLP, tested end to end

    def one_hot(view: object, token: int, position: int) -> np.ndarray:
        name = view.variables[0]  # type: ignore[attr-defined]
        by_token = facts.program.node(before.variables[name].node).op is Op.TOKENS
        value = VOCAB.index(token) if by_token else position
        return np.eye(len(VOCAB) if by_token else LONGEST)[value]

    for xs, expected in defined(selector, list(product(VOCAB, repeat=LONGEST))):
        for query, key in product(range(LONGEST), repeat=2):
            score = sum(
                one_hot(t.query, xs[query], query) @ t.scores @ one_hot(t.key, xs[key], key)
                for t in terms
            )
            if expected[query][key]:
                assert score == pytest.approx(1, abs=1e-6)
            else:
                assert score <= 1e-6


def test_a_predicate_may_raise_on_some_pairs() -> None:
    assert any(predicate not in tuple(Comparison) for predicate in PREDICATES)
    selector = Select(tokens, tokens, lambda key, query: 1 / key > 0)
    facts = infer(trace(SelectorWidth(selector), causal=False), VOCAB, LONGEST)
    (term,), _ = lower_selector(facts, facts.program.node(facts.program.root - 1))
    assert term.scores.tolist() == [[0, 1, 1]] * 3
