"""Refuses to draw an allocation that is not one of its problem: the picture would be wrong."""

from __future__ import annotations

from shoal.errors import InvalidInputError
from shoal.rasp.values import show_value
from shoal_solvers import Allocation, AllocationProblem, InvalidAllocationError, violations

MOST_RULES = 5
"""Broken rules that a message names: an allocation of another problem breaks nearly all."""


def require_solution(problem: AllocationProblem, allocation: Allocation) -> None:
    """Whether there is something to draw.

    Raises:
        InvalidInputError: one of the two is something else.
        InvalidAllocationError: the allocation breaks a rule of the problem.
    """
    if not isinstance(problem, AllocationProblem):
        raise InvalidInputError(
            f"a picture of an allocation needs an AllocationProblem first, not "
            f"{show_value(problem)}; that of a compiled model is model.problem"
        )
    if not isinstance(allocation, Allocation):
        raise InvalidInputError(
            "a picture of an allocation needs an Allocation or a Result, not "
            f"{show_value(allocation)}; solve(problem) returns one, and that of a compiled model "
            "is model.allocated"
        )
    broken = list(violations(problem, allocation))
    if broken:
        named = "".join(f"\n  - {rule}" for rule in broken[:MOST_RULES])
        further = len(broken) - MOST_RULES
        more = f"\n  - and {further:,} more" if further > 0 else ""
        raise InvalidAllocationError(
            f"the allocation cannot be drawn, since it is none of {show_value(problem.name)}: "
            f"{len(broken):,} of its rules are broken{named}{more}\n"
            "give the problem that it was made for, with the budgets that it was solved under"
        )
