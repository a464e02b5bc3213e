"""Scores are what they are by definition, on claims made by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal_analysis.circuits.edge_patching import Edge
from shoal_analysis.lab.cases.case import make_case
from shoal_analysis.lab.scores.claims import score_claim, score_ranking

CASE = make_case("hist", "faithful")
TRUTH = CASE.truth
REVERSE = make_case("reverse", "shallow")


def test_the_truth_has_full_marks_and_nothing_has_none() -> None:
    scores = score_claim(CASE, TRUTH.required)
    assert (scores.precision, scores.recall, scores.f1) == (1, 1, 1)
    assert score_claim(CASE, TRUTH.required | TRUTH.allowed) == scores
    nothing = score_claim(CASE, [])
    assert (nothing.precision, nothing.recall, nothing.f1) == (1, 0, 0)
    everything = score_claim(CASE, CASE.patching.edges)
    assert everything.recall == 1
    assert everything.precision == len(TRUTH.required) / len(TRUTH.required | TRUTH.wrong)


def test_what_is_wrong_and_missing_is_listed() -> None:
    wrong = sorted(TRUTH.wrong)[0]
    missing = sorted(TRUTH.required)[0]
    text = str(score_claim(CASE, (TRUTH.required - {missing}) | {wrong}))
    assert f"wrong: {wrong}" in text
    assert f"missing: {missing}" in text
    assert "precision 0.75, recall 0.75" in text


@pytest.mark.parametrize("convention", ["transformer-lens", "eap", "auto-circuit"])
def test_claims_may_be_in_other_tools_names(convention: str) -> None:
    for case in (CASE, REVERSE):
        named = case.named(case.truth.required, convention)
        scores = score_claim(case, case.edges(named, convention))
        assert scores.f1 == 1  # tokens and positions have one name, and count neither way


def test_rankings_that_are_right_wrong_and_silent() -> None:
    right = score_ranking(CASE, dict.fromkeys(TRUTH.required, 1.0))
    assert right.area == right.average_precision == 1
    assert right.curve == ((0, 0), (0, 1), (1, 1))
    assert score_ranking(CASE, dict.fromkeys(TRUTH.wrong, 1.0)).area == 0
    silent = score_ranking(CASE, {})
    assert silent.area == 0.5
    assert silent.curve == ((0, 0), (1, 1))


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_the_area_is_the_chance_of_the_right_order(data: st.DataObject) -> None:
    scores = {e: float(data.draw(st.integers(0, 5))) for e in REVERSE.patching.edges}
    ranking = score_ranking(REVERSE, scores)
    truth = REVERSE.truth
    pairs = [(scores[r], scores[w]) for r in truth.required for w in truth.wrong]
    chance = sum((r > w) + 0.5 * (r == w) for r, w in pairs) / len(pairs)
    assert ranking.area == pytest.approx(chance)
    heights = [0.0] + [h for _, h in ranking.curve]
    assert heights == sorted(heights)
    trapezoids = sum(
        (x1 - x0) * (y0 + y1) / 2
        for (x0, y0), (x1, y1) in zip(ranking.curve, ranking.curve[1:], strict=False)
    )
    assert ranking.area == pytest.approx(trapezoids)


def test_edges_that_there_are_not_are_refused() -> None:
    with pytest.raises(shoal.InvalidInputError, match=r"no node 'head 3\.0'"):
        score_claim(CASE, [Edge("head 3.0", "result", "input")])
    with pytest.raises(shoal.InvalidInputError, match=r"no edge 'a5\.h0->logits'"):
        CASE.edges(["a5.h0->logits"], "eap")
    with pytest.raises(shoal.InvalidInputError, match="not a number"):
        score_ranking(CASE, {sorted(TRUTH.required)[0]: float("nan")})
    with pytest.raises(shoal.InvalidInputError, match="so no ranking tells them apart"):
        score_ranking(make_case("caesar", "shallow"), {})
