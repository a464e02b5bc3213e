"""The true circuit does everything, and without it nothing is left."""

from __future__ import annotations

import pytest

import shoal
from shoal_analysis.circuits.edge_patching import Edge
from shoal_analysis.lab.cases.case import STYLES, make_case
from shoal_analysis.lab.scores.interchange import (
    edge_effects,
    interchange_edges,
    interchange_nodes,
    node_effects,
)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ["hist", "reverse", "frac_prevs", "sort_freq", "induction"])
def test_the_true_circuit_is_faithful_and_complete(name: str, style: str) -> None:
    case = make_case(name, style, pairs=16)
    truth = case.truth
    scores = interchange_edges(case, truth.required | truth.allowed)
    assert scores.faithfulness == pytest.approx(1, abs=1e-6)
    assert scores.completeness == pytest.approx(1, abs=1e-6)
    assert (scores.same_answers, scores.other_answers) == (1, 1)
    nothing = interchange_edges(case, [])
    assert nothing.faithfulness == pytest.approx(0, abs=1e-6)
    assert nothing.same_answers == 0
    if style == "faithful":  # where columns are used again, clearing them matters too
        assert interchange_edges(case, truth.required).faithfulness == pytest.approx(1, abs=1e-6)


def test_an_edge_too_few_is_noticed() -> None:
    case = make_case("hist", "faithful")
    for edge in case.truth.required:
        scores = interchange_edges(case, case.truth.required - {edge})
        assert scores.faithfulness < 1


def test_nodes_stand_for_the_edges_between_them() -> None:
    case = make_case("reverse", "faithful")
    assert interchange_nodes(case, ["head 3.0"]).faithfulness == pytest.approx(1)
    assert interchange_nodes(case, ["mlp 0"]).faithfulness == pytest.approx(0)
    with pytest.raises(shoal.InvalidInputError, match=r"no node 'head 9\.9'"):
        interchange_nodes(case, ["head 9.9"])


def test_effects_are_those_of_one_part_at_a_time() -> None:
    case = make_case("reverse", "faithful")
    nodes = node_effects(case)
    assert nodes["head 3.0"] == pytest.approx(1)
    assert nodes["head 0.0"] == pytest.approx(0)  # the length is the same on both inputs
    edges = edge_effects(case)
    assert edges[Edge("tokens", "head 3.0", "value")] == pytest.approx(1)
    assert set(edges) == set(case.patching.edges)
    assert max(abs(edges[edge]) for edge in case.truth.wrong) == pytest.approx(0, abs=1e-9)
