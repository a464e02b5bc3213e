"""When variables certainly live, whatever the allocation: what lower bounds are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shoal_solvers.problem import AllocationProblem, Variable
from shoal_solvers.timeline import ALTERNATING, Kind
from shoal_solvers.windows import Windows


@dataclass(frozen=True)
class CertainLife:
    """The states in which a variable is there in every allocation.

    Attributes:
        first: the first such state.
        last: the last one; below ``first`` if there is none.
        born: the first state by which it has been written for certain, and stays until it is
            erased; None if it need not be there at all.
    """

    first: int
    last: int
    born: int | None


def certain_lives(problem: AllocationProblem, windows: Windows) -> dict[str, CertainLife]:
    """The certain life of every variable, in time linear in what operations read.

    Proof: a variable is certainly there if it is an input or its operation is required, and if it
    is an output or something that certainly runs certainly reads it. It is then written by the end
    of its operation's window, and cannot be gone before an operation that certainly reads it has
    run; never, if it is an output or cannot be erased. What one certain half-layer writes cannot
    be erased in that half-layer. A read in an attention half-layer keeps the variable for the
    state of the next MLP, too, since attention erases nothing.
    """
    outputs = windows.certain_outputs(problem)
    reads = _certain_reads(problem, windows)
    return {
        v.name: _life(problem, windows, v, v.name in outputs, reads.get(v.name, -1))
        for v in problem.variables
    }


def _certain_reads(problem: AllocationProblem, windows: Windows) -> Mapping[str, int]:
    """For each variable that is certainly read the last state for which a reader keeps it."""
    kept: dict[str, int] = {}
    for name in windows.required:
        o = problem.operation[name]
        half_layer = ALTERNATING.half_layer(windows.first_layer(o), o.kind)
        state = ALTERNATING.next_half_layer(Kind.MLP, half_layer)
        usable = [set(o.alternatives[a].reads) for a in windows.alternatives(o)]
        for variable in set.intersection(*usable) if usable else ():
            kept[variable] = max(kept.get(variable, -1), state)
    return kept


def _life(
    problem: AllocationProblem, windows: Windows, variable: Variable, is_output: bool, read: int
) -> CertainLife:
    end = ALTERNATING.last_state(windows.num_layers)
    producer = problem.producer.get(variable.name)
    if producer is None:
        if not is_output and read < 0:
            return CertainLife(0, -1, None)
        first = 0
    elif producer.name in windows.required:
        first = ALTERNATING.half_layer(windows.latest[producer.name], producer.kind) + 1
    else:
        return CertainLife(0, -1, None)
    if is_output or variable.erase_neurons is None:
        return CertainLife(first, end, first)
    last = read
    if producer is not None and windows.first_layer(producer) == windows.latest[producer.name]:
        last = max(last, ALTERNATING.next_half_layer(Kind.MLP, first))
    return CertainLife(first, min(last, end), first)
