"""What a search may take, and what it gives; known without CP-SAT, which takes long to import."""

from __future__ import annotations

from dataclasses import dataclass

from shoal_solvers.allocation import Allocation


@dataclass(frozen=True)
class Effort:
    """How long to search, and on how many threads.

    Attributes:
        wall_clock_limit: wall-clock seconds; None for no such limit.
        time_limit: CP-SAT's deterministic seconds. They count work, so they are the
            same on every machine; one is about a second on a current one.
        workers: threads.
    """

    wall_clock_limit: float | None = None
    time_limit: float = 30.0
    workers: int = 1


@dataclass(frozen=True)
class Answer:
    """What CP-SAT found and proved.

    Attributes:
        allocation: the best allocation found, if any.
        bound: no allocation has a lower objective (0 if there is none).
        infeasible: proven that no allocation exists.
        interrupted: ended by Ctrl-C.
        work: deterministic seconds spent.
    """

    allocation: Allocation | None
    bound: int
    infeasible: bool = False
    interrupted: bool = False
    work: float = 0.0
