"""One method on one case: how well its ranking of edges tells the circuit from the rest."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from shoal_analysis.circuits.edge_patching import Edge
from shoal_analysis.lab.cases.case import Case
from shoal_analysis.lab.methods.discovery import acdc, attribution_patching
from shoal_analysis.lab.scores.claims import score_ranking
from shoal_analysis.lab.scores.interchange import edge_effects

STEPS = 10
"""Of integrated gradients."""


def _activation_patching(case: Case) -> dict[Edge, float]:
    return {edge: abs(effect) for edge, effect in edge_effects(case).items()}


METHODS: Mapping[str, Callable[[Case], Mapping[Edge, float]]] = {
    "activation patching": _activation_patching,
    "attribution patching": attribution_patching,
    "attribution, integrated": partial(attribution_patching, steps=STEPS),
    "ACDC": acdc,
}


@dataclass(frozen=True)
class Row:
    """What came of a method on a case.

    Attributes:
        case: its name.
        style: how it was compiled.
        difficulty: of the case.
        seed: of its pairs.
        method: one of ``METHODS``.
        area: under the ROC curve.
        precision: the average precision.
        seconds: that the method took.
    """

    case: str
    style: str
    difficulty: int
    seed: int
    method: str
    area: float
    precision: float
    seconds: float

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What was measured."""
        return self.case, self.style, self.seed, self.method


def measure(case: Case, method: str) -> Row:
    """One method on one case.

    Raises:
        InvalidInputError: the method cannot run on it.
    """
    start = time.perf_counter()
    scores = METHODS[method](case)
    seconds = time.perf_counter() - start
    found = score_ranking(case, scores)
    return Row(
        case.name,
        case.style,
        case.recipe.difficulty,
        case.seed,
        method,
        found.area,
        found.average_precision,
        seconds,
    )


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file; none if it is not there."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield Row(**json.loads(line))


def append_row(path: Path, row: Row) -> None:
    """Keep a row."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(row)) + "\n")
