"""Where everything goes: the allocation of what is lowered, by the allocator the user chose.

With the pass "narrow" there are two. The first one chooses components; its variables are as wide as
their forms. Then of each variable only what the chosen components read is stored, and these
components are allocated anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shoal.compiler.problem import allocation_problem
from shoal.compiler.variants import Variant
from shoal.errors import BudgetError, InvalidOptionError
from shoal.lowering.lowered import LoweredProgram
from shoal.narrowing.names import named
from shoal.narrowing.narrow import NARROW, narrowed
from shoal.options import CompileOptions
from shoal.program.passes import Optimised
from shoal_solvers import (
    MOST_BUDGET,
    AllocationProblem,
    InfeasibleError,
    InvalidAllocationError,
    InvalidProblemError,
    ObjectiveResult,
    Result,
    Status,
    lower_bound_on_layers,
    solve,
)


@dataclass(frozen=True, eq=False)
class Placed:
    """A lowered program with an allocation.

    Attributes:
        optimised: the program that was lowered.
        lowered: what it was lowered to, of the chosen components alone if these were chosen before.
        problem: the allocation problem that it poses.
        allocated: its solution, with what is proven.
    """

    optimised: Optimised
    lowered: LoweredProgram
    problem: AllocationProblem
    allocated: Result


def place(
    variants: Sequence[Variant],
    options: CompileOptions,
    progress: Callable[[ObjectiveResult], None] | None = None,
) -> Placed:
    """Allocate, by narrow variables if the pass is switched on.

    Args:
        variants: the program with all its alternatives, and other programs that do the same. The
            first with the fewest layers is taken.
        options: the allocator, its limits, and the passes.
        progress: called after each objective of the exact solver.

    Raises:
        BudgetError: the budgets cannot be met, or a heuristic does not meet them.
    """
    is_narrow = NARROW in options.passes
    told = None if is_narrow or len(variants) > 1 else progress
    chosen = _fewest_layers(variants, options, told)
    if not is_narrow:
        return chosen
    names = named(chosen.optimised)
    narrow = narrowed(chosen.lowered, chosen.allocated.allocation, names)
    problem = allocation_problem(narrow, options)
    allocated = _as_proven(allocate(problem, options, progress), chosen.allocated)
    return Placed(chosen.optimised, narrow, problem, allocated)


def _fewest_layers(
    variants: Sequence[Variant],
    options: CompileOptions,
    progress: Callable[[ObjectiveResult], None] | None,
) -> Placed:
    """The first variant with the fewest layers, allocated; proven for all of them.

    Raises:
        BudgetError: none keeps the budgets; says why the first one does not.
    """
    problems = [allocation_problem(variant.lowered, options) for variant in variants]
    bounds = [lower_bound_on_layers(problem) for problem in problems]
    found: dict[int, Result] = {}
    failed: dict[int, BudgetError] = {}
    for number in sorted(range(len(variants)), key=bounds.__getitem__):
        fewest = min((result.costs.layers for result in found.values()), default=MOST_BUDGET)
        is_nearer = all(number < other for other in found)
        if bounds[number] < fewest or (bounds[number] == fewest and is_nearer):
            try:
                found[number] = _choose(problems[number], options, progress)
                bounds[number] = found[number].objectives[0].bound
            except BudgetError as error:
                failed[number] = error
    if not found:
        raise failed[min(failed)]
    best = min(found, key=lambda number: (found[number].costs.layers, number))
    bound = min(b for number, b in enumerate(bounds) if number not in failed)
    chosen = variants[best]
    return Placed(chosen.optimised, chosen.lowered, problems[best], _at_least(found[best], bound))


def _choose(
    problem: AllocationProblem,
    options: CompileOptions,
    progress: Callable[[ObjectiveResult], None] | None,
) -> Result:
    """An allocation by wide variables: within the budgets, or within those of layers and heads.

    Narrow variables may keep the others nevertheless.
    """
    limited = problem.budgets
    try:
        return allocate(problem, options, progress)
    except BudgetError:
        if NARROW not in options.passes or (
            limited.max_width is None and limited.max_neurons is None
        ):
            raise
    budgets = replace(limited, max_width=None, max_neurons=None)
    return allocate(replace(problem, budgets=budgets), options)


def _as_proven(allocated: Result, chosen: Result) -> Result:
    """The allocation of chosen components, its layers no better proven than for all components."""
    limited = _at_least(allocated, chosen.objectives[0].bound)
    return replace(limited, seconds=allocated.seconds + chosen.seconds)


def _at_least(allocated: Result, bound: int) -> Result:
    """An allocation whose layers are proven to be at least so many, and no more."""
    layers, *others = allocated.objectives
    bound = min(layers.bound, bound)
    status = layers.status if bound == layers.bound else Status.FEASIBLE
    return replace(allocated, objectives=(replace(layers, bound=bound, status=status), *others))


def allocate(
    problem: AllocationProblem,
    options: CompileOptions,
    progress: Callable[[ObjectiveResult], None] | None = None,
) -> Result:
    """Solve the problem by the chosen allocator; the result has passed the checker.

    Args:
        problem: what to allocate.
        options: the allocator, and what it may take.
        progress: called after each objective of the exact solver.

    Raises:
        InvalidOptionError: a limit makes no sense.
        BudgetError: the budgets cannot be met, or a heuristic does not meet them.
        KeyboardInterrupt: Ctrl-C ended the search; a model must not depend on when that was.
    """
    try:
        result = solve(
            problem,
            solver=options.allocator,
            time_limit=options.time_limit,
            wall_clock_limit=options.wall_clock_limit,
            workers=options.workers,
            progress=progress,
        )
    except InvalidProblemError as error:
        raise InvalidOptionError(str(error)) from None
    except InfeasibleError as error:
        raise BudgetError(str(error)) from None
    except InvalidAllocationError as error:
        if not problem.budgets.limits() or options.allocator == "cp-sat":
            raise
        raise BudgetError(
            f"{error}\n{options.allocator} does not look at budgets; compile with "
            'allocator="cp-sat"'
        ) from None
    if result.interrupted:
        raise KeyboardInterrupt
    return result
