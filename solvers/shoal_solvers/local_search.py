"""Other alternatives and options, one at a time, as long as that makes an allocation better."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from shoal_solvers.allocation import Allocation, Placement
from shoal_solvers.checker import violations
from shoal_solvers.heuristics import (
    drop_needless_erasures,
    erase_dead,
    finish,
    present_operations,
)
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.timeline import ALTERNATING

MOST_STEPS = 2_000
"""Operations that are placed in all trials together."""


def improved(
    problem: AllocationProblem,
    allocation: Allocation,
    rank: Callable[[Allocation], tuple[int, ...]],
) -> Allocation:
    """An allocation within the budgets that ranks no higher, every operation as early as it can be.

    Args:
        problem: what is allocated.
        allocation: one within the budgets.
        rank: less is better.
    """
    best, least = allocation, rank(allocation)
    chosen = {
        o.name: allocation.placements[o.name].alternative if o.name in allocation.placements else 0
        for o in problem.operations
    }
    outputs = dict(allocation.outputs)
    trials = MOST_STEPS // max(1, len(problem.operations))
    improving = True
    while improving:
        improving = False
        for other, options in _neighbours(problem, chosen, outputs):
            if trials <= 0:
                return best
            trials -= 1
            candidate = as_early_as_possible(problem, other, options)
            own = rank(candidate)
            if own < least and not any(violations(problem, candidate)):
                best, least, chosen, outputs = candidate, own, other, options
                improving = True
    return best


def as_early_as_possible(
    problem: AllocationProblem, chosen: Mapping[str, int], outputs: Mapping[str, int]
) -> Allocation:
    """Every operation by a given alternative in the first half-layer that it can run in.

    What is dead is erased, but for what can stay in the same width.
    """
    placements: dict[str, Placement] = {}
    for o in present_operations(problem, chosen, outputs):
        sources = [
            placements[problem.producer[v].name].half_layer + 1
            for v in o.alternatives[chosen[o.name]].reads
            if v in problem.producer
        ]
        half_layer = ALTERNATING.next_half_layer(o.kind, max(sources, default=0))
        placements[o.name] = Placement(half_layer, chosen[o.name])
    erased = finish(problem, placements, erase_dead(problem, placements, outputs), outputs)
    return drop_needless_erasures(problem, erased)


def _neighbours(
    problem: AllocationProblem, chosen: Mapping[str, int], outputs: Mapping[str, int]
) -> Iterator[tuple[dict[str, int], dict[str, int]]]:
    """One alternative or one option changed."""
    for o in problem.operations:
        for a in range(len(o.alternatives)):
            if a != chosen[o.name]:
                yield {**chosen, o.name: a}, dict(outputs)
    for choice in problem.choices:
        for number in range(len(choice.options)):
            if number != outputs[choice.name]:
                yield dict(chosen), {**outputs, choice.name: number}
