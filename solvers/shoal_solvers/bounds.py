"""Lower bounds from the structure of a problem; none of them needs a search."""

from __future__ import annotations

from shoal_solvers.problem import AllocationProblem, Variable
from shoal_solvers.timeline import ALTERNATING, Kind
from shoal_solvers.windows import Windows, compute_windows


def layers_bound(problem: AllocationProblem) -> int:
    """No allocation has fewer layers than the critical path.

    Proof: an operation is ready only after the operations whose results it reads, so by
    induction none runs before its earliest layer, the least over its alternatives. The
    outputs' operations are present in every allocation, and of each choice those of one option.
    """
    windows = compute_windows(problem, len(problem.operations) + 1)

    def ready(variable: str) -> int:
        producer = problem.producer.get(variable)
        return 0 if producer is None else windows.first_layer(producer) + 1

    layers = [windows.first_layer(problem.operation[o]) + 1 for o in windows.required]
    for choice in problem.choices:
        options = (choice.options[number] for number in windows.options[choice.name])
        layers.append(min(max(map(ready, option), default=0) for option in options))
    return max(layers, default=0)


def width_bound(problem: AllocationProblem, windows: Windows) -> int:
    """No allocation in ``windows.num_layers`` layers is narrower than its certain occupants.

    Proof: a variable certainly occupies a state if it is certainly present, its operation
    has run by then at the latest, and it cannot be gone: because it is an output, because it
    cannot be erased, or because an operation that certainly reads it runs later. Inputs that
    certainly are read are there from the start. What certainly occupies one state together
    needs that many columns. Beyond that, every required operation needs the columns of what
    it reads and, if it is attention, of what it writes, all at once: what attention writes
    needs columns that are clear while its operands are still there. Of an MLP's operands all
    may be cleared while it writes.
    """
    states = ALTERNATING.last_state(windows.num_layers) + 1
    outputs = windows.certain_outputs(problem)
    occupied = [0] * states
    for v in problem.variables:
        first, last = _certain_lifetime(problem, windows, v, v.name in outputs)
        for state in range(first, last + 1):
            occupied[state] += v.width
    return max([*occupied, *(_operands(problem, windows, name) for name in windows.required)])


def neurons_bound(problem: AllocationProblem, windows: Windows) -> int:
    """The fullest MLP holds at least the mean, and at least the largest required operation.

    Proof: the required MLP operations take at least the size of their smallest alternative,
    and they share ``windows.num_layers`` MLP half-layers. Erasures only add.
    """
    return _fullest(problem, windows, Kind.MLP)


def heads_bound(problem: AllocationProblem, windows: Windows) -> int:
    """The fullest attention holds at least the mean and the largest required operation.

    Proof: as for neurons. Of operations that share heads, those whose windows do not overlap
    are certainly in different half-layers, and only such are counted.
    """
    return _fullest(problem, windows, Kind.ATTENTION)


def total_bound(problem: AllocationProblem, windows: Windows) -> int:
    """Every required operation takes at least the size of its smallest alternative.

    Of operations that share heads only those that cannot meet in a half-layer are counted.
    """
    return sum(size for kind in Kind for size, _, _ in _required_sizes(problem, windows, kind))


def _certain_lifetime(
    problem: AllocationProblem, windows: Windows, variable: Variable, is_output: bool
) -> tuple[int, int]:
    """States that the variable occupies in every allocation; empty if the last is earlier."""
    end = ALTERNATING.last_state(windows.num_layers)
    certain_reads = [
        ALTERNATING.half_layer(windows.first_layer(o), o.kind)
        for name in windows.required
        for o in (problem.operation[name],)
        if all(variable.name in o.alternatives[a].reads for a in windows.alternatives(o))
    ]
    producer = problem.producer.get(variable.name)
    if producer is None:
        if not (is_output or certain_reads):
            return 0, -1
        first = 0
    elif producer.name in windows.required:
        first = ALTERNATING.half_layer(windows.latest[producer.name], producer.kind) + 1
    else:
        return 0, -1
    if is_output or variable.erase_neurons is None:
        return first, end
    if producer is not None and windows.first_layer(producer) == windows.latest[producer.name]:
        certain_reads.append(first)  # written there for certain, so nothing can erase it earlier
    # A read in an attention half-layer keeps the variable for the next MLP's state, too.
    last = max((ALTERNATING.next_half_layer(Kind.MLP, h) for h in certain_reads), default=-1)
    return first, min(last, end)


def _operands(problem: AllocationProblem, windows: Windows, name: str) -> int:
    """Columns that an operation needs at once under its least demanding alternative."""
    o = problem.operation[name]
    written = sum(problem.variable[v].width for v in o.writes)
    needs = []
    for a in windows.alternatives(o):
        read = sum(problem.variable[v].width for v in set(o.alternatives[a].reads))
        needs.append(read + written if o.kind is Kind.ATTENTION else max(read, written))
    return min(needs)


def _required_sizes(
    problem: AllocationProblem, windows: Windows, kind: Kind
) -> list[tuple[int, int, int]]:
    """For every required operation of a kind: least size, first and last layer.

    Of each sharing, only operations whose windows do not overlap; picking those that end
    first gives the most of them.
    """
    sizes = []
    taken: dict[str, int] = {}
    required = [o for o in problem.operations if o.kind is kind and o.name in windows.required]
    for o in sorted(required, key=lambda o: (windows.latest[o.name], -windows.first_layer(o))):
        first, last = windows.first_layer(o), windows.latest[o.name]
        if o.sharing is not None:
            if first <= taken.get(o.sharing, -1):
                continue
            taken[o.sharing] = last
        least = min(o.alternatives[a].size for a in windows.alternatives(o))
        sizes.append((least, first, last))
    return sizes


def _fullest(problem: AllocationProblem, windows: Windows, kind: Kind) -> int:
    """The largest mean over all spans of layers that operations cannot leave."""
    sizes = _required_sizes(problem, windows, kind)
    bound = max((size for size, _, _ in sizes), default=0)
    for first in range(windows.num_layers):
        total = 0
        inside = sorted(((last, size) for size, start, last in sizes if start >= first))
        for last, size in inside:
            total += size
            bound = max(bound, -(-total // (last - first + 1)))
    return bound
