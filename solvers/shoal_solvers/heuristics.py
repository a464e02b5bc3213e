"""The two polynomial placements: longest path, and critical path."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import networkx as nx

from shoal_solvers.allocation import Allocation, Placement, last_reads, lifetimes
from shoal_solvers.columns import assign_columns
from shoal_solvers.problem import AllocationProblem, Kind, Operation


def longest_path(problem: AllocationProblem) -> Allocation:
    """Tracr's heuristic, for comparison; every operation as written, nothing is erased.

    The level of a block is the number of blocks on the longest path to it. A level of
    attention only, followed by a level of MLPs only, shares a layer with it; every other
    level is a layer. Source: section 6 of the design.
    """
    present = _present(problem, {o.name: 0 for o in problem.operations})
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
    placements = {o.name: Placement(2 * layer[o.name] + o.kind.parity, 0) for o in present}
    return finish(problem, placements, erasures={})


def critical_path(problem: AllocationProblem) -> Allocation:
    """Every operation as early as it can be; values are erased as soon as they are dead.

    Each operation takes the alternative under which it is ready first (the first of equals).
    The number of layers is optimal when nothing but depth counts, and so it is a lower bound
    under any budgets.
    """
    earliest, choice = earliest_half_layers(problem)
    present = _present(problem, choice)
    placements = {o.name: Placement(earliest[o.name], choice[o.name]) for o in present}
    erased = finish(problem, placements, erase_dead(problem, placements))
    return drop_needless_erasures(problem, erased)


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
            ready.append(next_half_layer(max(sources, default=-1), o.kind))
        earliest[o.name] = min(ready)
        choice[o.name] = ready.index(min(ready))
    return earliest, choice


def next_half_layer(after: int, kind: Kind) -> int:
    """The first half-layer of a kind that lies after half-layer ``after`` (-1: none yet)."""
    return after + 1 if (after + 1) % 2 == kind.parity else after + 2


def erase_dead(problem: AllocationProblem, placements: Mapping[str, Placement]) -> dict[str, int]:
    """For every variable that can be erased, the first MLP half-layer that may erase it."""
    last_half_layer = 2 * _num_layers(placements) - 1
    read = last_reads(problem, placements)
    erasures = {}
    for name, life in lifetimes(problem, _num_layers(placements), placements, {}).items():
        variable = problem.variable[name]
        half_layer = max(read.get(name, -1), life.first)
        half_layer += (half_layer + 1) % 2
        if (
            variable.erase_neurons is not None
            and not variable.is_output
            and half_layer <= last_half_layer
        ):
            erasures[name] = half_layer
    return erasures


def drop_needless_erasures(problem: AllocationProblem, allocation: Allocation) -> Allocation:
    """The same placements in the same width with fewer erasures, the dearest dropped first."""
    states = 2 * allocation.num_layers + 1
    occupied = [0] * states
    lives = lifetimes(problem, allocation.num_layers, allocation.placements, allocation.erasures)
    for name, life in lives.items():
        for state in range(life.first, life.last + 1):
            occupied[state] += problem.variable[name].width
    width = max(occupied)
    kept = dict(allocation.erasures)
    for name in sorted(kept, key=lambda v: (-(problem.variable[v].erase_neurons or 0), v)):
        freed = range(kept[name] + 1, states)
        columns = problem.variable[name].width
        if all(occupied[state] + columns <= width for state in freed):
            for state in freed:
                occupied[state] += columns
            del kept[name]
    return finish(problem, allocation.placements, kept, allocation.num_layers)


def finish(
    problem: AllocationProblem,
    placements: Mapping[str, Placement],
    erasures: Mapping[str, int],
    num_layers: int | None = None,
) -> Allocation:
    """The allocation for given placements and erasures: counts layers, assigns columns."""
    if num_layers is None:
        num_layers = _num_layers(placements)
    lives = lifetimes(problem, num_layers, placements, erasures)
    return Allocation(num_layers, placements, erasures, assign_columns(problem, lives))


def _num_layers(placements: Mapping[str, Placement]) -> int:
    return max((p.half_layer // 2 + 1 for p in placements.values()), default=0)


def _present(problem: AllocationProblem, choice: Mapping[str, int]) -> list[Operation]:
    """The operations that the outputs need under a choice of alternatives."""
    needed = {v.name for v in problem.variables if v.is_output}
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
