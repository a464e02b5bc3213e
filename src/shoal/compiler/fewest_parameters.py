"""The objective that the parameters be few: a front of layers, width and components, measured.

Parameters are layers times width times what the fullest half-layers take, so no sum of costs says
how many there are. For each number of layers and columns that is worth having (``pareto``) the
model is made and its parameters are counted, first with wide variables, and for each choice of
components again with narrow ones. The best that was made is taken; nothing is proven of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from shoal.compiler.place import Placed, allocate, as_given, narrowed_placements
from shoal.compiler.problem import allocation_problem
from shoal.compiler.variants import Variant
from shoal.craft.components import Head, parts_of
from shoal.errors import BudgetError
from shoal.lowering.lowered import LoweredProgram
from shoal.narrowing.narrow import NARROW
from shoal.options import PARAMETERS, CompileOptions
from shoal_solvers import (
    AllocationProblem,
    InfeasibleError,
    ObjectiveResult,
    Status,
    lower_bound_on_layers,
    pareto,
)

MORE_LAYERS = 2
"""Layers beyond the fewest that are looked at, where layers do not come before parameters."""


def place_with_few_parameters(
    variants: Sequence[Variant], options: CompileOptions, count: Callable[[Placed], int]
) -> Placed:
    """The allocation with the fewest parameters of those that are looked at.

    Args:
        variants: the program with all its alternatives, and other programs that do the same.
        options: what comes before the parameters in their objective is minimised first.
        count: the parameters of a model.

    Raises:
        BudgetError: the budgets cannot be met; says why by the first variant.
    """
    before = options.objective[: options.objective.index(PARAMETERS)]
    problems = [allocation_problem(variant.lowered, options) for variant in variants]
    bound = min(map(lower_bound_on_layers, problems))
    best: tuple[tuple[int, ...], Placed] | None = None
    failed: BudgetError | None = None
    for variant, problem in zip(variants, problems, strict=True):
        try:
            for placed in _candidates(variant, problem, options, before):
                parameters = count(placed)
                costs = placed.allocated.costs
                key = (*(getattr(costs, name) for name in before), parameters)
                if best is None or key < best[0]:
                    best = key, _measured(placed, parameters, bound)
        except BudgetError as error:
            failed = failed or error
    if best is None:
        assert failed is not None
        raise failed
    return best[1]


def _candidates(
    variant: Variant, problem: AllocationProblem, options: CompileOptions, before: tuple[str, ...]
) -> Iterator[Placed]:
    wide = Placed(variant.optimised, variant.lowered, problem, allocate(problem, options))
    for chosen in _front(wide, options, before):
        if NARROW not in options.passes:
            yield chosen
            continue
        for placed in narrowed_placements(chosen, options):
            narrow = replace(placed, allocated=allocate(placed.problem, options))
            yield narrow
            yield from _front(narrow, options, before)


def _front(placed: Placed, options: CompileOptions, before: tuple[str, ...]) -> Iterator[Placed]:
    """Allocations of which each is better than the others in layers, width, or components."""
    costs = placed.allocated.costs
    known = {f"max_{name}": getattr(costs, name) for name in before if name != "total"}
    known = {name: max(1, value) for name, value in known.items()}
    limited = placed.problem.with_budgets(replace(placed.problem.budgets, **known))
    try:
        points = pareto(
            limited,
            per_head=4 * _key_size(placed.lowered),
            more_layers=0 if "layers" in before else MORE_LAYERS,
            solver=options.allocator,
            time_limit=options.time_limit,
            wall_clock_limit=options.wall_clock_limit,
            workers=options.workers,
        )
    except InfeasibleError as error:
        raise BudgetError(as_given(str(error), options)) from None
    for point in points:
        result = replace(placed.allocated, allocation=point.allocation, costs=point.costs)
        yield replace(placed, allocated=result)


def _key_size(lowered: LoweredProgram) -> int:
    """Dimensions in which queries and keys meet, of the head with the most."""
    parts = [part for o in lowered.operations for c in o.components for part in parts_of(c)]
    heads = [part for part in parts if isinstance(part, Head)]
    return max((len(head.key.target) for head in heads), default=1) or 1


def _measured(placed: Placed, parameters: int, bound: int) -> Placed:
    """An allocation with a bound on its layers, and how many parameters there are."""
    layers = placed.allocated.costs.layers
    status = Status.OPTIMAL if bound == layers else Status.FEASIBLE
    objectives = (
        ObjectiveResult("layers", layers, bound, status, 0.0),
        ObjectiveResult(PARAMETERS, parameters, 0, Status.FEASIBLE, 0.0),
    )
    return replace(placed, allocated=replace(placed.allocated, objectives=objectives))
