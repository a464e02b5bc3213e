"""What callers of ``solve`` may ask for, checked: solvers, limits, objectives, starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from shoal_solvers.allocation import Allocation
from shoal_solvers.checker import check
from shoal_solvers.errors import InvalidAllocationError, InvalidProblemError
from shoal_solvers.heuristics import critical_path, longest_path, repaired
from shoal_solvers.objectives import LAYERS, LEXICOGRAPHIC, Objective, weighted
from shoal_solvers.problem import MOST_SIZE, AllocationProblem, is_whole, shown

HEURISTICS: Mapping[str, Callable[[AllocationProblem], Allocation]] = MappingProxyType(
    {"longest-path": longest_path, "critical-path": critical_path}
)
SOLVERS = (*HEURISTICS, "cp-sat")
"""The allocators, from the quickest to the best."""

KNOWN_SOLVERS = (*SOLVERS, "milp")
"""With HiGHS, which is exact, too, and there to check the other by."""

MOST_SECONDS = 1e9
"""The largest limit on time, some thirty years."""

MOST_WORKERS = 1_000
"""Threads of the exact solver."""

Wish: TypeAlias = str | Mapping[str, int]
"""An objective by name, or a weighted sum of some."""


def require_limits(
    solver: str, time_limit: object, wall_clock_limit: object, workers: object
) -> None:
    """Refuse a solver that there is not, and limits that make no sense.

    Raises:
        InvalidProblemError: says what would do.
    """
    if solver not in KNOWN_SOLVERS:
        raise InvalidProblemError(f"unknown solver {solver!r}; known: {', '.join(KNOWN_SOLVERS)}")
    if wall_clock_limit is not None and not _is_positive(wall_clock_limit):
        raise InvalidProblemError(
            f"wall_clock_limit is {shown(wall_clock_limit)}; give a number of seconds above 0, "
            "or None for no wall-clock limit"
        )
    if time_limit is not None and not _is_positive(time_limit):
        raise InvalidProblemError(
            f"time_limit is {shown(time_limit)}; give a finite number of "
            "deterministic seconds above 0"
        )
    if not is_whole(workers) or not 1 <= workers <= MOST_WORKERS:
        raise InvalidProblemError(
            f"workers is {shown(workers)}; give a number of threads, from 1 to {MOST_WORKERS:,}"
        )


def chosen_objectives(wishes: Sequence[Wish]) -> tuple[Objective, ...]:
    """The objectives that names and weights stand for, in their order.

    Raises:
        InvalidProblemError: there are none, one is unknown or doubled, or weights make no sense.
    """
    known = {objective.name: objective for objective in LEXICOGRAPHIC}
    names = ", ".join(known)
    if isinstance(wishes, str) or not isinstance(wishes, Sequence) or not wishes:
        raise InvalidProblemError(
            f"objectives is {shown(wishes)}; give them as a list in their order, of: {names}"
        )
    chosen = []
    for wish in wishes:
        if isinstance(wish, Mapping):
            chosen.append(_weighted(wish, known))
        elif isinstance(wish, str) and wish in known:
            chosen.append(known[wish])
        else:
            raise InvalidProblemError(
                f"there is no objective {shown(wish)}; known: {names}, and weighted sums of them "
                "as in {'width': 2, 'neurons': 1}"
            )
    doubled = [o.name for k, o in enumerate(chosen) if o in chosen[:k]]
    if doubled:
        raise InvalidProblemError(f"objective {doubled[0]} is there twice; once does")
    return tuple(chosen)


def _weighted(wish: Mapping[str, int], known: Mapping[str, Objective]) -> Objective:
    for name, weight in wish.items():
        if name not in known:
            raise InvalidProblemError(
                f"weights name {shown(name)}, which is no objective; known: {', '.join(known)}"
            )
        if known[name] is LAYERS:
            raise InvalidProblemError(
                "layers cannot be weighed against other objectives, since every number of them is "
                "a problem of its own; minimise them before or after, or ask for a front (pareto)"
            )
        if not is_whole(weight) or not 1 <= weight <= MOST_SIZE:
            raise InvalidProblemError(
                f"the weight of {name} is {shown(weight)}; give a whole number from 1 to "
                f"{MOST_SIZE:,}"
            )
    if not wish:
        raise InvalidProblemError("a weighted sum of no objectives; name at least one")
    return weighted({known[name]: weight for name, weight in wish.items()})


def usable_starts(
    problem: AllocationProblem, starts: Iterable[Allocation]
) -> tuple[Allocation, ...]:
    """Allocations to begin with: as they are, or placed again where they break a rule.

    Placing again keeps which alternatives are used and which options are there, and puts every
    operation into the first half-layer from its own on that it can run in.

    Raises:
        InvalidAllocationError: one breaks a rule that placing again does not mend; the message
            names the rule.
    """
    usable = []
    for number, start in enumerate(starts):
        try:
            check(problem, start)
            usable.append(start)
        except InvalidAllocationError as error:
            mended = repaired(problem, start)
            if mended is None:
                raise InvalidAllocationError(
                    f"start {number} cannot be used or mended: {error}"
                ) from None
            usable.append(mended)
    return tuple(usable)


def _is_positive(number: object) -> bool:
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    return is_number and 0 < number <= MOST_SECONDS  # type: ignore[operator]
