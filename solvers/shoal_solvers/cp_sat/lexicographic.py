"""The exact solver: one objective after the other, each proven by CP-SAT or by a bound."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shoal_solvers.allocation import Allocation, measure
from shoal_solvers.bounds import layers_bound
from shoal_solvers.checker import violations
from shoal_solvers.cp_sat.effort import Answer, Effort
from shoal_solvers.heuristics import critical_path, drop_needless_erasures, longest_path
from shoal_solvers.objectives import LAYERS, LEXICOGRAPHIC, WIDTH, Objective
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.result import ObjectiveResult, Status
from shoal_solvers.windows import Windows, compute_windows

if TYPE_CHECKING:
    from shoal_solvers.cp_sat.model import AllocationModel


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
    """There is no allocation within the budgets, or none was found in time."""

    def __init__(self, answer: LayersAnswer) -> None:
        super().__init__("no allocation within the budgets")
        self.answer = answer


class Clock:
    """The effort that is left; counts wall-clock time and CP-SAT's deterministic work."""

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

    def left(self, share: float) -> Effort:
        """The given share of the effort that is left."""
        limit = self._effort.wall_clock_limit
        return replace(
            self._effort,
            wall_clock_limit=None if limit is None else share * max(0.0, limit - self.seconds),
            time_limit=share * max(0.0, self._effort.time_limit - self._work),
        )


class LexicographicSearch:
    """Minimises one objective after the other; holds what was found and proven so far."""

    def __init__(
        self,
        problem: AllocationProblem,
        effort: Effort,
        progress: Callable[[ObjectiveResult], None] | None = None,
    ) -> None:
        self.problem = problem
        self.best: Allocation | None = None
        self.objectives: list[ObjectiveResult] = []
        self.interrupted = False
        self._clock = Clock(effort)
        self._progress = progress
        self._model: AllocationModel | None = None

    def run(self) -> Allocation:
        """The best allocation found; Ctrl-C ends the search where it is.

        Raises:
            NothingFoundError: no allocation within the budgets, or none found in time.
            KeyboardInterrupt: interrupted before there was any allocation.
        """
        try:
            self.best = best_heuristic(self.problem)
            self._minimize_layers()
            self._minimize_rest()
        except KeyboardInterrupt:
            if self.best is None:
                raise
            self.interrupted = True
            self._close_what_is_left()
        assert self.best is not None
        return self.best

    def _minimize_layers(self) -> None:
        start = self._clock.seconds
        answer = minimize_layers(self.problem, self.best, self._clock, LAYERS.share)
        if answer.allocation is None:
            raise KeyboardInterrupt if answer.interrupted else NothingFoundError(answer)
        self.best = drop_needless_erasures(self.problem, answer.allocation)
        self._close(LAYERS, answer.bound, start)
        if answer.interrupted:
            raise KeyboardInterrupt

    def _minimize_rest(self) -> None:
        assert self.best is not None
        windows = compute_windows(self.problem, self.best.num_layers)
        for objective in LEXICOGRAPHIC[1:]:
            start = self._clock.seconds
            bound = objective.bound(self.problem, windows, self._columns(objective))
            if objective.measure(measure(self.problem, self.best)) > bound:
                answer = self._minimize(objective, bound, windows)
                bound = max(bound, answer.bound)
                self._keep_better(answer.allocation)
                if answer.interrupted:
                    raise KeyboardInterrupt
            self._close(objective, bound, start)

    def _minimize(self, objective: Objective, bound: int, windows: Windows) -> Answer:
        """One search: earlier objectives stay as good as they are, this one shrinks."""
        from shoal_solvers.cp_sat.model import AllocationModel  # CP-SAT, only where it is needed
        from shoal_solvers.cp_sat.search import run

        assert self.best is not None
        if self._model is None:
            self._model = AllocationModel(self.problem, windows)
        costs = measure(self.problem, self.best)
        for earlier in LEXICOGRAPHIC[1 : LEXICOGRAPHIC.index(objective)]:
            self._model.limit(earlier, earlier.measure(costs))
        self._model.limit(objective, objective.measure(costs), at_least=bound)
        self._model.hint(self.best)
        self._model.minimize(objective)
        answer = run(self._model, self._clock.left(objective.share))
        self._clock.spend(answer.work)
        return answer

    def _keep_better(self, found: Allocation | None) -> None:
        assert self.best is not None
        if found is not None:
            candidate = drop_needless_erasures(self.problem, found)
            self.best = min(self.best, candidate, key=lambda a: measure(self.problem, a).as_tuple())

    def _close(self, objective: Objective, bound: int, start: float) -> None:
        """Record what is known about an objective, and let the caller see it."""
        assert self.best is not None
        value = objective.measure(measure(self.problem, self.best))
        status = Status.OPTIMAL if value <= bound else Status.FEASIBLE
        seconds = self._clock.seconds - start
        self.objectives.append(
            ObjectiveResult(objective.name, value, min(bound, value), status, seconds)
        )
        if self._progress is not None:
            self._progress(self.objectives[-1])

    def _close_what_is_left(self) -> None:
        """After an interruption: the structural bounds of the objectives not yet recorded."""
        assert self.best is not None
        self._progress = None
        windows = compute_windows(self.problem, self.best.num_layers)
        for objective in LEXICOGRAPHIC[len(self.objectives) :]:
            bound = objective.bound(self.problem, windows, self._columns(objective))
            self._close(objective, bound, self._clock.seconds)

    def _columns(self, objective: Objective) -> int | None:
        """The columns that there are once the width is settled."""
        if LEXICOGRAPHIC.index(objective) <= LEXICOGRAPHIC.index(WIDTH):
            return None
        assert self.best is not None
        return measure(self.problem, self.best).width


def best_heuristic(problem: AllocationProblem) -> Allocation | None:
    """The lexicographically best heuristic allocation within the budgets, if there is one."""
    candidates = [
        critical_path(problem),
        longest_path(problem),
        critical_path(problem.without_erasure()),
    ]
    valid = [a for a in candidates if not any(violations(problem, a))]
    return min(valid, key=lambda a: measure(problem, a).as_tuple(), default=None)


def minimize_layers(
    problem: AllocationProblem, known: Allocation | None, clock: Clock, share: float
) -> LayersAnswer:
    """The fewest layers within the budgets.

    Asks for ever more layers until an allocation fits, then halves the interval in between.
    An allocation in L layers is one in L + 1, too, so what does not fit into L proves that
    L + 1 are needed.
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
        answer = fit(problem, target, clock, share)
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


def fit(problem: AllocationProblem, num_layers: int, clock: Clock, share: float) -> Answer:
    """Some allocation within the budgets in so many layers."""
    from shoal_solvers.cp_sat.model import AllocationModel
    from shoal_solvers.cp_sat.search import run

    windows = compute_windows(problem, num_layers)
    if not windows.feasible:
        return Answer(None, bound=0, infeasible=True)
    answer = run(AllocationModel(problem, windows), clock.left(share))
    clock.spend(answer.work)
    return answer


def most_layers(problem: AllocationProblem) -> tuple[int, bool]:
    """The most layers worth looking at, and whether more could not help.

    A layer that neither runs nor erases anything can be taken out, so there never need to be
    more layers than operations and erasures. Far beyond the critical path models become
    large and more layers hardly ever help, so the search ends there and says so.
    """
    useful = len(problem.operations) + sum(v.erase_neurons is not None for v in problem.variables)
    if problem.budgets.max_layers is not None:
        useful = min(useful, problem.budgets.max_layers)
    bound = layers_bound(problem)
    practical = max(bound + 30, 2 * bound)
    return min(useful, practical), useful <= practical
