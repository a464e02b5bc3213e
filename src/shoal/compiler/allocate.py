"""From lowered operations to an allocation problem, and to its solution."""

from __future__ import annotations

import numpy as np

from shoal.contract import LARGEST_ERASABLE, LARGEST_ERASABLE_ERROR
from shoal.errors import BudgetError, InvalidOptionError
from shoal.lowering.lowered import LoweredProgram, StreamVariable
from shoal.lowering.precision import largest_error
from shoal.options import CompileOptions
from shoal_solvers import (
    AllocationProblem,
    Alternative,
    InfeasibleError,
    InvalidAllocationError,
    InvalidProblemError,
    Kind,
    Operation,
    Result,
    Variable,
    solve,
)


def allocation_problem(lowered: LoweredProgram, options: CompileOptions) -> AllocationProblem:
    """The allocation problem of a lowered program."""
    program = lowered.inferred.program
    root = program.node(program.root)
    inputs = {table.variable for table in lowered.inputs}
    variables = tuple(
        Variable(
            v.name,
            len(v.space),
            is_input=v.name in inputs,
            is_output=v.name in lowered.outputs,
            erase_neurons=_erase_neurons(v) if options.reuse else None,
        )
        for v in lowered.variables.values()
    )
    operations = tuple(
        Operation(
            operation.name,
            Kind.ATTENTION if operation.is_attention else Kind.MLP,
            (operation.name,),
            tuple(
                Alternative(reads, component.size)
                for reads, component in zip(operation.reads, operation.components, strict=True)
            ),
            operation.block,
            operation.sharing,
        )
        for operation in lowered.operations
    )
    return AllocationProblem(variables, operations, options.budget, name=root.label)


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


def _erase_neurons(variable: StreamVariable) -> int | None:
    """One neuron for a dimension that is never negative, two for others."""
    if variable.largest > LARGEST_ERASABLE or largest_error(variable) > LARGEST_ERASABLE_ERROR:
        return None
    return int(len(variable.space) + np.count_nonzero(variable.signed))
