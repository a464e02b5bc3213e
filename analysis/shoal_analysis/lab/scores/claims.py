"""A claimed circuit against the true one: which edges are right, wrong and missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from shoal.errors import InvalidInputError
from shoal_analysis.circuits.edge_patching import Edge
from shoal_analysis.lab.cases.case import Case


@dataclass(frozen=True)
class ClaimScores:
    """What is right and wrong in a claim.

    Attributes:
        right: claimed, and required.
        wrong: claimed, and not in the circuit.
        missing: required, and not claimed.
    """

    right: frozenset[Edge]
    wrong: frozenset[Edge]
    missing: frozenset[Edge]

    @property
    def precision(self) -> float:
        """The share of what is claimed that is right; 1 if nothing is claimed that counts."""
        claimed = len(self.right) + len(self.wrong)
        return len(self.right) / claimed if claimed else 1.0

    @property
    def recall(self) -> float:
        """The share of what is required that is claimed; 1 if nothing is required."""
        required = len(self.right) + len(self.missing)
        return len(self.right) / required if required else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    def __str__(self) -> str:
        lines = [
            f"precision {self.precision:.2f}, recall {self.recall:.2f}, F1 {self.f1:.2f}: "
            f"{len(self.right)} right, {len(self.wrong)} wrong, {len(self.missing)} missing"
        ]
        lines += [f"  wrong: {edge}" for edge in sorted(self.wrong)]
        lines += [f"  missing: {edge}" for edge in sorted(self.missing)]
        return "\n".join(lines)


@dataclass(frozen=True)
class RankingScores:
    """How well a ranking of edges tells the circuit from the rest.

    Attributes:
        curve: (share of wrong edges, share of required edges) that are ranked at least so high, for
            each distinct score, from (0, 0) to (1, 1): the ROC curve.
        area: under the curve: the chance that a required edge is ranked above a wrong one, ties
            counting half.
        average_precision: the mean precision over all required edges, each at its rank, ties at the
            worst place of theirs.
    """

    curve: tuple[tuple[float, float], ...]
    area: float
    average_precision: float


def score_claim(case: Case, edges: Iterable[Edge]) -> ClaimScores:
    """A claimed circuit.

    Args:
        case: of which model.
        edges: those that are claimed; ``case.edges`` takes them in other tools' names. Edges that
            count neither way (see ``Truth``) may be among them.

    Raises:
        InvalidInputError: there is no such edge in the model; it says why.
    """
    claimed = case.patching.require_edges(list(edges))
    truth = case.truth
    return ClaimScores(truth.required & claimed, truth.wrong & claimed, truth.required - claimed)


def score_ranking(case: Case, scores: Mapping[Edge, float]) -> RankingScores:
    """A ranking of edges, the greatest score first.

    Args:
        case: of which model.
        scores: by edge; an edge without one is ranked below all others.

    Raises:
        InvalidInputError: an edge is none, a score is no number, or there is nothing to tell apart.
    """
    case.patching.require_edges(list(scores))
    for edge, score in scores.items():
        if np.isnan(score):
            raise InvalidInputError(f"the score of {edge} is not a number")
    truth = case.truth
    if not truth.required or not truth.wrong:
        raise InvalidInputError(
            f"{case.name}: every edge that there could be is "
            f"{'wrong' if truth.wrong else 'part of the circuit'}, so no ranking tells them apart"
        )
    lowest = -np.inf
    right = np.array([scores.get(edge, lowest) for edge in truth.required])
    wrong = np.array([scores.get(edge, lowest) for edge in truth.wrong])
    steps = sorted({*right.tolist(), *wrong.tolist()}, reverse=True)
    curve = [(0.0, 0.0)]
    curve += [(float((wrong >= s).mean()), float((right >= s).mean())) for s in steps]
    above = (right[:, None] > wrong).mean() + 0.5 * (right[:, None] == wrong).mean()
    precisions = [(right >= s).sum() / ((right >= s).sum() + (wrong >= s).sum()) for s in right]
    return RankingScores(tuple(curve), float(above), float(np.mean(precisions)))
