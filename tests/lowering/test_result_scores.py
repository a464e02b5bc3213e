"""A result that is an argmax of what is there anyway is left to the decoder."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import shoal
from shoal.forms.scores import APART, Scores
from shoal.limits import Limits, Work
from shoal.lowering.synthesis.scores import any_scores, ordered_scores
from shoal.options import ALL
from shoal.program.facts.domains import domain_of
from shoal.rasp import (
    Aggregate,
    Comparison,
    LinearSequenceMap,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    indices,
    keep,
    numerical,
    tokens,
)
from shoal.transformer.decoding import code_logits
from tests.support import right

WITHOUT = tuple(name for name in ALL if name != "result-scores")

AB = ("a", "b")
SMALL = st.integers(-3, 3)
FOLLOWS = Select(indices, indices, lambda key, query: key == query + 1)
PREVIOUS = Aggregate(Select(indices, indices, lambda key, query: key == query - 1), tokens)


@given(st.data(), st.integers(1, 3), st.integers(2, 4))
def test_scores_are_found_wherever_there_are_some(
    data: st.DataObject, coordinates: int, count: int
) -> None:
    matrix = data.draw(st.lists(SMALL, min_size=coordinates * count, max_size=coordinates * count))
    bias = data.draw(st.lists(SMALL, min_size=count, max_size=count))
    weights = np.reshape(matrix, (coordinates, count)).astype(float)
    points = np.array(list(product((-1.0, 0.0, 1.0, 2.0), repeat=coordinates)))
    scores = points @ weights + bias
    best = np.sort(scores, axis=1)
    is_clear = best[:, -1] > best[:, -2]
    points, choices = points[is_clear], scores[is_clear].argmax(axis=1)
    if not len(points):
        return
    found = any_scores(points, choices, count, Work())
    assert found is not None
    assert_right(points, choices, found)


@given(st.lists(SMALL, min_size=2, max_size=3), st.lists(SMALL, min_size=1, max_size=3))
def test_classes_that_go_up_with_one_functional_are_scored_by_it(
    functional: list[int], thresholds: list[int]
) -> None:
    points = np.array(list(product((0.0, 1.0, 3.0), repeat=len(functional))))
    steps = np.sort(thresholds) + 0.5
    choices = np.searchsorted(steps, points @ functional)
    count = len(steps) + 1
    found = ordered_scores(points, choices, count, Work())
    if len(np.unique(steps)) == len(steps):
        assert found is not None
    if found is not None:
        assert_right(points, choices, found)
        assert np.linalg.matrix_rank(found[0]) <= 1


def test_there_are_none_where_no_argmax_decides() -> None:
    points = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    for choices, are_there in (([0, 0, 0, 1], True), ([0, 1, 1, 0], False), ([0, 1, 1, 2], True)):
        count = max(choices) + 1
        found = any_scores(points, np.array(choices), count, Work())
        assert (found is not None) == are_there
        assert (ordered_scores(points, np.array(choices), count, Work()) is not None) == are_there


@given(
    st.lists(st.floats(-9, 9), min_size=1, max_size=5),
    st.booleans(),
    st.data(),
)
def test_the_decoder_takes_the_greatest_score(
    others: list[float], nullable: bool, data: st.DataObject
) -> None:
    values = range(len(others))
    domain = domain_of(([v] for v in values), nullable)
    right_one = data.draw(st.integers(0, len(others) - (not nullable)))
    scores = np.append(others, 0.5 if nullable else -np.inf)
    scores[right_one] = 0.0 if right_one < len(others) else 0.5
    lead = scores[right_one] - np.delete(scores, right_one).max(initial=-np.inf)
    coordinates = scores[:-1].copy()
    if right_one < len(others) and lead < APART:
        coordinates[right_one] += APART - lead
    elif lead < APART:
        coordinates = np.minimum(coordinates, 0.5 - APART)
    logits = code_logits(coordinates, Scores().codes(domain), nullable)
    assert logits.argmax() == right_one


def assert_right(
    points: np.ndarray, choices: np.ndarray, scoring: tuple[np.ndarray, np.ndarray]
) -> None:
    """The score of the right choice is above each other by nearly a margin of 1."""
    matrix, bias = scoring
    scores = points @ matrix + bias
    own = scores[np.arange(len(points)), choices]
    scores[np.arange(len(points)), choices] = -np.inf
    assert (own - scores.max(axis=1) > 0.9).all()


def test_what_the_decoder_decides_takes_no_neuron_and_no_layer() -> None:
    both = ((tokens == "a") & (PREVIOUS == "b")).named("both")
    for passes in ("all", WITHOUT):
        model = right(both, vocab=AB, max_seq_len=4, passes=passes)
        assert (model.allocated.costs.neurons == 0) == (passes == "all")
        assert model.num_layers == 1
    total = Map(sum, SequenceMap(lambda x, y: (x, y), tokens, indices))
    for passes, layers in (("all", 0), (WITHOUT, 1)):
        assert right(total, vocab=(0, 1, 5), max_seq_len=4, passes=passes).num_layers == layers


def test_what_it_cannot_decide_is_computed() -> None:
    differ = SequenceMap(lambda x, y: (x == "a") != (y == "b"), tokens, PREVIOUS)
    model = right(differ, vocab=AB, max_seq_len=4)
    assert model.allocated.costs.neurons > 0


@pytest.mark.parametrize("causal", [True, False])
def test_none_is_decided_like_any_other_class(causal: bool) -> None:
    def later(x: str, y: str | None) -> str | None:
        return None if y is None else max(x, y)

    program = SequenceMap(later, tokens, PREVIOUS).named("later")
    model = right(program, vocab=("a", "b", "c"), max_seq_len=4, causal=causal)
    assert model.read("later", "abca") == [None, "b", "c", "c"]


def test_counts_are_compared_by_the_decoder() -> None:
    same = SelectorWidth(Select(tokens, tokens, Comparison.EQ))
    often = (same > 2).named("often")
    for causal in (False, True):
        model = right(often, vocab=AB, max_seq_len=6, causal=causal)
        assert model.allocated.costs.neurons == 0


def test_only_results_of_classes_that_nobody_probes_are_left_to_the_decoder() -> None:
    both = (tokens == "a") & (PREVIOUS == "b")
    for program, options in (
        (keep(both.named("both")), {}),
        (both.named("both"), {"result": "one-hot"}),
        (numerical(tokens * indices), {"vocab": (0, 1, 2)}),
    ):
        model = right(program, **{"vocab": AB, "max_seq_len": 4, **options})
        assert model.allocated.costs.neurons > 0


def test_scores_are_read_and_patched() -> None:
    before = (PREVIOUS == "b").named("before")
    model = shoal.compile(((tokens == "a") & before).named("both"), vocab=AB, max_seq_len=4)
    assert model.allocated.costs.neurons == 0
    assert model.read("both", "baba") == model.run("baba")
    assert model.run("baba") == [None, True, False, True]
    patch = shoal.Patch.value("before", True, positions=[2])
    assert model.read("both", "aaaa", patch) == [None, False, True, False]


def test_scores_that_take_too_much_are_left_out() -> None:
    total = Map(sum, SequenceMap(lambda x, y: (x, y), tokens, indices))
    model = right(total, vocab=(0, 1, 5), max_seq_len=4, limits=Limits(fused_rows=1))
    assert model.num_layers == 1


def test_what_scores_do_not_depend_on_need_not_be_there() -> None:
    late = Aggregate(Select(tokens, indices, Comparison.NEQ), SelectorWidth(FOLLOWS))
    soon = SelectorWidth(Select(tokens, indices, Comparison.NEQ))
    program = LinearSequenceMap(LinearSequenceMap(tokens, late, 1, 1), soon, 1, 1)
    layers = {
        allocator: right(program, vocab=(10, 1000, -1000), max_seq_len=2, allocator=allocator)
        for allocator in ("cp-sat", "critical-path")
    }
    assert layers["cp-sat"].num_layers <= layers["critical-path"].num_layers
