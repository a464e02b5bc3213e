"""What the exact search begins with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from shoal_solvers.allocation import Allocation, measure
from shoal_solvers.checker import violations
from shoal_solvers.heuristics import critical_path, drop_needless_erasures, longest_path
from shoal_solvers.local_search import improved
from shoal_solvers.narrowest import narrowest
from shoal_solvers.objectives import LAYERS, LEXICOGRAPHIC, Objective
from shoal_solvers.problem import AllocationProblem


def best_heuristic(
    problem: AllocationProblem,
    order: Sequence[Objective] = LEXICOGRAPHIC,
    starts: Sequence[Allocation] = (),
) -> Allocation | None:
    """The lexicographically best allocation within the budgets of the heuristics and the starts.

    None if none is within the budgets. The narrow and deep one is made only where it may be of
    use: if layers are not what counts most, or the others break a budget.
    """
    candidates = [
        critical_path(problem),
        longest_path(problem),
        critical_path(problem.without_erasure()),
        *starts,
    ]
    best = _best(problem, candidates, order)
    if best is None or order[0] is not LAYERS:
        known = [] if best is None else [best]
        best = _best(problem, [*known, narrowest(problem)], order)
    if best is None:
        return None
    tighter = drop_needless_erasures(problem, best)
    best = min(tighter, best, key=lambda a: rank(problem, a, order))
    return improved(problem, best, lambda a: rank(problem, a, order))


def rank(
    problem: AllocationProblem, allocation: Allocation, order: Sequence[Objective]
) -> tuple[int, ...]:
    """The values of objectives in their order: less is better."""
    costs = measure(problem, allocation)
    return tuple(objective.measure(costs) for objective in order)


def _best(
    problem: AllocationProblem, candidates: Sequence[Allocation], order: Sequence[Objective]
) -> Allocation | None:
    by_rank: Callable[[Allocation], tuple[int, ...]] = lambda a: rank(problem, a, order)  # noqa: E731
    valid: Iterator[Allocation] = (
        a for a in sorted(candidates, key=by_rank) if not any(violations(problem, a))
    )
    return next(valid, None)
