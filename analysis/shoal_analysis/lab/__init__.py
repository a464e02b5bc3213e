"""The laboratory: what models with a known mechanism are good for.

Test cases for interpretability tools, with scores: ``make_case``, ``CASES``, ``score_claim``,
``score_ranking``, ``interchange_edges``, ``interchange_nodes``, ``edge_effects``, ``node_effects``.
"""

from shoal_analysis.circuits.checking import check_circuit
from shoal_analysis.circuits.edge_patching import Edge
from shoal_analysis.lab.cases.case import STYLES, Case, make_case
from shoal_analysis.lab.cases.recipes import RECIPES as CASES
from shoal_analysis.lab.cases.recipes import Recipe
from shoal_analysis.lab.scores.claims import score_claim, score_ranking
from shoal_analysis.lab.scores.interchange import (
    edge_effects,
    interchange_edges,
    interchange_nodes,
    node_effects,
)

__all__ = [
    "CASES",
    "STYLES",
    "Case",
    "Edge",
    "Recipe",
    "check_circuit",
    "edge_effects",
    "interchange_edges",
    "interchange_nodes",
    "make_case",
    "node_effects",
    "score_claim",
    "score_ranking",
]
