"""How many columns a problem needs in any number of layers: bounds from single states.

While an operation runs, all that it reads is there, and all that other operations have still to
read of what ran before. Which operations ran before is any set that lacks none of their operands,
with the operation's own operands and without its result. The least columns over all such sets are
needed in every allocation, however deep, as the operation runs somewhere; the largest of these
least numbers over all operations is a bound. (Pathwidth is bounded in this way by separators.)
"""

from __future__ import annotations

from collections.abc import Iterator

from shoal_solvers.engines.effort import Clock
from shoal_solvers.exact.fewest_layers import useful_layers
from shoal_solvers.exact.searching import Searcher
from shoal_solvers.formulation.formulate import Formulation, formulate
from shoal_solvers.formulation.linear_model import TRUE
from shoal_solvers.objectives import LEXICOGRAPHIC, WIDTH, Objective
from shoal_solvers.problem import AllocationProblem, Budgets, Operation
from shoal_solvers.windows import compute_windows

SHARE = 0.05
"""Of the effort that is left for one operation."""

MOST_OPERATIONS = 400
"""Operations for which the bound is asked; it takes a search for each."""


def bounds_in_any_depth(
    problem: AllocationProblem, searcher: Searcher, clock: Clock
) -> dict[Objective, int]:
    """For every objective with a budget what no allocation has less of, however deep it is.

    Of neurons and heads the largest operation that has to be there says it, each alone in its
    half-layer; of width, states do.
    """
    windows = compute_windows(problem, useful_layers(problem.with_budgets(Budgets())))
    bounds = {}
    for objective in LEXICOGRAPHIC:
        if objective.limit(problem.budgets) is None:
            continue
        if objective is WIDTH:
            bounds[objective] = width_bound_in_any_depth(problem, searcher, clock)
        else:
            bounds[objective] = objective.bound(problem, windows, None)
    return bounds


def width_bound_in_any_depth(problem: AllocationProblem, searcher: Searcher, clock: Clock) -> int:
    """No allocation has fewer columns, in whatever number of layers.

    Args:
        problem: its budgets do not count.
        searcher: what searches.
        clock: the effort that is left.
    """
    free = problem.with_budgets(Budgets())
    useful = useful_layers(free)
    windows = compute_windows(free, 2 * useful + 1)
    bound = WIDTH.bound(free, windows, None)
    if not useful or len(problem.operations) > MOST_OPERATIONS:
        return bound
    # With twice as many layers every allocation fits with any of its layers in the middle.
    formulation = formulate(free, windows, [WIDTH], erase_at_once=True, states=[useful])
    for operation in problem.operations:
        if operation.name in windows.required:
            columns = dict(_running(formulation, operation, useful))
            found = searcher.minimize(
                formulation, {WIDTH: 1}, {WIDTH: (0, 2**24)}, clock.left(SHARE), columns=columns
            )
            clock.spend(found.work)
            if found.interrupted:
                raise KeyboardInterrupt
            bound = max(bound, found.bound)
    return bound


def _running(
    formulation: Formulation, operation: Operation, layer: int
) -> Iterator[tuple[int, tuple[int, int]]]:
    """What is fixed if an operation runs in a layer: it has not run before, and has after."""
    b = formulation.booleans
    place = b.layers.tolist().index(layer)
    usable = b.windows.alternatives(operation)
    for a in usable:
        before, after = b.done[operation.name, a][place - 1 : place + 1].tolist()
        if before > TRUE:
            yield before, (0, 0)
        if len(usable) == 1 and after > TRUE:
            yield after, (1, 1)
