"""The solution of an allocation problem, by the allocator that the user chose."""

from __future__ import annotations

from collections.abc import Callable

from shoal.errors import BudgetError, InvalidOptionError
from shoal.options import CompileOptions
from shoal_solvers import (
    AllocationProblem,
    InfeasibleError,
    InvalidAllocationError,
    InvalidProblemError,
    ObjectiveResult,
    Result,
    solve,
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
