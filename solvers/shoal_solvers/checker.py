"""The independent checker: every allocation passes here before it is used.

It shares no code with the solvers: it walks through the half-layers as the network would, looks
at every column, and counts columns, neurons and heads by itself, so that a fault in a solver's
bookkeeping cannot hide in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields

from shoal_solvers.allocation import Allocation, Costs, measure
from shoal_solvers.errors import InvalidAllocationError
from shoal_solvers.problem import AllocationProblem, Alternative, is_whole
from shoal_solvers.timeline import ALTERNATING, Kind


def check(problem: AllocationProblem, allocation: Allocation) -> Costs:
    """Return the costs of an allocation that keeps every rule.

    Raises:
        InvalidAllocationError: with one line for every broken rule.
    """
    broken = list(violations(problem, allocation))
    if broken:
        raise InvalidAllocationError(
            f"the allocation of {problem.name!r} breaks {len(broken)} rule(s):\n"
            + "\n".join(f"  - {line}" for line in broken)
        )
    return measure(problem, allocation)


def violations(problem: AllocationProblem, allocation: Allocation) -> Iterator[str]:
    """One line for every rule that the allocation breaks; nothing if it is valid."""
    shape = list(_type_violations(allocation)) or list(_shape_violations(problem, allocation))
    yield from shape
    if shape:  # what follows looks things up and needs them to exist
        return
    yield from _presence_violations(problem, allocation)
    yield from _walk(problem, allocation)
    yield from _cost_violations(problem, allocation)


def _chosen(problem: AllocationProblem, allocation: Allocation, operation: str) -> Alternative:
    return problem.operation[operation].alternatives[allocation.placements[operation].alternative]


def _type_violations(allocation: Allocation) -> Iterator[str]:
    """An allocation that somebody has put together is made of names and whole numbers."""
    if not is_whole(allocation.num_layers):
        yield f"has {allocation.num_layers!r:.40} layers, which is no number of layers"
    for what in ("placements", "erasures", "columns", "outputs"):
        if not isinstance(getattr(allocation, what), Mapping):
            yield f"has {what} that are no mapping from names"
            return
    for name, placement in allocation.placements.items():
        numbers = (getattr(placement, "half_layer", None), getattr(placement, "alternative", None))
        if not all(map(is_whole, numbers)):
            yield f"places {name!r:.40} nowhere: a placement has a half-layer and an alternative"
    for name, half_layer in allocation.erasures.items():
        if not is_whole(half_layer):
            yield f"erases {name!r:.40} in {half_layer!r:.40}, which is no half-layer"
    for name, columns in allocation.columns.items():
        if not isinstance(columns, tuple | list) or not all(map(is_whole, columns)):
            yield f"gives {name!r:.40} columns that are no whole numbers"


def _choice_violations(problem: AllocationProblem, allocation: Allocation) -> Iterator[str]:
    """Each choice of outputs has one of its options, and there are no others."""
    options = {choice.name: len(choice.options) for choice in problem.choices}
    for name, number in allocation.outputs.items():
        if name not in options:
            yield f"chooses for unknown output {name!r:.40}"
        elif not is_whole(number) or number not in range(options[name]):
            yield f"the choice {name!r} has no option {number!r:.40}"
    for name in options:
        if name not in allocation.outputs:
            yield f"chooses no option for {name!r}"


def _shape_violations(problem: AllocationProblem, allocation: Allocation) -> Iterator[str]:
    """Names exist, half-layers lie in the network and have the right kind."""
    useful = len(problem.operations) + len(problem.variables)
    if not 0 <= allocation.num_layers <= useful:
        yield (
            f"has {allocation.num_layers:,} layers, of which at most {useful:,} can run or erase "
            "anything"
        )
        return
    yield from _choice_violations(problem, allocation)
    half_layers = ALTERNATING.half_layers(allocation.num_layers)
    for name, placement in allocation.placements.items():
        operation = problem.operation.get(name)
        if operation is None:
            yield f"places unknown operation {name!r}"
            continue
        if placement.alternative not in range(len(operation.alternatives)):
            yield f"operation {name!r} has no alternative {placement.alternative}"
        if placement.half_layer not in half_layers:
            yield f"operation {name!r} is in half-layer {placement.half_layer}, outside the network"
        elif ALTERNATING.kind(placement.half_layer) is not operation.kind:
            yield f"{operation.kind} operation {name!r} is in half-layer {placement.half_layer}"
    for name, half_layer in allocation.erasures.items():
        variable = problem.variable.get(name)
        if variable is None:
            yield f"erases unknown variable {name!r}"
            continue
        if half_layer not in half_layers or ALTERNATING.kind(half_layer) is not Kind.MLP:
            yield f"variable {name!r} is erased in half-layer {half_layer}, which is no MLP"
        if variable.erase_neurons is None:
            yield f"variable {name!r} is erased, but cannot be"
        if variable.is_output:
            yield f"output {name!r} is erased"
    for name, columns in allocation.columns.items():
        if name not in problem.variable:
            yield f"gives columns to unknown variable {name!r}"
        elif len(set(columns)) != problem.variable[name].width or len(columns) != len(set(columns)):
            yield (
                f"variable {name!r} needs {problem.variable[name].width} different columns, "
                f"but has {list(columns)}"
            )
        elif any(column < 0 for column in columns):
            yield f"variable {name!r} has a negative column"


def _wanted(problem: AllocationProblem, allocation: Allocation) -> set[str]:
    """What has to be there at the end."""
    wanted = {v.name for v in problem.variables if v.is_output}
    for choice in problem.choices:
        wanted.update(choice.options[allocation.outputs[choice.name]])
    return wanted


def _presence_violations(problem: AllocationProblem, allocation: Allocation) -> Iterator[str]:
    """Operations are placed if and only if something present reads what they write."""
    needed = _wanted(problem, allocation)
    agenda = list(needed)
    while agenda:
        producer = problem.producer.get(agenda.pop())
        if producer is not None and producer.name in allocation.placements:
            for v in _chosen(problem, allocation, producer.name).reads:
                if v not in needed:
                    needed.add(v)
                    agenda.append(v)
    for operation in problem.operations:
        placed = operation.name in allocation.placements
        wanted = any(v in needed for v in operation.writes)
        if wanted and not placed:
            yield f"operation {operation.name!r} is needed, but not placed"
        if placed and not wanted:
            yield f"operation {operation.name!r} is placed, but nothing needs it"
    for variable in problem.variables:
        producer = problem.producer.get(variable.name)
        present = (
            variable.name in needed if producer is None else producer.name in allocation.placements
        )
        if present != (variable.name in allocation.columns):
            yield (
                f"variable {variable.name!r} is present, but has no columns"
                if present
                else f"variable {variable.name!r} is absent, but has columns"
            )
        if not present and variable.name in allocation.erasures:
            yield f"variable {variable.name!r} is erased, but never there"


def _walk(problem: AllocationProblem, allocation: Allocation) -> Iterator[str]:
    """Run the half-layers one after the other over a stream of column owners."""
    owner: dict[int, str] = {}
    alive: set[str] = set()

    def write(variable: str, when: str) -> Iterator[str]:
        alive.add(variable)
        for column in allocation.columns.get(variable, ()):
            if column in owner:
                yield f"{when}: {variable!r} and {owner[column]!r} share column {column}"
            owner[column] = variable

    for variable in problem.variables:
        if variable.is_input and variable.name in allocation.columns:
            yield from write(variable.name, "at the start")
    for half_layer in ALTERNATING.half_layers(allocation.num_layers):
        when = f"half-layer {half_layer}"
        here = [n for n, p in allocation.placements.items() if p.half_layer == half_layer]
        for name in here:
            for v in _chosen(problem, allocation, name).reads:
                if v not in alive:
                    yield f"{when}: operation {name!r} reads {v!r}, which is not in the stream"
        for v, erased_at in allocation.erasures.items():
            if erased_at != half_layer:
                continue
            if v not in alive:
                yield f"{when}: erases {v!r}, which is not in the stream"
            alive.discard(v)
            owner = {column: o for column, o in owner.items() if o != v}
        for name in here:
            for v in problem.operation[name].writes:
                yield from write(v, when)
    for name in sorted(_wanted(problem, allocation) - alive):
        yield f"output {name!r} is not in the stream at the end"


def _cost_violations(problem: AllocationProblem, allocation: Allocation) -> Iterator[str]:
    """What the solvers count is what the walk finds, and no budget is exceeded by that.

    The columns are no more than the lifetimes need.
    """
    found = counted(problem, allocation)
    claimed = measure(problem, allocation)
    for field in fields(Costs):
        value, claim = getattr(found, field.name), getattr(claimed, field.name)
        if value != claim:
            yield f"{field.name}: the solvers count {claim} where {value} are found"
    used = {c for columns in allocation.columns.values() for c in columns}
    if used and max(used) + 1 != found.width:
        yield f"{max(used) + 1} columns are used where {found.width} are occupied at once"
    budgets = problem.budgets
    for budget, limit, value in (
        ("max_layers", budgets.max_layers, found.layers),
        ("max_width", budgets.max_width, found.width),
        ("max_neurons", budgets.max_neurons, found.neurons),
        ("max_heads", budgets.max_heads, found.heads),
    ):
        if limit is not None and value > limit:
            yield f"{budget} is {limit}, but the allocation has {value}"


def counted(problem: AllocationProblem, allocation: Allocation) -> Costs:
    """The costs of an allocation, counted on a walk through its half-layers.

    Args:
        problem: what is allocated.
        allocation: one whose names and half-layers exist.
    """
    alive = {
        v.name: v.width for v in problem.variables if v.is_input and v.name in allocation.columns
    }
    width = sum(alive.values())
    fullest = {Kind.ATTENTION: 0, Kind.MLP: 0}
    total = 0
    for half_layer in ALTERNATING.half_layers(allocation.num_layers):
        kind = ALTERNATING.kind(half_layer)
        here = [n for n, p in allocation.placements.items() if p.half_layer == half_layer]
        erased = [v for v, when in allocation.erasures.items() if when == half_layer]
        taken = sum(problem.variable[v].erase_neurons or 0 for v in erased)
        sharings = {}
        for name in here:
            size = _chosen(problem, allocation, name).size
            sharing = problem.operation[name].sharing
            if sharing is None:
                taken += size
            else:
                sharings[sharing] = size
        taken += sum(sharings.values())
        fullest[kind] = max(fullest[kind], taken)
        total += taken
        for v in erased:
            alive.pop(v, None)
        for name in here:
            alive.update((v, problem.variable[v].width) for v in problem.operation[name].writes)
        width = max(width, sum(alive.values()))
    return Costs(allocation.num_layers, width, fullest[Kind.MLP], fullest[Kind.ATTENTION], total)
