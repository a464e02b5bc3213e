"""Equality as a parabola."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import shoal
from shoal.lowering.heads import PARABOLAS
from shoal.lowering.parabolas import FEWEST, MOST, Parabola, parabola_of
from shoal.options import ALL
from shoal.rasp import (
    Aggregate,
    Comparison,
    Map,
    Select,
    Selector,
    SelectorWidth,
    SOp,
    indices,
    length,
    numerical,
    tokens,
)
from tests.support import right


@st.composite
def matchings(draw: st.DrawFn) -> np.ndarray:
    """[queries, keys], at most one key for each query, and at most one query for each key."""
    keys = draw(st.integers(FEWEST, 7))
    order = draw(st.permutations(range(keys)))
    nothing = draw(st.integers(0, 2))
    scores = np.zeros((keys + nothing, keys))
    scores[range(keys), list(order)] = 1.0
    used = draw(st.sets(st.sampled_from(range(keys)), min_size=FEWEST))
    scores[:, [key for key in range(keys) if key not in used]] = 0.0
    return scores


@given(matchings(), st.booleans())
def test_what_is_selected_scores_1_and_all_else_at_most_0(scores: np.ndarray, none: bool) -> None:
    found = parabola_of(scores, ["k"] * scores.shape[1], ["q"] * len(scores), none)
    assert found is not None
    assert np.array_equal(found.scores == 1.0, scores == 1.0)
    assert (found.scores[scores == 0.0] <= 0.0).all()
    left, right_factor = found.factors
    products = (left + np.array([0.0, -1.0])) @ right_factor
    assert np.array_equal(products - found.for_bos[:, None], found.scores)
    if none:  # a key that is None has 0 in both dimensions
        assert (-found.for_bos <= 0.0).all()


@given(matchings(), st.sampled_from([(0.5, -0.5), (1 / 3, -2 / 3), (0.0, -1.0), (1.0, 0.25)]))
def test_an_equality_that_is_a_part_of_a_score_scores_as_much_and_less_elsewhere(
    matching: np.ndarray, parts: tuple[float, float]
) -> None:
    top, low = parts
    scores = np.where(matching == 1.0, top, low)
    found = parabola_of(scores, ["k"] * scores.shape[1], ["q"] * len(scores), False)
    assert found is not None
    assert np.allclose(found.scores[matching == 1.0], top)
    assert (found.scores[matching == 0.0] <= low + 1e-12).all()
    left, right_factor = found.factors
    products = (left + found.constants) @ right_factor
    assert np.allclose(products - found.for_bos[:, None], found.scores)
    if low > 0:  # None would score 0, which is less
        assert parabola_of(scores, ["k"] * scores.shape[1], ["q"] * len(scores), True) is None


EQUAL = Select(tokens, tokens, Comparison.EQ)
EARLIER = Select(indices, indices, Comparison.LT)


@pytest.mark.parametrize(
    ("selector", "is_needed"),
    [
        (EQUAL & EARLIER, True),
        (EQUAL | EARLIER, False),  # what is not equal may be selected all the same
        (EQUAL & ~EARLIER, True),
        (~EQUAL & EARLIER, False),
    ],
)
def test_equalities_that_are_needed_take_two_dimensions_in_each_selector(
    selector: Selector, is_needed: bool
) -> None:
    without = tuple(name for name in ALL if name != PARABOLAS)
    sizes = [
        right(SelectorWidth(selector), vocab=tuple("abcde"), max_seq_len=4, passes=passes).key_size
        for passes in ("all", without)
    ]
    assert (sizes[0] < sizes[1]) == is_needed


@pytest.mark.parametrize(
    "scores",
    [
        np.tril(np.ones((4, 4))),  # an order
        np.ones((4, 4)),
        np.repeat(np.eye(3), 2, axis=1),  # a query that selects two keys
        np.eye(2),  # takes one dimension as it is
    ],
)
def test_other_selectors_have_none(scores: np.ndarray) -> None:
    assert parabola_of(scores, [None] * scores.shape[1], [None] * len(scores), False) is None


def test_whole_numbers_number_themselves() -> None:
    keys, queries = list(range(10)), [-7, *range(10), 40]
    scores = np.array([[float(q == k) for k in keys] for q in queries])
    found = parabola_of(scores, keys, queries, False)
    assert found is not None
    assert np.array_equal(found.keys, np.arange(10) - 4)
    assert np.array_equal(found.queries, np.arange(-1, 11) - 4)


def test_numbers_stay_small_enough_to_be_exact() -> None:
    most = 2 * MOST + 1
    assert parabola_of(np.eye(most), range(most), range(most), False) is not None
    assert parabola_of(np.eye(most + 2), range(most + 2), range(most + 2), False) is None
    assert Parabola(np.array([float(MOST)]), np.array([float(MOST)])).rounding < 40.0


PREVIOUS = Select(indices, indices, lambda key, query: key == query - 1)
OPPOSITE = Select(indices, length - 1 - indices, Comparison.EQ)
SAME = Select(tokens, tokens, Comparison.EQ)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(
    "program",
    [
        Aggregate(PREVIOUS, tokens),
        Aggregate(PREVIOUS, tokens, default="c"),
        SelectorWidth(SAME),
        numerical(SelectorWidth(SAME)),
        Aggregate(SAME, numerical(indices)),
        SelectorWidth(Select(Aggregate(PREVIOUS, tokens, default=""), tokens, Comparison.EQ)),
        SelectorWidth(Select(tokens, Aggregate(PREVIOUS, tokens, default=""), Comparison.EQ)),
        Map(lambda n: n % 2, SelectorWidth(PREVIOUS)),
    ],
)
def test_programs_are_right(program: SOp, causal: bool) -> None:
    for passes in ("all", (PARABOLAS,), (PARABOLAS, "narrow"), (PARABOLAS, "linear-counts")):
        right(program, vocab=("a", "b", "c", "d"), max_seq_len=4, causal=causal, passes=passes)


def test_none_selects_and_is_selected_by_nothing() -> None:
    some = Map(lambda x: x if x in "bcd" else None, tokens)
    for program in (
        SelectorWidth(Select(some, tokens, lambda key, query: key == query)),
        SelectorWidth(Select(tokens, some, lambda key, query: key == query)),
        Aggregate(Select(some, some, lambda key, query: key == query), indices),
    ):
        for passes in ("all", (PARABOLAS,), (PARABOLAS, "narrow"), "none"):
            right(program, vocab=("a", "b", "c", "d"), max_seq_len=3, passes=passes)


def test_reverse_is_narrow() -> None:
    model = right(Aggregate(OPPOSITE, tokens), vocab=("a", "b", "c", "d"), max_seq_len=4)
    assert model.d_model <= 7


def test_keys_take_two_dimensions_however_many_there_are() -> None:
    for longest in (10, 60):
        model = shoal.compile(Aggregate(PREVIOUS, tokens), vocab={"a", "b"}, max_seq_len=longest)
        assert model.key_size == 3  # one more for BOS
        xs = ["a", "b"] * (longest // 2)
        assert model.run(xs) == [None, *xs[:-1]]
