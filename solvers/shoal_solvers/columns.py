"""Residual columns from lifetimes."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from shoal_solvers.allocation import Lifetime
from shoal_solvers.problem import AllocationProblem


def assign_columns(
    problem: AllocationProblem, lives: Mapping[str, Lifetime]
) -> dict[str, tuple[int, ...]]:
    """Columns for every variable, as few as the lifetimes allow.

    Variables take the lowest free columns in the order in which they are born; columns of
    one variable need not be adjacent. For intervals this greedy colouring uses exactly as
    many columns as are occupied at once somewhere (interval graphs are perfect).
    """
    free: list[int] = []
    used = 0
    expiring: list[tuple[int, tuple[int, ...]]] = []
    columns: dict[str, tuple[int, ...]] = {}
    for name in sorted(lives, key=lambda v: lives[v].first):
        life = lives[name]
        while expiring and expiring[0][0] < life.first:
            for column in heapq.heappop(expiring)[1]:
                heapq.heappush(free, column)
        taken = []
        for _ in range(problem.variable[name].width):
            if free:
                taken.append(heapq.heappop(free))
            else:
                taken.append(used)
                used += 1
        columns[name] = tuple(taken)
        heapq.heappush(expiring, (life.last, columns[name]))
    return columns
