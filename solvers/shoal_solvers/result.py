"""What a solver returns: an allocation with what is proven about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shoal_solvers.allocation import Allocation, Costs
from shoal_solvers.cards import result_card
from shoal_solvers.certificate import WidthCertificate
from shoal_solvers.plain_text import result_text


class Status(StrEnum):
    """What is known about the value of one objective."""

    OPTIMAL = "optimal"
    """The value equals the proven bound, with the earlier objectives held at their values."""
    FEASIBLE = "feasible"
    """The solver stopped with a gap between value and bound."""
    HEURISTIC = "heuristic"
    """Nothing was proven beyond the bound that is given."""


@dataclass(frozen=True)
class ObjectiveResult:
    """One objective of the lexicographic list.

    Attributes:
        name: one of ``shoal_solvers.OBJECTIVES``.
        value: what the allocation attains.
        bound: no allocation that is as good in all earlier objectives, as they stand here,
            has less. So where an earlier objective is not proven, an allocation that is
            better there may have less or more of this one.
        status: whether value and bound meet.
        seconds: wall-clock time spent on this objective.
    """

    name: str
    value: int
    bound: int
    status: Status
    seconds: float

    @property
    def proven(self) -> bool:
        """Whether it is proven optimal."""
        return self.status is Status.OPTIMAL

    @property
    def gap(self) -> int:
        """How far the value may lie above the optimum."""
        return self.value - self.bound


@dataclass(frozen=True)
class Result:
    """An allocation that passed the checker, and a line for every objective.

    Attributes:
        solver: one of ``shoal_solvers.KNOWN_SOLVERS``.
        allocation: the best that was found.
        costs: what it costs.
        objectives: what is proven about each objective, in their order.
        seconds: wall-clock time of all together.
        interrupted: whether Ctrl-C ended the search.
        problem: the ``problem_identity`` of what was solved; "" if that is not known.
        certificate: a proof of a bound on the width in whole numbers; None if none was made.
    """

    solver: str
    allocation: Allocation
    costs: Costs
    objectives: tuple[ObjectiveResult, ...]
    seconds: float
    interrupted: bool = False
    problem: str = ""
    certificate: WidthCertificate | None = None

    @property
    def proven(self) -> bool:
        """Whether every objective is proven optimal."""
        return all(o.proven for o in self.objectives)

    def __str__(self) -> str:
        return result_text(self)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return result_card(self)
