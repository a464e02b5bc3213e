"""What the exact search begins with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from shoal_solvers.allocation import Allocation, measure
from shoal_solvers.checker import violations
from shoal_solvers.heuristics import (
    critical_path,
    drop_needless_erasures,
    level_erasures,
    longest_path,
    without_erasures,
)
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
    candidates = [*quick_candidates(problem), *starts]
    if order[0] is LAYERS:
        best = best_of(problem, candidates, order)
        if best is not None:
            return best
    return best_of(problem, [*candidates, narrowest(problem)], order)


def quick_candidates(problem: AllocationProblem) -> tuple[Allocation, ...]:
    """What the polynomial heuristics give, within the budgets or not."""
    early = critical_path(problem)
    return (early, longest_path(problem), without_erasures(problem, early))


def best_of(
    problem: AllocationProblem, candidates: Sequence[Allocation], order: Sequence[Objective]
) -> Allocation | None:
    """The best of the candidates within the budgets, made better by small changes; None if none."""
    by_rank = partial(rank, problem, order)
    ranked = sorted(candidates, key=by_rank)
    best = next((a for a in ranked if not any(violations(problem, a))), None)
    if best is None:
        return None
    tighter = drop_needless_erasures(problem, best)
    changed = improved(problem, min(tighter, best, key=by_rank), by_rank)
    return min(changed, level_erasures(problem, changed), key=by_rank)


def rank(
    problem: AllocationProblem, order: Sequence[Objective], allocation: Allocation
) -> tuple[int, ...]:
    """The values of objectives in their order: less is better."""
    costs = measure(problem, allocation)
    return tuple(objective.measure(costs) for objective in order)
