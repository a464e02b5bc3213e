"""Where the problems are, and what is known about them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from shoal_solvers import OBJECTIVES, AllocationProblem, Result, problem_from_json

FOLDER = Path(__file__).parent
PROBLEMS = FOLDER / "problems"
BEST_KNOWN = FOLDER / "best_known.json"


@dataclass(frozen=True)
class Known:
    """What is known about a problem.

    Attributes:
        problem: its identity.
        values: of ``OBJECTIVES``, lexicographically the best.
        bounds: no allocation as good in all earlier objectives has less.
    """

    problem: str
    values: tuple[int, ...]
    bounds: tuple[int, ...]

    @property
    def is_proven(self) -> bool:
        """Whether nothing better can be found."""
        return self.values == self.bounds


def problems() -> Iterator[tuple[str, AllocationProblem]]:
    """All problems by the names of their files, in alphabetical order."""
    for path in sorted(PROBLEMS.glob("*.json")):
        yield path.stem, problem_from_json(path.read_text(encoding="utf-8"))


def read_known(path: Path = BEST_KNOWN) -> dict[str, Known]:
    """What is known, by the names of files; nothing if there is no such file."""
    if not path.exists():
        return {}
    stored = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: Known(entry["problem"], tuple(entry["values"]), tuple(entry["bounds"]))
        for name, entry in stored.items()
    }


def write_known(known: Mapping[str, Known], path: Path = BEST_KNOWN) -> None:
    """Store what is known, a line for each problem."""
    lines = [f"{json.dumps(name)}: {json.dumps(asdict(known[name]))}" for name in sorted(known)]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def better_known(known: Known | None, result: Result) -> Known:
    """What is known when a checked result comes in, whose objectives are ``OBJECTIVES``."""
    assert [o.name for o in result.objectives] == list(OBJECTIVES)
    values = result.costs.as_tuple()
    bounds = tuple(o.bound for o in result.objectives)
    if known is None or values < known.values:
        return Known(result.problem, values, bounds)
    if values > known.values:
        return known
    return Known(known.problem, values, tuple(map(max, bounds, known.bounds)))
