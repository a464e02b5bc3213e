"""What a search may take, and what it gives; known without the engines, which import slowly."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from shoal_solvers.formulation.linear_model import IntArray


@dataclass(frozen=True)
class Effort:
    """How long to search, and on how many threads.

    Attributes:
        wall_clock_limit: wall-clock seconds; None for no such limit.
        time_limit: deterministic seconds as CP-SAT counts them. They count work, so they are the
            same on every machine; one is about a second on a current one.
        workers: threads.
    """

    wall_clock_limit: float | None = None
    time_limit: float = 30.0
    workers: int = 1


@dataclass(frozen=True)
class Answer:
    """What an engine found and proved about a linear model.

    Attributes:
        values: of the columns in the best solution found, if any.
        bound: no solution has a lower objective (0 if there is none).
        infeasible: proven that there is no solution.
        interrupted: ended by Ctrl-C.
        work: deterministic seconds spent.
    """

    values: IntArray | None
    bound: int
    infeasible: bool = False
    interrupted: bool = False
    work: float = 0.0


class Clock:
    """The effort that is left; counts wall-clock time and deterministic work."""

    def __init__(self, effort: Effort) -> None:
        self._effort = effort
        self._start = time.perf_counter()
        self._work = 0.0

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since the start."""
        return time.perf_counter() - self._start

    def spend(self, work: float) -> None:
        """Count deterministic seconds that a search has used."""
        self._work += work

    def left(self, share: float, most: float | None = None) -> Effort:
        """The given share of the effort that is left, at most so many deterministic seconds."""
        limit = self._effort.wall_clock_limit
        deterministic = share * max(0.0, self._effort.time_limit - self._work)
        return replace(
            self._effort,
            wall_clock_limit=None if limit is None else share * max(0.0, limit - self.seconds),
            time_limit=deterministic if most is None else min(most, deterministic),
        )
