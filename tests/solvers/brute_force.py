"""The optimum of tiny allocation problems by trying everything; shares no code with solvers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from shoal_solvers import AllocationProblem, Kind

Costs = tuple[int, int, int, int, int]
Choice = dict[str, int]
Times = dict[str, int]


def optimum(problem: AllocationProblem, most_layers: int) -> Costs | None:
    """The lexicographically least costs in up to ``most_layers`` layers; None if there are none."""
    for num_layers in range(most_layers + 1):
        best: Costs | None = None
        for choice, kept in choices(problem):
            for times in schedules(problem, choice, num_layers):
                best = _best_erasure(problem, choice, kept, times, num_layers, best)
        if best is not None:
            return best
    return None


def every_cost(problem: AllocationProblem, most_layers: int) -> Iterator[Costs]:
    """The costs of all allocations within the budgets in up to so many layers."""
    for num_layers in range(most_layers + 1):
        for choice, kept in choices(problem):
            for times in schedules(problem, choice, num_layers):
                first, options = _erasure_options(problem, choice, kept, times, num_layers)
                for picked in itertools.product(*options):
                    erasures = dict(zip(first, picked, strict=True))
                    costs = _costs(problem, choice, first, times, num_layers, erasures)
                    if _within_budgets(problem, costs):
                        yield costs


def choices(problem: AllocationProblem) -> Iterator[tuple[Choice, frozenset[str]]]:
    """Every choice of alternatives and outputs, restricted to the operations that are present."""
    seen = set()
    numbers = [range(len(o.alternatives)) for o in problem.operations]
    certain = {v.name for v in problem.variables if v.is_output}
    for picked, *options in itertools.product(
        itertools.product(*numbers), *(choice.options for choice in problem.choices)
    ):
        everything = {o.name: a for o, a in zip(problem.operations, picked, strict=True)}
        kept = frozenset(certain.union(*options))
        needed = set(kept)
        present: Choice = {}
        grown = True
        while grown:
            grown = False
            for o in problem.operations:
                if o.name not in present and needed & set(o.writes):
                    present[o.name] = everything[o.name]
                    needed |= set(o.alternatives[everything[o.name]].reads)
                    grown = True
        key = (tuple(sorted(present.items())), kept)
        if key not in seen:
            seen.add(key)
            yield present, kept


def schedules(problem: AllocationProblem, choice: Choice, num_layers: int) -> Iterator[Times]:
    """Every half-layer for every present operation, after what it reads."""
    operations = [o for o in problem.topological_order if o.name in choice]
    ready = {v.name: 0 for v in problem.variables if v.is_input}

    def extend(number: int, times: Times, ready: Times) -> Iterator[Times]:
        if number == len(operations):
            yield dict(times)
            return
        o = operations[number]
        start = max((ready[v] for v in o.alternatives[choice[o.name]].reads), default=0)
        for half_layer in range(2 * num_layers):
            if half_layer >= start and (half_layer % 2 == 1) == (o.kind is Kind.MLP):
                written = dict.fromkeys(o.writes, half_layer + 1)
                yield from extend(number + 1, times | {o.name: half_layer}, ready | written)

    yield from extend(0, {}, ready)


def _best_erasure(
    problem: AllocationProblem,
    choice: Choice,
    kept: frozenset[str],
    times: Times,
    num_layers: int,
    best: Costs | None,
) -> Costs | None:
    first, options = _erasure_options(problem, choice, kept, times, num_layers)
    soonest = [min((p for p in points if p is not None), default=None) for points in options]
    erasures = dict(zip(first, soonest, strict=True))
    narrowest = _costs(problem, choice, first, times, num_layers, erasures)
    if best is not None and narrowest[1] > best[1]:
        return best
    for picked in itertools.product(*options):
        erasures = dict(zip(first, picked, strict=True))
        costs = _costs(problem, choice, first, times, num_layers, erasures)
        if _within_budgets(problem, costs) and (best is None or costs < best):
            best = costs
    return best


def _erasure_options(
    problem: AllocationProblem,
    choice: Choice,
    kept: frozenset[str],
    times: Times,
    num_layers: int,
) -> tuple[Times, list[list[int | None]]]:
    """First states of variables, and for each the half-layers that can erase it, or None."""
    first, last_read = _first_and_last(problem, choice, kept, times)
    options: list[list[int | None]] = []
    for name in first:
        variable = problem.variable[name]
        earliest = max(first[name], last_read.get(name, 0))
        points: list[int | None] = [None]
        if variable.erase_neurons is not None and name not in kept:
            points += [h for h in range(earliest, 2 * num_layers) if h % 2 == 1]
        options.append(points)
    return first, options


def _first_and_last(
    problem: AllocationProblem, choice: Choice, kept: frozenset[str], times: Times
) -> tuple[Times, Times]:
    last_read: Times = {}
    for name, a in choice.items():
        for v in problem.operation[name].alternatives[a].reads:
            last_read[v] = max(last_read.get(v, 0), times[name])
    first = {
        v.name: 0
        for v in problem.variables
        if v.is_input and (v.name in kept or v.name in last_read)
    }
    for name in choice:
        first |= dict.fromkeys(problem.operation[name].writes, times[name] + 1)
    return first, last_read


def _costs(
    problem: AllocationProblem,
    choice: Choice,
    first: Times,
    times: Times,
    num_layers: int,
    erasures: dict[str, int | None],
) -> Costs:
    occupied = [0] * (2 * num_layers + 1)
    sizes = [0] * (2 * num_layers)
    for name, start in first.items():
        erased = erasures[name]
        end = 2 * num_layers if erased is None else erased
        for state in range(start, end + 1):
            occupied[state] += problem.variable[name].width
        if erased is not None:
            sizes[erased] += problem.variable[name].erase_neurons or 0
    heads: dict[tuple[int, str], int] = {}
    for name, a in choice.items():
        size, sharing = (
            problem.operation[name].alternatives[a].size,
            problem.operation[name].sharing,
        )
        if sharing is None:
            sizes[times[name]] += size
        else:
            heads[times[name], sharing] = size
    for (half_layer, _), size in heads.items():
        sizes[half_layer] += size
    return (
        num_layers,
        max(occupied),
        max(sizes[1::2], default=0),
        max(sizes[0::2], default=0),
        sum(sizes),
    )


def _within_budgets(problem: AllocationProblem, costs: Costs) -> bool:
    limits = problem.budgets
    names = (limits.max_layers, limits.max_width, limits.max_neurons, limits.max_heads)
    return all(limit is None or c <= limit for c, limit in zip(costs, names, strict=False))
