"""The fewest columns of large problems, in steps of growing effort."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shoal_solvers.allocation import Allocation, measure
from shoal_solvers.certificate import WidthCertificate
from shoal_solvers.duality import certify_width
from shoal_solvers.engines.effort import Clock
from shoal_solvers.exact.searching import Found, Searcher
from shoal_solvers.formulation.formulate import Formulation, formulate
from shoal_solvers.heuristics import drop_needless_erasures
from shoal_solvers.objectives import WIDTH
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.windows import Windows

if TYPE_CHECKING:
    from shoal_solvers.engines.highs import Relaxed

RELAXATION = 0.3
"""Share of the effort that is left for solving the linear relaxation."""

FEW_STATES = 0.1
"""Share for the model that counts columns in few states."""

WHOLE = 0.5
"""Share for the search in the whole model."""

NEIGHBOURHOOD = 0.4
"""Share for each search around the relaxation's optimum."""

MOST_NEIGHBOURHOODS = 6
"""Such searches."""

_TOLERANCE = 1e-6
"""From here on a dual, a reduced cost or a distance from a whole number counts."""


@dataclass(frozen=True)
class WidthAnswer:
    """What is known about the fewest columns.

    Attributes:
        allocation: the best one found.
        bound: no allocation in as many layers has fewer columns.
        certificate: a proof of a bound in whole numbers; None if the relaxation was not solved.
        interrupted: ended by Ctrl-C.
    """

    allocation: Allocation
    bound: int
    certificate: WidthCertificate | None = None
    interrupted: bool = False


class WidthSearch:
    """Closes the gap between the best allocation and the bound from both sides.

    The relaxation gives a bound that can be certified, and the states that make it. Counting
    columns in those states alone is a small model whose optimum is often the whole one's. Then the
    whole model is searched, and at last what the relaxation leaves open.

    Args:
        problem: without limits on neurons, so that erasing is free.
        windows: of the problem in as many layers as ``best``.
        best: an allocation.
        bound: what is proven already.
        searcher: what searches.
        clock: the effort that is left.
    """

    def __init__(
        self,
        problem: AllocationProblem,
        windows: Windows,
        best: Allocation,
        bound: int,
        searcher: Searcher,
        clock: Clock,
    ) -> None:
        self.problem = problem
        self.windows = windows
        self.best = best
        self.bound = bound
        self.certificate: WidthCertificate | None = None
        self._searcher = searcher
        self._clock = clock

    @property
    def width(self) -> int:
        """Of the best allocation."""
        return measure(self.problem, self.best).width

    def run(self) -> WidthAnswer:
        """Search until the gap is closed or the effort is used up; Ctrl-C ends it, too."""
        interrupted = False
        try:
            for _ in self._steps():
                if self.width <= self.bound:
                    break
        except KeyboardInterrupt:
            interrupted = True
        return WidthAnswer(self.best, self.bound, self.certificate, interrupted)

    def _steps(self) -> Iterator[None]:
        formulation = formulate(self.problem, self.windows, [WIDTH], erase_at_once=True)
        relaxed = self._relax(formulation)
        yield
        if relaxed is not None:
            self._count_few_states(formulation, relaxed)
            yield
        self._search(formulation, WHOLE)
        yield
        if relaxed is not None:
            yield from self._look_around(formulation, relaxed)
            self._search_below(formulation)

    def _relax(self, formulation: Formulation) -> Relaxed | None:
        from shoal_solvers.engines import highs  # engines take long to import

        model = formulation.model.minimizing({formulation.objectives[WIDTH]: 1})
        relaxed = highs.relax(model, self._clock.left(RELAXATION))
        if relaxed is not None:
            self._clock.spend(relaxed.work)
            self.certificate = certify_width(formulation, relaxed.duals)
            self.bound = max(self.bound, self.certificate.bound)
        return relaxed

    def _count_few_states(self, formulation: Formulation, relaxed: Relaxed) -> None:
        """The optimum when columns count only where the relaxation's duals say, and next to it."""
        last = self.windows.num_layers
        tight = {s for s, row in formulation.states.items() if relaxed.duals[row] < -_TOLERANCE}
        near = {s + d for s in tight for d in (-1, 0, 1)} & set(range(last))
        if not near or 2 * len(near) > last:
            return  # nearly the whole model
        few = formulate(
            self.problem, self.windows, [WIDTH], erase_at_once=True, states=sorted(near)
        )
        limits = {WIDTH: (self.bound, self.width)}
        found = self._searcher.minimize(few, {WIDTH: 1}, limits, self._clock.left(FEW_STATES))
        self._settle(found)

    def _search(self, formulation: Formulation, share: float) -> None:
        """The whole model.

        It is not told the bound: CP-SAT's own relaxation then moves beyond, by cuts that it finds.
        """
        limits = {WIDTH: (0, self.width)}
        effort = self._clock.left(share)
        found = self._searcher.minimize(formulation, {WIDTH: 1}, limits, effort, self.best)
        self._settle(found)

    def _search_below(self, formulation: Formulation) -> None:
        """The whole model with all effort that is left, for something narrower than the best."""
        limits = {WIDTH: (self.bound, max(self.bound, self.width - 1))}
        effort = self._clock.left(1.0)
        self._settle(self._searcher.minimize(formulation, {WIDTH: 1}, limits, effort))

    def _settle(self, found: Found) -> None:
        """Take over what a search found that left out nothing narrower than the best."""
        self._clock.spend(found.work)
        bound = self.width if found.infeasible else min(found.bound, self.width)
        self.bound = max(self.bound, bound)
        self._keep_better(found)

    def _keep_better(self, found: Found) -> None:
        if found.allocation is not None:
            candidate = drop_needless_erasures(self.problem, found.allocation)
            if measure(self.problem, candidate).width < self.width:
                self.best = candidate
        if found.interrupted:
            raise KeyboardInterrupt

    def _look_around(self, formulation: Formulation, relaxed: Relaxed) -> Iterator[None]:
        """Searches in which some of the relaxation's whole values stay as they are.

        At first those that would cost something to change, then in turns those in which the best
        allocation agrees.
        """
        whole = np.abs(relaxed.values - np.rint(relaxed.values)) < _TOLERANCE
        dear = whole & (np.abs(relaxed.reduced_costs) > _TOLERANCE)
        for turn in range(MOST_NEIGHBOURHOODS):
            before = self.width
            own = formulation.values(self.best)
            agreeing = whole & (np.rint(relaxed.values) == own)
            kept = dear if turn % 2 == 0 else agreeing
            columns = self._kept(formulation, kept, relaxed)
            limits = {WIDTH: (self.bound, max(self.bound, before - 1))}
            found = self._searcher.minimize(
                formulation,
                {WIDTH: 1},
                limits,
                self._clock.left(NEIGHBOURHOOD),
                self.best,
                columns,
            )
            self._clock.spend(found.work)
            self._keep_better(found)
            yield
            if turn % 2 and self.width == before:
                return

    def _kept(
        self, formulation: Formulation, kept: npt.NDArray[np.bool_], relaxed: Relaxed
    ) -> Mapping[int, tuple[int, int]]:
        """Columns at the relaxation's values, but for the width itself."""
        values = np.rint(relaxed.values).astype(int)
        return {
            column: (int(values[column]),) * 2
            for column in np.flatnonzero(kept).tolist()
            if column != formulation.objectives[WIDTH]
        }
