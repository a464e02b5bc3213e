"""The two polynomial placements: longest path, and critical path."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType

import networkx as nx

from shoal_solvers.allocation import (
    Allocation,
    Lifetime,
    Placement,
    half_layer_sizes,
    last_reads,
    lifetimes,
    lifetimes_in,
    occupied,
)
from shoal_solvers.checker import violations
from shoal_solvers.columns import assign_columns
from shoal_solvers.problem import AllocationProblem, Operation
from shoal_solvers.timeline import ALTERNATING, Kind


def longest_path(problem: AllocationProblem) -> Allocation:
    """Tracr's heuristic, for comparison; every operation as written, nothing is erased.

    The level of a block is the number of blocks on the longest path to it. A level of
    attention only, followed by a level of MLPs only, shares a layer with it; every other
    level is a layer. Source: section 6 of the design.
    """
    outputs = {choice.name: 0 for choice in problem.choices}
    present = present_operations(problem, {o.name: 0 for o in problem.operations}, outputs)
    block_of = {o.name: o.block or f"operation {o.name}" for o in present}
    graph = nx.DiGraph()
    graph.add_nodes_from(block_of.values())
    for o in present:
        for v in o.alternatives[0].reads:
            if v in problem.producer:
                source = block_of[problem.producer[v].name]
                if source != block_of[o.name]:
                    graph.add_edge(source, block_of[o.name])
    level = {
        block: number
        for number, generation in enumerate(nx.topological_generations(graph))
        for block in generation
    }
    layer = _merge_levels(present, {o.name: level[block_of[o.name]] for o in present})
    placements = {
        o.name: Placement(ALTERNATING.half_layer(layer[o.name], o.kind), 0) for o in present
    }
    return finish(problem, placements, {}, outputs)


def critical_path(problem: AllocationProblem) -> Allocation:
    """Every operation as early as it can be; values are erased as soon as they are dead.

    Each operation takes the alternative, and each choice of outputs the option, under which it is
    ready first (the first of equals).
    The number of layers is optimal when nothing but depth counts, and so it is a lower bound
    under any budgets.
    """
    earliest, choice = earliest_half_layers(problem)
    outputs = first_ready(problem, earliest)
    present = present_operations(problem, choice, outputs)
    placements = {o.name: Placement(earliest[o.name], choice[o.name]) for o in present}
    return with_erasures(problem, placements, outputs)


def as_early_as_possible(
    problem: AllocationProblem,
    chosen: Mapping[str, int],
    outputs: Mapping[str, int],
    not_before: Mapping[str, int] = MappingProxyType({}),
) -> Allocation:
    """Every operation by a given alternative in the first half-layer that it can run in.

    Args:
        problem: what is allocated.
        chosen: an alternative for each operation.
        outputs: an option for each choice.
        not_before: by operation, a half-layer before which it does not run.
    """
    placements: dict[str, Placement] = {}
    for o in present_operations(problem, chosen, outputs):
        sources = [
            placements[problem.producer[v].name].half_layer + 1
            for v in o.alternatives[chosen[o.name]].reads
            if v in problem.producer
        ]
        ready = max([not_before.get(o.name, 0), *sources])
        placements[o.name] = Placement(ALTERNATING.next_half_layer(o.kind, ready), chosen[o.name])
    return with_erasures(problem, placements, outputs)


def earliest_half_layers(problem: AllocationProblem) -> tuple[dict[str, int], dict[str, int]]:
    """The earliest half-layer of every operation, and the alternative that attains it."""
    earliest: dict[str, int] = {}
    choice: dict[str, int] = {}
    for o in problem.topological_order:
        ready = []
        for alternative in o.alternatives:
            sources = [
                earliest[problem.producer[v].name]
                for v in alternative.reads
                if v in problem.producer
            ]
            ready.append(ALTERNATING.next_half_layer(o.kind, max(sources, default=-1) + 1))
        earliest[o.name] = min(ready)
        choice[o.name] = ready.index(min(ready))
    return earliest, choice


def first_ready(problem: AllocationProblem, earliest: Mapping[str, int]) -> dict[str, int]:
    """For each choice the option that is complete first."""

    def ready(option: tuple[str, ...]) -> int:
        producers = [problem.producer[v].name for v in option if v in problem.producer]
        return max((earliest[name] for name in producers), default=-1)

    return {
        choice.name: min(range(len(choice.options)), key=lambda k: ready(choice.options[k]))
        for choice in problem.choices
    }


def with_erasures(
    problem: AllocationProblem, placements: Mapping[str, Placement], outputs: Mapping[str, int]
) -> Allocation:
    """Placed operations, with what is dead erased but for what can stay in the same width."""
    num_layers = _num_layers(placements)
    lives = lifetimes(problem, num_layers, placements, {}, outputs)
    dead = erase_dead(problem, placements, lives, outputs, num_layers)
    return _with_needed(problem, placements, lives, dead, outputs, num_layers)


def drop_needless_erasures(problem: AllocationProblem, allocation: Allocation) -> Allocation:
    """The same placements in the same width with fewer erasures, the dearest dropped first."""
    a = allocation
    lives = lifetimes(problem, a.num_layers, a.placements, {}, a.outputs)
    return _with_needed(problem, a.placements, lives, a.erasures, a.outputs, a.num_layers)


def without_erasures(problem: AllocationProblem, allocation: Allocation) -> Allocation:
    """The same placements with nothing erased."""
    a = allocation
    return finish(problem, a.placements, {}, a.outputs, a.num_layers)


def level_erasures(problem: AllocationProblem, allocation: Allocation) -> Allocation:
    """The same in the same width, with erasures moved from the fullest MLP to later ones."""
    a = allocation
    erasures = dict(a.erasures)
    columns_in = occupied(problem, lifetimes_in(problem, a), a.num_layers)
    width = max(columns_in)
    sizes = half_layer_sizes(problem, a.placements, erasures)
    later = {h for h in ALTERNATING.half_layers(a.num_layers) if ALTERNATING.kind(h) is Kind.MLP}
    while later:
        fullest = max(sorted(later), key=lambda h: sizes[h])
        later = {h for h in later if h > fullest}
        for name in sorted(name for name, h in erasures.items() if h == fullest):
            neurons = problem.variable[name].erase_neurons or 0
            columns = problem.variable[name].width
            for other in sorted(later, key=lambda h: (sizes[h], h)):
                stays = range(fullest + 1, other + 1)
                is_better = sizes[other] + neurons < sizes[fullest]
                if is_better and max(columns_in[s] for s in stays) + columns <= width:
                    erasures[name] = other
                    sizes[fullest] -= neurons
                    sizes[other] += neurons
                    for state in stays:
                        columns_in[state] += columns
                    break
    return finish(problem, a.placements, erasures, a.outputs, a.num_layers)


def erase_dead(
    problem: AllocationProblem,
    placements: Mapping[str, Placement],
    lives: Mapping[str, Lifetime],
    outputs: Mapping[str, int],
    num_layers: int,
) -> dict[str, int]:
    """For every variable that can be erased, the first MLP half-layer that may erase it.

    Args:
        problem: what is allocated.
        placements: of its operations.
        lives: of variables that are never erased.
        outputs: an option for each choice.
        num_layers: layers that there are.
    """
    read = last_reads(problem, placements)
    kept = problem.outputs(outputs)
    erasures = {}
    for name, life in lives.items():
        if problem.variable[name].erase_neurons is None or name in kept:
            continue
        last_use = max(read.get(name, -1), life.first)
        half_layer = ALTERNATING.next_half_layer(Kind.MLP, last_use)
        if half_layer in ALTERNATING.half_layers(num_layers):
            erasures[name] = half_layer
    return erasures


def _with_needed(
    problem: AllocationProblem,
    placements: Mapping[str, Placement],
    lives: Mapping[str, Lifetime],
    erasures: Mapping[str, int],
    outputs: Mapping[str, int],
    num_layers: int,
) -> Allocation:
    """The allocation with those erasures that keep it as narrow as all of them do.

    Args:
        problem: what is allocated.
        placements: of its operations.
        lives: of variables that are never erased.
        erasures: what may be erased, and where.
        outputs: an option for each choice.
        num_layers: layers that there are.
    """
    columns_in = occupied(problem, _ended(lives, erasures), num_layers)
    width = max(columns_in)
    kept = dict(erasures)
    for name in sorted(kept, key=lambda v: (-(problem.variable[v].erase_neurons or 0), v)):
        columns = problem.variable[name].width
        freed = range(kept[name] + 1, len(columns_in))
        if max((columns_in[state] for state in freed), default=0) + columns <= width:
            for state in freed:
                columns_in[state] += columns
            del kept[name]
    columns_of = assign_columns(problem, _ended(lives, kept))
    return Allocation(num_layers, placements, kept, columns_of, outputs)


def _ended(lives: Mapping[str, Lifetime], erasures: Mapping[str, int]) -> dict[str, Lifetime]:
    """Lives that end where something is erased."""
    return {
        name: Lifetime(life.first, erasures.get(name, life.last)) for name, life in lives.items()
    }


def finish(
    problem: AllocationProblem,
    placements: Mapping[str, Placement],
    erasures: Mapping[str, int],
    outputs: Mapping[str, int],
    num_layers: int | None = None,
) -> Allocation:
    """The allocation for given placements and erasures: counts layers, assigns columns."""
    if num_layers is None:
        num_layers = _num_layers(placements)
    lives = lifetimes(problem, num_layers, placements, erasures, outputs)
    return Allocation(num_layers, placements, erasures, assign_columns(problem, lives), outputs)


def repaired(problem: AllocationProblem, allocation: Allocation) -> Allocation | None:
    """The allocation with every operation in the first half-layer from its own on that it can run.

    Alternatives and options are kept where they exist, the first taken where not; what is dead is
    erased. None if that breaks a rule, too, a budget most likely.
    """
    placements, outputs = allocation.placements, {}
    for choice in problem.choices:
        number = allocation.outputs.get(choice.name, 0)
        outputs[choice.name] = number if number in range(len(choice.options)) else 0
    chosen = {}
    for o in problem.operations:
        number = placements[o.name].alternative if o.name in placements else 0
        chosen[o.name] = number if number in range(len(o.alternatives)) else 0
    far = ALTERNATING.last_state(len(problem.operations))
    own = {name: min(max(placement.half_layer, 0), far) for name, placement in placements.items()}
    mended = as_early_as_possible(problem, chosen, outputs, own)
    result = without_empty_layers(problem, mended)
    return None if any(violations(problem, result)) else result


def without_empty_layers(problem: AllocationProblem, allocation: Allocation) -> Allocation:
    """The same order of everything without layers that run and erase nothing."""
    half_layers = {p.half_layer for p in allocation.placements.values()}
    half_layers |= set(allocation.erasures.values())
    busy = sorted({ALTERNATING.layer(h) for h in half_layers})
    place = {layer: number for number, layer in enumerate(busy)}

    def moved(half_layer: int) -> int:
        return ALTERNATING.half_layer(
            place[ALTERNATING.layer(half_layer)], ALTERNATING.kind(half_layer)
        )

    placements = {
        name: Placement(moved(p.half_layer), p.alternative)
        for name, p in allocation.placements.items()
    }
    erasures = {name: moved(half_layer) for name, half_layer in allocation.erasures.items()}
    return finish(problem, placements, erasures, allocation.outputs, len(busy))


def _num_layers(placements: Mapping[str, Placement]) -> int:
    return max((ALTERNATING.layer(p.half_layer) + 1 for p in placements.values()), default=0)


def present_operations(
    problem: AllocationProblem, choice: Mapping[str, int], outputs: Mapping[str, int]
) -> list[Operation]:
    """The operations that the outputs need under a choice of alternatives."""
    needed = set(problem.outputs(outputs))
    present = []
    for o in reversed(problem.topological_order):
        if needed.intersection(o.writes):
            present.append(o)
            needed.update(o.alternatives[choice[o.name]].reads)
    return present[::-1]


def _merge_levels(present: list[Operation], level: Mapping[str, int]) -> dict[str, int]:
    """The layer of every operation, from the levels of the longest-path heuristic."""
    kinds: dict[int, set[Kind]] = defaultdict(set)
    for o in present:
        kinds[level[o.name]].add(o.kind)
    layer_of_level: dict[int, int] = {}
    layer = -1
    open_for_mlp = False
    for number in sorted(kinds):
        if open_for_mlp and kinds[number] == {Kind.MLP}:
            open_for_mlp = False
        else:
            layer += 1
            open_for_mlp = kinds[number] == {Kind.ATTENTION}
        layer_of_level[number] = layer
    return {o.name: layer_of_level[level[o.name]] for o in present}
