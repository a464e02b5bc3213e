"""Other alternatives and options, one at a time, as long as that makes an allocation better."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from shoal_solvers.allocation import Allocation
from shoal_solvers.heuristics import as_early_as_possible
from shoal_solvers.objectives import within_budgets
from shoal_solvers.problem import AllocationProblem

MOST_STEPS = 100
"""Operations that are placed in all trials together, if these are more than ``FEWEST_TRIALS``.

More hardly ever lead to what a bound proves, and an exact search finds the rest sooner.
"""

FEWEST_TRIALS = 4
"""Of other alternatives or options, however large the problem is."""


def improved(
    problem: AllocationProblem,
    allocation: Allocation,
    rank: Callable[[Allocation], tuple[int, ...]],
    is_best: Callable[[Allocation], bool] = lambda _: False,
) -> Allocation:
    """An allocation within the budgets that ranks no higher, every operation as early as it can be.

    Args:
        problem: what is allocated.
        allocation: one within the budgets.
        rank: less is better.
        is_best: whether a better one need not be looked for.
    """
    best, least = allocation, rank(allocation)
    chosen = {
        o.name: allocation.placements[o.name].alternative if o.name in allocation.placements else 0
        for o in problem.operations
    }
    outputs = dict(allocation.outputs)
    trials = max(FEWEST_TRIALS, MOST_STEPS // max(1, len(problem.operations)))
    improving = True
    while improving:
        improving = False
        for other, options in _neighbours(problem, best, chosen, outputs):
            if trials <= 0:
                return best
            trials -= 1
            candidate = as_early_as_possible(problem, other, options)
            own = rank(candidate)
            if own < least and within_budgets(problem, candidate):
                best, least, chosen, outputs = candidate, own, other, options
                improving = True
                if is_best(best):
                    return best
    return best


def _neighbours(
    problem: AllocationProblem,
    present: Allocation,
    chosen: Mapping[str, int],
    outputs: Mapping[str, int],
) -> Iterator[tuple[dict[str, int], dict[str, int]]]:
    """One alternative of what is present, or one option, changed."""
    for o in problem.operations:
        if o.name not in present.placements:
            continue
        for a in range(len(o.alternatives)):
            if a != chosen[o.name]:
                yield {**chosen, o.name: a}, dict(outputs)
    for choice in problem.choices:
        for number in range(len(choice.options)):
            if number != outputs[choice.name]:
                yield dict(chosen), {**outputs, choice.name: number}
