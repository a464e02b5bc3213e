"""Where everything goes: the allocation of what is lowered, by the allocator the user chose.

With the pass "narrow" there are two. The first one chooses components; its variables are as wide as
their forms. Then of each variable only what the chosen components read is stored, and these
components are allocated anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from shoal.compiler.problem import allocation_problem
from shoal.errors import BudgetError, InvalidOptionError
from shoal.lowering.lowered import LoweredProgram
from shoal.narrowing.narrow import NARROW, narrowed
from shoal.options import CompileOptions
from shoal_solvers import (
    AllocationProblem,
    InfeasibleError,
    InvalidAllocationError,
    InvalidProblemError,
    ObjectiveResult,
    Result,
    Status,
    solve,
)


@dataclass(frozen=True, eq=False)
class Placed:
    """A lowered program with an allocation.

    Attributes:
        lowered: the program, of the chosen components alone if these were chosen before.
        problem: the allocation problem that it poses.
        allocated: its solution, with what is proven.
    """

    lowered: LoweredProgram
    problem: AllocationProblem
    allocated: Result


def place(
    lowered: LoweredProgram,
    options: CompileOptions,
    names: Collection[int],
    progress: Callable[[ObjectiveResult], None] | None = None,
) -> Placed:
    """Allocate, by narrow variables if the pass is switched on.

    Args:
        lowered: the program with all its alternatives.
        options: the allocator, its limits, and the passes.
        names: node ids of s-ops that stay readable.
        progress: called after each objective of the exact solver.

    Raises:
        BudgetError: the budgets cannot be met, or a heuristic does not meet them.
    """
    problem = allocation_problem(lowered, options)
    if NARROW not in options.passes:
        return Placed(lowered, problem, allocate(problem, options, progress))
    chosen = _choose(problem, options)
    narrow = narrowed(lowered, chosen.allocation, names)
    problem = allocation_problem(narrow, options)
    return Placed(narrow, problem, _as_proven(allocate(problem, options, progress), chosen))


def _choose(problem: AllocationProblem, options: CompileOptions) -> Result:
    """An allocation by wide variables: within the budgets, or within those of layers and heads.

    Narrow variables may keep the others nevertheless.
    """
    limited = problem.budgets
    try:
        return allocate(problem, options)
    except BudgetError:
        if limited.max_width is None and limited.max_neurons is None:
            raise
    budgets = replace(limited, max_width=None, max_neurons=None)
    return allocate(replace(problem, budgets=budgets), options)


def _as_proven(allocated: Result, chosen: Result) -> Result:
    """The allocation of chosen components, its layers no better proven than for all components."""
    layers, *others = allocated.objectives
    bound = min(layers.bound, chosen.objectives[0].bound)
    status = layers.status if bound == layers.bound else Status.FEASIBLE
    return replace(
        allocated,
        objectives=(replace(layers, bound=bound, status=status), *others),
        seconds=allocated.seconds + chosen.seconds,
    )


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
