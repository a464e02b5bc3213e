"""Circuits are found by auto-circuit where it is installed, and its absence is explained."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import pytest

import shoal
from shoal_analysis.circuits.edge_patching import Edge
from shoal_analysis.lab.cases.case import Case, make_case
from shoal_analysis.lab.methods.discovery import acdc, attribution_patching
from shoal_analysis.lab.scores.claims import score_ranking

Method = Callable[[Case], dict[Edge, float]]

HAS_PACKAGE = importlib.util.find_spec("auto_circuit") is not None


@pytest.mark.skipif(HAS_PACKAGE, reason="auto-circuit is installed")
@pytest.mark.parametrize("method", [acdc, attribution_patching])
def test_without_the_package_it_is_said_what_to_install(method: Method) -> None:
    with pytest.raises(shoal.InvalidInputError, match=r"needs auto-circuit.*shoal\[discovery\]"):
        method(make_case("hist", pairs=2))


@pytest.mark.skipif(not HAS_PACKAGE, reason="auto-circuit is not installed")
@pytest.mark.parametrize("name", ["hist", "reverse", "frac_prevs"])
def test_acdc_finds_small_circuits(name: str) -> None:
    case = make_case(name, "faithful", pairs=8)
    found = acdc(case)
    assert set(found) == set(case.patching.edges)
    assert score_ranking(case, found).area == 1


@pytest.mark.skipif(not HAS_PACKAGE, reason="auto-circuit is not installed")
def test_models_without_layers_are_refused() -> None:
    with pytest.raises(shoal.InvalidInputError, match="has no layer"):
        attribution_patching(make_case("caesar", "shallow", pairs=2))
