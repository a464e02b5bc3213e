"""The exact solver: one objective after the other, each proven by an engine or by a bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from shoal_solvers.allocation import Allocation, Costs, measure
from shoal_solvers.bounds import layers_bound
from shoal_solvers.certificate import WidthCertificate
from shoal_solvers.engines.effort import Clock, Effort
from shoal_solvers.exact.fewest_layers import (
    LayersAnswer,
    NothingFoundError,
    minimize_layers,
    most_layers,
    useful_layers,
)
from shoal_solvers.exact.searching import Engine, Found, Limits, Searcher
from shoal_solvers.exact.snapshots import bounds_in_any_depth
from shoal_solvers.exact.starting import best_heuristic, rank
from shoal_solvers.exact.width import WidthSearch
from shoal_solvers.formulation.formulate import Formulation, formulate
from shoal_solvers.heuristics import (
    drop_needless_erasures,
    without_empty_layers,
)
from shoal_solvers.objectives import LAYERS, NEURONS, TOTAL, WIDTH, Objective
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.result import ObjectiveResult, Status
from shoal_solvers.windows import Windows, columns_needed, compute_windows

SMALL_MODEL = 600
"""Columns up to which all objectives that are left are minimised together."""

MOST_WEIGHT = 2**40
"""Of an objective, when several are minimised together."""


class LexicographicSearch:
    """Minimises one objective after the other; holds what was found and proven so far.

    Args:
        problem: what to allocate.
        effort: how long.
        order: the objectives.
        engine: what searches.
        starts: allocations within the budgets to begin with.
        progress: called after each objective.
    """

    def __init__(
        self,
        problem: AllocationProblem,
        effort: Effort,
        order: Sequence[Objective],
        engine: Engine,
        starts: Sequence[Allocation] = (),
        progress: Callable[[ObjectiveResult], None] | None = None,
    ) -> None:
        self.problem = problem
        self.order = tuple(order)
        self.best: Allocation | None = None
        self.objectives: list[ObjectiveResult] = []
        self.certificate: WidthCertificate | None = None
        self.interrupted = False
        self._clock = Clock(effort)
        self._searcher = Searcher(engine)
        self._starts = tuple(starts)
        self._progress = progress
        self._formulations: dict[tuple[int, int | None, frozenset[Objective]], Formulation] = {}
        self._proven: dict[Objective, int] = {}
        self._costs: tuple[Allocation, Costs] | None = None
        self._bounds: dict[tuple[Objective, int, int | None], int] = {}
        self._windows_in: dict[tuple[int, int | None], Windows] = {}

    def run(self) -> Allocation:
        """The best allocation found; Ctrl-C ends the search where it is.

        Raises:
            NothingFoundError: no allocation within the budgets, or none found in time.
            KeyboardInterrupt: interrupted before there was any allocation.
        """
        try:
            self.best = best_heuristic(self.problem, self.order, self._starts, self._is_best)
            if self.best is None:
                self._find_any()
            for objective in self.order:
                self._minimize(objective)
        except KeyboardInterrupt:
            if self.best is None:
                raise
            self.interrupted = True
            self._close_what_is_left()
        assert self.best is not None
        if LAYERS not in self.order:
            self.best = without_empty_layers(self.problem, self.best)
        return self.best

    # One objective.

    def _find_any(self) -> None:
        bounds = bounds_in_any_depth(self.problem, self._searcher, self._clock)
        budgets = self.problem.budgets
        limits = {o: o.limit(budgets) for o in bounds}
        if any(limit is not None and bounds[o] > limit for o, limit in limits.items()):
            most = most_layers(self.problem)[0]
            raise NothingFoundError(LayersAnswer(None, most + 1, most, exhaustive=True), bounds)
        answer = minimize_layers(self.problem, None, self._searcher, self._clock)
        if answer.allocation is None:
            raise KeyboardInterrupt if answer.interrupted else NothingFoundError(answer, bounds)
        self.best = drop_needless_erasures(self.problem, answer.allocation)
        if self.order[0] is LAYERS:
            self._proven[LAYERS] = answer.bound
        if answer.interrupted:
            raise KeyboardInterrupt

    def _minimize(self, objective: Objective) -> None:
        start = self._clock.seconds
        bound = self._structural_bound(objective)
        if self._value(objective) > bound and objective in self._proven:
            bound = max(bound, self._proven[objective])
        elif self._value(objective) > bound:
            if objective is LAYERS:
                bound = self._minimize_layers()
            else:
                bound = max(bound, self._minimize_other(objective, bound))
        self._close(objective, bound, start)

    def _minimize_layers(self) -> int:
        limits = self._limits(LAYERS)
        answer = minimize_layers(self.problem, self.best, self._searcher, self._clock, limits)
        self._keep_better(answer.allocation)
        if answer.interrupted:
            raise KeyboardInterrupt
        return answer.bound

    def _minimize_other(self, objective: Objective, bound: int) -> int:
        windows = self._windows(objective)
        if self._minimize_together(objective, windows):
            return self._proven[objective]
        if objective is WIDTH and self._is_erasing_free() and self._is_settled(LAYERS, WIDTH):
            assert self.best is not None
            search = WidthSearch(
                self.problem, windows, self.best, bound, self._searcher, self._clock
            )
            wide = search.run()
            self._keep_better(wide.allocation)
            self.certificate = wide.certificate
            if wide.interrupted:
                raise KeyboardInterrupt
            return wide.bound
        formulation = self._formulation(windows, objective)
        limits = {**self._limits(objective), objective: (bound, self._value(objective))}
        answer = self._search(formulation, {objective: 1}, limits, objective.share)
        return answer.bound if self._holds_for_all(objective) else 0

    def _minimize_together(self, first: Objective, windows: Windows) -> bool:
        """All objectives that are left in one search, if that is small; whether it closed them.

        A weight exceeds all that the objectives after it can make up for, so the least weighted sum
        is the lexicographic optimum.
        """
        left = self.order[self.order.index(first) :]
        if LAYERS in left or len(left) < 2 or any(o in self._proven for o in left):
            return False
        weights = self._weights(left)
        if weights is None:
            return False
        formulation = self._formulation(windows, *left)
        if formulation.model.num_columns > SMALL_MODEL:
            return False
        limits = dict(self._limits(first))
        limits[first] = (self._structural_bound(first), self._value(first))
        answer = self._search(formulation, weights, limits, first.share)
        if answer.value is None or answer.bound < answer.value:
            return False
        for objective in left:
            self._proven[objective] = self._value(objective)
        return True

    def _weights(self, left: Sequence[Objective]) -> dict[Objective, int] | None:
        """For each objective one more than all of those after it can come to."""
        weights: dict[Objective, int] = {}
        weight = 1
        for objective in reversed(left):
            weights[objective] = weight
            weight *= objective.most(self.problem) + 1
            if weight > MOST_WEIGHT:
                return None
        return weights

    # Searches.

    def _search(
        self,
        formulation: Formulation,
        weights: Mapping[Objective, int],
        limits: Limits,
        share: float,
    ) -> Found:
        answer = self._searcher.minimize(
            formulation, weights, limits, self._clock.left(share), self._start(formulation)
        )
        self._clock.spend(answer.work)
        self._keep_better(answer.allocation)
        if answer.interrupted:
            raise KeyboardInterrupt
        return answer

    def _start(self, formulation: Formulation) -> Allocation | None:
        """The best allocation, which has at most as many layers as a formulation."""
        assert self.best is not None
        fits = self.best.num_layers <= formulation.booleans.windows.num_layers
        return self.best if fits else None

    def _formulation(self, windows: Windows, *objectives: Objective) -> Formulation:
        """Rows that count some objectives and those before them, made once."""
        earlier = self._limits(objectives[0])
        wanted = frozenset({*objectives, *earlier})
        key = (windows.num_layers, windows.width, wanted)
        for (*within, counted), formulation in self._formulations.items():
            if within == [windows.num_layers, windows.width] and wanted <= counted:
                return formulation
        self._formulations[key] = formulate(self.problem, windows, list(wanted))
        return self._formulations[key]

    def _keep_better(self, found: Allocation | None) -> None:
        assert self.best is not None
        if found is not None:
            candidate = drop_needless_erasures(self.problem, found)
            self.best = min(self.best, candidate, key=self._rank)

    # What is known.

    def _rank(self, allocation: Allocation) -> tuple[int, ...]:
        return rank(self.problem, self.order, allocation)

    def _value(self, objective: Objective) -> int:
        assert self.best is not None
        if self._costs is None or self._costs[0] is not self.best:
            self._costs = self.best, measure(self.problem, self.best)
        return objective.measure(self._costs[1])

    def _earlier(self, objective: Objective) -> tuple[Objective, ...]:
        return self.order[: self.order.index(objective)]

    def _limits(self, objective: Objective) -> dict[Objective, tuple[int, int]]:
        """Earlier objectives stay as good as they are."""
        return {
            earlier: (0, self._value(earlier))
            for earlier in self._earlier(objective)
            if earlier is not LAYERS
        }

    def _is_settled(self, objective: Objective, before: Objective) -> bool:
        return objective in self._earlier(before)

    def _is_erasing_free(self) -> bool:
        """Whether nothing limits neurons, when the width is minimised."""
        earlier = self._earlier(WIDTH)
        is_limited = self.problem.budgets.max_neurons is not None
        return not is_limited and all(set(o.parts).isdisjoint((NEURONS, TOTAL)) for o in earlier)

    def _windows(self, objective: Objective) -> Windows:
        """In the layers that there are, or in as many as can be looked at."""
        assert self.best is not None
        num_layers = self.best.num_layers
        if not self._is_settled(LAYERS, objective):
            num_layers = max(most_layers(self.problem)[0], num_layers)
        return self._windows_of(num_layers, self._settled_width(objective))

    def _windows_of(self, num_layers: int, width: int | None) -> Windows:
        if width is not None and width >= self._most_columns:
            width = None
        key = (num_layers, width)
        if key not in self._windows_in:
            self._windows_in[key] = compute_windows(self.problem, num_layers, width)
        return self._windows_in[key]

    @cached_property
    def _most_columns(self) -> int:
        """No alternative needs more columns by itself."""
        problem = self.problem
        pairs = ((o, a) for o in problem.operations for a in range(len(o.alternatives)))
        return max((columns_needed(problem, o, a) for o, a in pairs), default=0)

    def _settled_width(self, objective: Objective) -> int | None:
        return self._value(WIDTH) if self._is_settled(WIDTH, objective) else None

    def _holds_for_all(self, objective: Objective) -> bool:
        """Whether what is proven in the windows' layers holds in any number that is allowed."""
        return self._is_settled(LAYERS, objective) or most_layers(self.problem)[1]

    def _is_best(self, allocation: Allocation) -> bool:
        """Whether an allocation attains the structural bound of every objective."""
        self.best = allocation
        return all(self._value(o) <= self._structural_bound(o) for o in self.order)

    def _structural_bound(self, objective: Objective) -> int:
        if objective is LAYERS:
            return self._fewest_layers
        width = self._settled_width(objective)
        if self._is_settled(LAYERS, objective):
            windows = self._windows(objective)
        else:
            windows = self._windows_of(useful_layers(self.problem), width)
        key = (objective, windows.num_layers, width)
        if key not in self._bounds:
            self._bounds[key] = objective.bound(self.problem, windows, width)
        return self._bounds[key]

    @cached_property
    def _fewest_layers(self) -> int:
        return layers_bound(self.problem)

    def _close(self, objective: Objective, bound: int, start: float) -> None:
        """Record what is known about an objective, and let the caller see it."""
        value = self._value(objective)
        status = Status.OPTIMAL if value <= bound else Status.FEASIBLE
        seconds = self._clock.seconds - start
        self.objectives.append(
            ObjectiveResult(objective.name, value, min(bound, value), status, seconds)
        )
        if self._progress is not None:
            self._progress(self.objectives[-1])

    def _close_what_is_left(self) -> None:
        """After an interruption: the structural bounds of the objectives not yet recorded."""
        self._progress = None
        for objective in self.order[len(self.objectives) :]:
            self._close(objective, self._structural_bound(objective), self._clock.seconds)
