"""What heads and MLPs do in TransformerLens is what they do by our own sums."""

from __future__ import annotations

import pytest

pytest.importorskip("transformer_lens")

from shoal_analysis.lab.cases.case import make_case
from shoal_analysis.lab.methods.activation_patching import patch_nodes
from shoal_analysis.lab.scores.interchange import node_effects


@pytest.mark.parametrize(
    ("name", "style"),
    [
        *((name, "faithful") for name in ("hist", "reverse", "frac_prevs", "sort_freq")),
        *((name, "shallow") for name in ("hist", "reverse", "frac_prevs")),
    ],
)
def test_both_ways_of_patching_agree(name: str, style: str) -> None:
    """Where parts are patched, a large shallow model may magnify rounding, and is left out."""
    case = make_case(name, style, pairs=16)
    assert patch_nodes(case) == pytest.approx(node_effects(case), abs=1e-3)
