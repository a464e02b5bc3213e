"""What the exact search begins with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from shoal_solvers.allocation import Allocation, measure
from shoal_solvers.heuristics import (
    critical_path,
    drop_needless_erasures,
    level_erasures,
    longest_path,
    without_erasures,
)
from shoal_solvers.local_search import improved
from shoal_solvers.narrowest import narrowest
from shoal_solvers.objectives import LAYERS, LEXICOGRAPHIC, Objective, within_budgets
from shoal_solvers.problem import AllocationProblem


def _never(_: Allocation) -> bool:
    return False


def best_heuristic(
    problem: AllocationProblem,
    order: Sequence[Objective] = LEXICOGRAPHIC,
    starts: Sequence[Allocation] = (),
    is_best: Callable[[Allocation], bool] = _never,
) -> Allocation | None:
    """The lexicographically best allocation within the budgets of the heuristics and the starts.

    None if none is within the budgets. The narrow and deep one is made only where it may be of
    use: if layers are not what counts most, or the others break a budget.

    Args:
        problem: what is allocated.
        order: the objectives.
        starts: valid allocations within the budgets.
        is_best: whether an allocation is known to be optimal, so that the others are not made.
    """
    early = critical_path(problem)
    if order[0] is LAYERS and within_budgets(problem, early):
        level = _level(problem, early, partial(rank, problem, order))
        if is_best(level):
            return level
    candidates = [*_with_others(problem, early), *starts]
    if order[0] is LAYERS:
        best = best_of(problem, candidates, order, is_best)
        if best is not None:
            return best
    return best_of(problem, [*candidates, narrowest(problem)], order, is_best)


def quick_candidates(problem: AllocationProblem) -> tuple[Allocation, ...]:
    """What the polynomial heuristics give, within the budgets or not."""
    return _with_others(problem, critical_path(problem))


def _with_others(problem: AllocationProblem, early: Allocation) -> tuple[Allocation, ...]:
    return (early, longest_path(problem), without_erasures(problem, early))


def best_of(
    problem: AllocationProblem,
    candidates: Sequence[Allocation],
    order: Sequence[Objective],
    is_best: Callable[[Allocation], bool] = _never,
) -> Allocation | None:
    """The best of the candidates within the budgets, made better by small changes; None if none.

    All but the budgets the candidates keep to.
    """
    by_rank = partial(rank, problem, order)
    fitting = [a for a in candidates if within_budgets(problem, a)]
    if not fitting:
        return None
    best = min(fitting, key=by_rank)
    tighter = drop_needless_erasures(problem, best)
    changed = improved(problem, min(tighter, best, key=by_rank), by_rank, is_best)
    return _level(problem, changed, by_rank)


def _level(
    problem: AllocationProblem,
    allocation: Allocation,
    by_rank: Callable[[Allocation], tuple[int, ...]],
) -> Allocation:
    return min(allocation, level_erasures(problem, allocation), key=by_rank)


def rank(
    problem: AllocationProblem, order: Sequence[Objective], allocation: Allocation
) -> tuple[int, ...]:
    """The values of objectives in their order: less is better."""
    costs = measure(problem, allocation)
    return tuple(objective.measure(costs) for objective in order)
