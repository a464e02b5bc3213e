"""The solution of an allocation problem, by the allocator that the user chose."""

from __future__ import annotations

from shoal.errors import BudgetError, InvalidOptionError
from shoal.options import CompileOptions
from shoal_solvers import (
    AllocationProblem,
    InfeasibleError,
    InvalidAllocationError,
    InvalidProblemError,
    Result,
    solve,
)


def allocate(problem: AllocationProblem, options: CompileOptions) -> Result:
    """Solve the problem by the chosen allocator; the result has passed the checker.

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
        )
    except InvalidProblemError as error:
        raise InvalidOptionError(str(error)) from None
    except InfeasibleError as error:
        raise BudgetError(str(error)) from None
    except InvalidAllocationError as error:
        if not problem.budgets.limits() or options.allocator == "cp-sat":
            raise
        raise BudgetError(
            f"{error}\n{options.allocator} does not look at budgets; use the allocator cp-sat"
        ) from None
    if result.interrupted:
        raise KeyboardInterrupt
    return result
