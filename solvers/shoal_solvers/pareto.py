"""The front of layers, width and parameters: what one can be had for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from shoal_solvers.allocation import Allocation, Costs
from shoal_solvers.bounds import layers_bound
from shoal_solvers.errors import InfeasibleError, InvalidProblemError
from shoal_solvers.problem import MOST_SIZE, AllocationProblem, is_whole, shown
from shoal_solvers.solve import solve


@dataclass(frozen=True)
class FrontPoint:
    """An allocation such that nothing looked at is better in one respect and no worse in others.

    Attributes:
        layers: of the allocation.
        width: residual columns.
        parameters: entries of the weight matrices, every layer padded to the fullest one.
        allocation: it.
        costs: all of its costs.
        proven: whether its fullest half-layers are proven the smallest for as many layers and
            columns, and its width for them.
    """

    layers: int
    width: int
    parameters: int
    allocation: Allocation
    costs: Costs
    proven: bool


def pareto(
    problem: AllocationProblem,
    *,
    per_neuron: int = 2,
    per_head: int = 8,
    more_layers: int = 2,
    progress: Callable[[FrontPoint], None] | None = None,
    **options: Any,  # those of solve
) -> tuple[FrontPoint, ...]:
    """All that is worth choosing from, from few layers to many and from wide to narrow.

    The parameters are layers x width x (``per_neuron`` x neurons of the fullest MLP + ``per_head``
    x heads of the fullest attention): the matrices of layers of one shape. For each number of
    layers the fullest half-layers are made as small as they can be, then the width for them; then
    again with fewer columns, until there is no allocation with fewer.

    Args:
        problem: its budgets hold.
        per_neuron: entries of a neuron for each column: one in, one out.
        per_head: entries of a head for each column: four times its key size.
        more_layers: how many layers beyond the fewest are looked at.
        progress: called with each allocation that is found, dominated or not.
        options: of ``solve``, besides ``objectives``.

    Raises:
        InvalidProblemError: a number makes no sense.
        InfeasibleError: no allocation is within the budgets.
    """
    for name, value in (("per_neuron", per_neuron), ("per_head", per_head)):
        if not is_whole(value) or not 1 <= value <= MOST_SIZE:
            raise InvalidProblemError(
                f"{name} is {shown(value)}; give a whole number of at least 1"
            )
    if not is_whole(more_layers) or more_layers < 0:
        raise InvalidProblemError(
            f"more_layers is {shown(more_layers)}; give a whole number of at least 0"
        )
    first = solve(problem, objectives=("layers",), **options).costs.layers
    last = first + more_layers
    if problem.budgets.max_layers is not None:
        last = min(last, problem.budgets.max_layers)
    points: list[FrontPoint] = []
    for num_layers in range(max(first, layers_bound(problem)), last + 1):
        for point in _with_layers(problem, num_layers, per_neuron, per_head, options):
            points.append(point)
            if progress is not None:
                progress(point)
    return tuple(p for p in points if not any(_dominates(other, p) for other in points))


def _with_layers(
    problem: AllocationProblem,
    num_layers: int,
    per_neuron: int,
    per_head: int,
    options: dict[str, Any],
) -> Iterator[FrontPoint]:
    """With up to so many layers, ever fewer columns."""
    limited = problem.with_budgets(replace(problem.budgets, max_layers=max(1, num_layers)))
    narrowest = solve(limited, objectives=("width",), **options).costs.width
    fullest = {"neurons": per_neuron, "heads": per_head}
    # a budget of no layers cannot be given, so none comes about by asking for few first
    objectives = (fullest, "width", "layers") if num_layers else ("layers", fullest, "width")
    width: int | None = problem.budgets.max_width
    while width is None or width >= narrowest:
        budgets = replace(limited.budgets, max_width=width)
        try:
            result = solve(limited.with_budgets(budgets), objectives=objectives, **options)
        except InfeasibleError:
            return
        costs = result.costs
        size = per_neuron * costs.neurons + per_head * costs.heads
        yield FrontPoint(
            costs.layers,
            costs.width,
            costs.layers * costs.width * size,
            result.allocation,
            costs,
            result.proven,
        )
        width = costs.width - 1
        if width < 1:
            return


def _dominates(one: FrontPoint, other: FrontPoint) -> bool:
    """Whether a point is no worse in anything and better in something."""
    left = (one.layers, one.width, one.parameters)
    right = (other.layers, other.width, other.parameters)
    return left != right and all(a <= b for a, b in zip(left, right, strict=True))
