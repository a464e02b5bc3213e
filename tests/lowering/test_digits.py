"""Counts by a long order are sums over binary digits, where that takes fewer columns."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import shoal
from shoal import Budgets, rasp
from shoal.forms.one_hot import OneHot
from shoal.lowering.heads import Term
from shoal.lowering.held import stored
from shoal.lowering.rules.digits import LEAST_STEPS, by_digits, digit_by_digit, order_of
from shoal.lowering.splits import Condition, terms_where
from shoal.options import ALL
from shoal.program.facts.domains import domain_of
from shoal.rasp.library import make_sort_unique
from tests.support import accepted, agree, right

WITHOUT = tuple(name for name in ALL if name != "digits")
LESS = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LT))


def condition_of(holds: np.ndarray, name: str = "") -> Condition:
    """A query and a key of so many classes."""
    query, key = (
        stored(OneHot(), f"{side}{name}", domain_of([n] for n in range(size)), None)
        for side, size in zip(("query", "key"), holds.shape, strict=True)
    )
    return Condition(query, key, holds)


def scores_of(term: Term) -> np.ndarray:
    """[query classes, key classes], of what the digits are read from."""
    query, key = term.query.coordinates, term.key.coordinates
    return np.asarray(query.matrix @ term.scores @ key.matrix.T)  # of one-hot points


@st.composite
def orders(draw: st.DrawFn) -> np.ndarray:
    """[queries, keys], whether keys are selected, which are more and more of them."""
    queries = draw(st.lists(st.integers(0, 20), min_size=1, max_size=20))
    keys = draw(st.lists(st.integers(0, 20), min_size=1, max_size=20))
    return np.array(queries)[:, None] > np.array(keys)[None, :]


@given(orders())
def test_one_digit_at_most_decides_and_one_does_for_all_that_is_selected(holds: np.ndarray) -> None:
    order = order_of(holds)
    assert order is not None
    told = order.queries[:, None] + int(order.is_reflexive) > order.keys[None, :]
    assert (told == holds).all()
    assert order.keys.min() >= 0
    assert order.queries.min() >= 0
    counts = np.zeros(holds.shape, dtype=int)
    if order.steps > 1:
        for part in digit_by_digit(order):
            each = [
                told[(order.queries >> digit & 1)[:, None], order.keys >> digit & 1]
                for digit, told in part
            ]
            counts += np.all(each, axis=0)
        assert (counts == holds).all()


@given(arrays(bool, st.tuples(st.integers(1, 4), st.integers(1, 4))))
def test_nothing_else_is_an_order(holds: np.ndarray) -> None:
    sets = sorted({frozenset(np.flatnonzero(row)) for row in holds}, key=len)
    is_nested = all(less <= more for less, more in pairwise(sets))
    assert (order_of(holds) is not None) == is_nested


@given(orders(), orders())
def test_heads_score_1_where_a_part_is_selected_and_no_more_than_0_elsewhere(
    first: np.ndarray, second: np.ndarray
) -> None:
    one, other = condition_of(first), condition_of(second, " of the other")
    counts = np.zeros((*first.shape, *second.shape), dtype=int)
    for head in by_digits([one, other]):
        scores = np.zeros(counts.shape)
        for term in terms_where(head):
            of_first = term.query.variables == one.query.variables
            own = scores_of(term)
            scores += own[:, :, None, None] if of_first else own
        selected = np.isclose(scores, 1.0)
        assert (scores[~selected] < 1e-9).all()
        counts += selected
    assert (counts == np.logical_and.outer(first, second)).all()


def test_few_columns_do_for_many_values() -> None:
    where: dict[str, Any] = {"vocab": range(16), "max_seq_len": 2}
    at_once, by_digit = right(LESS == 1, passes=WITHOUT, **where), right(LESS == 1, **where)
    assert (at_once.d_model, at_once.num_heads) == (17, 1)
    assert (by_digit.d_model, by_digit.num_heads) == (6, 4)  # digits, BOS or what tells it, result
    assert by_digit.num_layers == at_once.num_layers
    saved = {saving.name: saving.count for saving in by_digit.savings}
    assert saved["digits"] == 1


def test_few_values_are_compared_at_once() -> None:
    few = LEAST_STEPS - 1
    model = right(LESS == 1, vocab=range(few), max_seq_len=2)
    assert model.num_heads == 1
    assert {saving.name: saving.count for saving in model.savings}["digits"] == 0


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("comparison", ["LT", "LEQ", "GT", "GEQ"])
def test_every_comparison(comparison: str, causal: bool) -> None:
    selector = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison[comparison])
    vocab = [-(2**60), -7, *range(13), 2**53 + 1]
    program = rasp.Map(lambda n: n % 2, rasp.SelectorWidth(selector))
    model = right(program, vocab=vocab, max_seq_len=2, causal=causal)
    assert model.num_heads == 4
    far = [vocab[7 * i % 16] for i in range(40)]
    longer = shoal.compile(program, vocab=vocab, max_seq_len=40, causal=causal)
    wanted = rasp.evaluate(program, far, causal=causal)
    assert longer.run(far) == wanted


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=16, max_size=16), st.booleans())
def test_any_order_of_functions_of_tokens(places: list[int], also_earlier: bool) -> None:
    vocab = range(16)
    selector = rasp.Select(rasp.tokens, rasp.tokens, lambda k, q: places[k] * 2 < q * 3)
    alike = rasp.Select(rasp.tokens, rasp.tokens, lambda k, q: places[k] * 2 == q * 3)
    earlier = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT)
    selector = selector | (alike & earlier) if also_earlier else selector
    program = rasp.SelectorWidth(selector) > 0
    model = accepted(program, vocab=vocab, max_seq_len=9)
    generator = np.random.default_rng(sum(places))
    for length in (1, 2, 5, 9):
        for _ in range(5):
            sequence = generator.integers(0, 16, length).tolist()
            assert agree(program, program(sequence), model.run(sequence))


def test_a_rank_with_a_name_is_read_and_replaced_as_one_number() -> None:
    program = make_sort_unique(rasp.tokens, rasp.tokens)
    vocab = range(32)
    model = shoal.compile(program, vocab=vocab, max_seq_len=10)
    at_once = shoal.compile(program, vocab=vocab, max_seq_len=10, passes=WITHOUT)
    assert model.d_model < at_once.d_model
    sequence = [3, 31, 0, 7, 9, 1]
    assert model.run(sequence) == sorted(sequence)
    assert model.read("target_position", sequence) == [2, 5, 0, 3, 4, 1]
    assert model.write("target_position", sequence, [1, 4, 3, 0, 5, 2]) == [7, 3, 1, 0, 31, 9]
    columns = [label for label in model.residual_labels if "part.count" in label]
    assert len(columns) <= 1


def test_columns_are_not_saved_at_the_price_of_parameters() -> None:
    """Ranks and positions take more columns than tokens do, and more heads are no use."""
    program = make_sort_unique(rasp.tokens, rasp.tokens)
    models = [
        shoal.compile(program, vocab=range(size), max_seq_len=12, passes=passes)
        for size in (16, 32)
        for passes in (WITHOUT, "all")
    ]
    for at_once, model in (models[:2], models[2:]):
        assert model.d_model <= at_once.d_model
        assert model.num_parameters <= at_once.num_parameters
    assert [model.num_heads > 1 for model in models] == [False, False, False, True]


def test_where_heads_are_few_they_compare_at_once() -> None:
    model = shoal.compile(LESS == 1, vocab=range(16), max_seq_len=3, budget=Budgets(max_heads=1))
    assert model.num_heads == 1
    assert model.run([3, 1, 2]) == [False, False, True]


def test_where_columns_are_few_they_compare_by_digits() -> None:
    model = shoal.compile(LESS == 1, vocab=range(16), max_seq_len=3, budget=Budgets(max_width=8))
    assert model.d_model <= 8
    assert model.run([3, 1, 2]) == [False, False, True]
