"""The objectives: what each is called, measured by, limited by, and bounded by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shoal_solvers import bounds
from shoal_solvers.allocation import Costs
from shoal_solvers.problem import AllocationProblem, Budgets
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
    """

    name: str
    noun: str
    measure: Callable[[Costs], int]
    bound: Callable[[AllocationProblem, Windows, int | None], int]
    budget: str | None
    limit: Callable[[Budgets], int | None]
    share: float


LAYERS = Objective(
    name="layers",
    noun="layers",
    measure=lambda costs: costs.layers,
    bound=lambda problem, windows, width: bounds.layers_bound(problem),
    budget="max_layers",
    limit=lambda budgets: budgets.max_layers,
    share=0.5,
)
WIDTH = Objective(
    name="width",
    noun="residual columns",
    measure=lambda costs: costs.width,
    bound=bounds.width_bound,
    budget="max_width",
    limit=lambda budgets: budgets.max_width,
    share=0.7,
)
NEURONS = Objective(
    name="neurons",
    noun="neurons in one MLP",
    measure=lambda costs: costs.neurons,
    bound=bounds.neurons_bound,
    budget="max_neurons",
    limit=lambda budgets: budgets.max_neurons,
    share=0.3,
)
HEADS = Objective(
    name="heads",
    noun="heads in one attention half-layer",
    measure=lambda costs: costs.heads,
    bound=bounds.heads_bound,
    budget="max_heads",
    limit=lambda budgets: budgets.max_heads,
    share=0.3,
)
TOTAL = Objective(
    name="total",
    noun="heads and neurons together",
    measure=lambda costs: costs.total,
    bound=bounds.total_bound,
    budget=None,
    limit=lambda budgets: None,
    share=0.5,
)

LEXICOGRAPHIC = (LAYERS, WIDTH, NEURONS, HEADS, TOTAL)
"""All objectives, in the order in which they are minimised."""

OBJECTIVES = tuple(objective.name for objective in LEXICOGRAPHIC)
"""Their names."""
