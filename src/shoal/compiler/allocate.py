"""From lowered operations to an allocation problem, and to its solution."""

from __future__ import annotations

import numpy as np

from shoal.lowering.lowered import LoweredProgram, StreamVariable
from shoal.options import CompileOptions
from shoal_solvers import (
    AllocationProblem,
    Alternative,
    Kind,
    Operation,
    Result,
    Variable,
    solve,
)

_LARGEST_ERASABLE = 64.0
"""Columns that held larger numbers are not used again: what is written there in the same
half-layer would be rounded to the precision of the number that is taken away."""


def allocation_problem(lowered: LoweredProgram, options: CompileOptions) -> AllocationProblem:
    """The allocation problem of a lowered program."""
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
        )
        for operation in lowered.operations
    )
    return AllocationProblem(variables, operations, options.budget, name="program")


def allocate(problem: AllocationProblem, options: CompileOptions) -> Result:
    """Solve the problem by the chosen allocator; the result has passed the checker."""
    return solve(problem, solver=options.allocator)


def _erase_neurons(variable: StreamVariable) -> int | None:
    """One neuron for a dimension that is never negative, two for others."""
    if variable.largest > _LARGEST_ERASABLE:
        return None
    return int(len(variable.space) + np.count_nonzero(variable.signed))
