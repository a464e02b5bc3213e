"""The fewest layers within budgets and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shoal_solvers.allocation import Allocation
from shoal_solvers.bounds import layers_bound
from shoal_solvers.engines.effort import Clock, Effort
from shoal_solvers.exact.searching import Found, Limits, Searcher
from shoal_solvers.formulation.formulate import formulate
from shoal_solvers.objectives import LAYERS, Objective
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.windows import compute_windows


@dataclass(frozen=True)
class LayersAnswer:
    """What is known about the fewest layers within the budgets.

    Attributes:
        allocation: the best one found, None if there is none.
        bound: no allocation has fewer layers.
        limit: allocations with more layers than this were not looked for.
        exhaustive: whether more layers than ``limit`` cannot help, or are over the budget.
        interrupted: ended by Ctrl-C.
    """

    allocation: Allocation | None
    bound: int
    limit: int
    exhaustive: bool
    interrupted: bool = False


class NothingFoundError(Exception):
    """There is no allocation within the budgets, or none was found in time.

    Attributes:
        answer: what is known about the fewest layers.
        bounds: of objectives with a budget, in any number of layers.
    """

    def __init__(self, answer: LayersAnswer, bounds: Mapping[Objective, int]) -> None:
        super().__init__("no allocation within the budgets")
        self.answer = answer
        self.bounds = bounds


def minimize_layers(
    problem: AllocationProblem,
    known: Allocation | None,
    searcher: Searcher,
    clock: Clock,
    limits: Limits | None = None,
    share: float = LAYERS.share,
) -> LayersAnswer:
    """The fewest layers within the budgets.

    Asks for ever more layers until an allocation fits, then halves the interval in between.
    An allocation in L layers is one in L + 1, too, so what does not fit into L proves that
    L + 1 are needed.

    Args:
        problem: what to allocate.
        known: an allocation within budgets and limits, if there is one.
        searcher: what searches.
        clock: the effort that is left.
        limits: of other objectives.
        share: of the effort that is left, for each number of layers that is tried.
    """
    bound = first = layers_bound(problem)
    limit, exhaustive = most_layers(problem)
    best = known
    step = 1
    while first <= limit and (best is None or best.num_layers > first):
        if best is None:
            target = min(first + step - 1, limit)
        else:
            target = (first + best.num_layers - 1) // 2
        answer = fit(problem, target, searcher, clock.left(share), limits or {})
        clock.spend(answer.work)
        if answer.allocation is not None:
            best = answer.allocation
        else:
            if answer.infeasible:
                bound = target + 1
            first = target + 1
            step *= 2
        if answer.interrupted:
            return LayersAnswer(best, bound, limit, exhaustive, interrupted=True)
    return LayersAnswer(best, bound, limit, exhaustive)


def fit(
    problem: AllocationProblem, num_layers: int, searcher: Searcher, effort: Effort, limits: Limits
) -> Found:
    """Some allocation within the budgets and limits in so many layers."""
    windows = compute_windows(problem, num_layers)
    if not windows.feasible:
        return Found(None, bound=0, infeasible=True)
    formulation = formulate(problem, windows, list(limits))
    return searcher.minimize(formulation, {}, limits, effort)


def most_layers(problem: AllocationProblem) -> tuple[int, bool]:
    """The most layers worth looking at, and whether more could not help.

    A layer that neither runs nor erases anything can be taken out, so there never need to be
    more layers than operations and erasures. Far beyond the critical path models become
    large and more layers hardly ever help, so the search ends there and says so.
    """
    useful = useful_layers(problem)
    bound = layers_bound(problem)
    practical = max(bound + 30, 2 * bound)
    return min(useful, practical), useful <= practical


def useful_layers(problem: AllocationProblem) -> int:
    """No allocation within the budgets needs more layers."""
    useful = len(problem.operations) + sum(v.erase_neurons is not None for v in problem.variables)
    if problem.budgets.max_layers is not None:
        useful = min(useful, problem.budgets.max_layers)
    return useful
