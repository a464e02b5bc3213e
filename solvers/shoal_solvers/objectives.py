"""The objectives: what each is called, measured by, limited by, and bounded by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shoal_solvers import bounds
from shoal_solvers.allocation import Allocation, Costs, measure
from shoal_solvers.problem import AllocationProblem, Budgets
from shoal_solvers.timeline import Kind
from shoal_solvers.windows import Windows


@dataclass(frozen=True)
class Objective:
    """Something to be as small as it can be.

    Attributes:
        name: a word for it.
        noun: what it counts, for messages.
        measure: its value in what an allocation costs.
        bound: no allocation in the windows' number of layers, and with so many columns if a number
            is given, has less.
        budget: the field of ``Budgets`` that limits it; None if none does.
        limit: its limit in budgets; None if there is none.
        share: how much of the effort that is left the search for it may use.
        most: no allocation has more.
        weights: what it is a weighted sum of; nothing for one of ``LEXICOGRAPHIC``.
    """

    name: str
    noun: str
    measure: Callable[[Costs], int]
    bound: Callable[[AllocationProblem, Windows, int | None], int]
    budget: str | None
    limit: Callable[[Budgets], int | None]
    share: float
    most: Callable[[AllocationProblem], int]
    weights: tuple[tuple[Objective, int], ...] = ()

    @property
    def parts(self) -> tuple[Objective, ...]:
        """What it is a sum of."""
        return tuple(part for part, _ in self.weights) or (self,)


def _sizes(problem: AllocationProblem, kind: Kind) -> int:
    return sum(max(a.size for a in o.alternatives) for o in problem.operations if o.kind is kind)


def _most_neurons(problem: AllocationProblem) -> int:
    return _sizes(problem, Kind.MLP) + sum(v.erase_neurons or 0 for v in problem.variables)


LAYERS = Objective(
    name="layers",
    noun="layers",
    measure=lambda costs: costs.layers,
    bound=lambda problem, windows, width: bounds.layers_bound(problem),
    budget="max_layers",
    limit=lambda budgets: budgets.max_layers,
    share=0.5,
    most=lambda problem: len(problem.operations) + len(problem.variables),
)
WIDTH = Objective(
    name="width",
    noun="residual columns",
    measure=lambda costs: costs.width,
    bound=bounds.width_bound,
    budget="max_width",
    limit=lambda budgets: budgets.max_width,
    share=0.7,
    most=lambda problem: sum(v.width for v in problem.variables),
)
NEURONS = Objective(
    name="neurons",
    noun="neurons in one MLP",
    measure=lambda costs: costs.neurons,
    bound=bounds.neurons_bound,
    budget="max_neurons",
    limit=lambda budgets: budgets.max_neurons,
    share=0.3,
    most=_most_neurons,
)
HEADS = Objective(
    name="heads",
    noun="heads in one attention half-layer",
    measure=lambda costs: costs.heads,
    bound=bounds.heads_bound,
    budget="max_heads",
    limit=lambda budgets: budgets.max_heads,
    share=0.3,
    most=lambda problem: _sizes(problem, Kind.ATTENTION),
)
TOTAL = Objective(
    name="total",
    noun="heads and neurons together",
    measure=lambda costs: costs.total,
    bound=bounds.total_bound,
    budget=None,
    limit=lambda budgets: None,
    share=0.5,
    most=lambda problem: _sizes(problem, Kind.ATTENTION) + _most_neurons(problem),
)

LEXICOGRAPHIC = (LAYERS, WIDTH, NEURONS, HEADS, TOTAL)
"""All objectives, in the order in which they are minimised."""

OBJECTIVES = tuple(objective.name for objective in LEXICOGRAPHIC)
"""Their names."""


def within_budgets(problem: AllocationProblem, allocation: Allocation) -> bool:
    """Whether an allocation that is valid otherwise keeps to the budgets."""
    if not problem.budgets.limits():
        return True
    costs = measure(problem, allocation)
    limits = ((o.measure(costs), o.limit(problem.budgets)) for o in LEXICOGRAPHIC)
    return all(limit is None or value <= limit for value, limit in limits)


def weighted(weights: Mapping[Objective, int]) -> Objective:
    """A weighted sum of objectives, as an objective.

    Args:
        weights: at least 1 each; of anything but layers.
    """
    items = tuple(weights.items())
    return Objective(
        name=" + ".join(f"{w} {o.name}" if w != 1 else o.name for o, w in items),
        noun="weighted together",
        measure=lambda costs: sum(w * o.measure(costs) for o, w in items),
        bound=lambda problem, windows, width: sum(
            w * o.bound(problem, windows, width) for o, w in items
        ),
        budget=None,
        limit=lambda budgets: None,
        share=max(o.share for o, _ in items),
        most=lambda problem: sum(w * o.most(problem) for o, w in items),
        weights=items,
    )
