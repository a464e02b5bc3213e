"""The allocation problem that a lowered program poses."""

from __future__ import annotations

import numpy as np

from shoal.contract import LARGEST_ERASABLE
from shoal.lowering.held import StreamVariable
from shoal.lowering.lowered import LoweredProgram
from shoal.options import CompileOptions
from shoal.program.trace import RESULT
from shoal_solvers import (
    AllocationProblem,
    Alternative,
    Kind,
    Operation,
    OutputChoice,
    Variable,
)


def allocation_problem(lowered: LoweredProgram, options: CompileOptions) -> AllocationProblem:
    """Variables, operations with alternatives, and what has to be there at the end."""
    program = lowered.inferred.program
    root = program.node(program.root)
    results = tuple(held.variables for held in lowered.results)
    outputs = {
        name for end in program.ends if end != root.id for name in lowered.first(end).variables
    }
    if len(results) == 1:
        outputs.update(*results)
    inputs = {table.variable for table in lowered.inputs}
    variables = tuple(
        Variable(
            v.name,
            len(v.space),
            is_input=v.name in inputs,
            is_output=v.name in outputs,
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
    choices = (OutputChoice(RESULT, results),) if len(results) > 1 else ()
    return AllocationProblem(variables, operations, options.within, root.label, choices)


def _erase_neurons(variable: StreamVariable) -> int | None:
    """One neuron for a dimension that is never negative, two for others."""
    if variable.ranges.largest + variable.errors.largest > LARGEST_ERASABLE:
        return None
    return int(len(variable.space) + np.count_nonzero(variable.can_be_negative))
