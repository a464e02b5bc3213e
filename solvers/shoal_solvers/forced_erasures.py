"""Neurons that erasing certainly takes, since everything would not fit otherwise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TypeAlias

import numpy as np

from shoal_solvers.lifetimes import CertainLife, certain_lives
from shoal_solvers.problem import AllocationProblem, Variable
from shoal_solvers.timeline import ALTERNATING, Kind
from shoal_solvers.windows import Windows

MOST_STEPS = 20_000_000
"""Of the exact covering knapsacks of one bound; beyond, their linear relaxations are taken."""

Item: TypeAlias = tuple[int, int]
"""Columns that an erasure clears, and neurons that it takes."""

Step: TypeAlias = tuple[Sequence[Item], int]
"""What can be erased from some state on, and columns that must be clear before the next step."""


@dataclass(frozen=True)
class ForcedErasures:
    """What must be erased in a span of layers in every allocation that is no wider.

    Proof: what is certainly written by a state, and more than there are columns, has been erased by
    then, but for what certainly lives in that state. That holds in every state, with ever more to
    choose from; which erasures is a covering knapsack in steps: columns to clear, at the fewest
    neurons. An erasure that can happen before a span begins costs nothing within it.

    Attributes:
        lives: the certain life of every variable.
        variables: by name.
        earliest: for each variable that can be erased the first layer whose MLP can.
        width: columns that there are.
        num_layers: layers that there are.
    """

    lives: Mapping[str, CertainLife]
    variables: Mapping[str, Variable]
    earliest: Mapping[str, int]
    width: int
    num_layers: int

    def neurons(self, first: int, last: int) -> int:
        """The fewest neurons that erasing takes in the MLPs of layers ``first`` to ``last``."""
        steps = list(self._steps(first, last))
        size = sum(len(items) for items, _ in steps) * max((need for _, need in steps), default=0)
        if size * self.num_layers**2 <= MOST_STEPS:
            return covering_knapsack(steps)
        return relaxed_knapsack(steps)

    def most_neurons(self, first: int, last: int) -> int:
        """No less than ``neurons``, and found at once: all erasures that cannot happen before."""
        return self._paid[last + 1] - self._paid[first]

    @cached_property
    def _paid(self) -> list[int]:
        """Before each layer, the neurons of erasures that can happen in an earlier one."""
        neurons = [0] * self.num_layers
        for name, layer in self.earliest.items():
            if layer < self.num_layers:
                neurons[layer] += self.variables[name].erase_neurons or 0
        return [0, *accumulate(neurons)]

    @cached_property
    def _written(self) -> list[int]:
        """The columns of all that is certainly written by each state."""
        columns = [0] * (ALTERNATING.last_state(self.num_layers) + 1)
        for name, life in self.lives.items():
            if life.born is not None:
                columns[life.born] += self.variables[name].width
        return list(accumulate(columns))

    def _steps(self, first: int, last: int) -> Iterator[Step]:
        """What can be erased by ever later states, and columns that must be clear in each.

        The last one is the state after that in which the last layer's erasures are gone: its MLP
        may write what needs their columns.
        """
        end = ALTERNATING.half_layer(last, Kind.MLP) + 2
        end = min(end, ALTERNATING.last_state(self.num_layers))
        by_state: dict[int, list[Item]] = defaultdict(list)
        for name, earliest in self.earliest.items():
            born, variable = self.lives[name].born, self.variables[name]
            if born is None or earliest > last:
                continue
            assert variable.erase_neurons is not None
            neurons = 0 if earliest < first else variable.erase_neurons
            gone = max(born, ALTERNATING.half_layer(earliest, Kind.MLP) + 1)
            by_state[gone].append((variable.width, neurons))
        states = sorted(state for state in by_state if state <= end)
        for state, following in pairwise([*states, end + 1]):
            yield by_state[state], self._written[following - 1] - self.width


def forced_erasures(problem: AllocationProblem, windows: Windows, width: int) -> ForcedErasures:
    """What must be erased in allocations in ``windows.num_layers`` layers.

    Args:
        problem: the problem.
        windows: of its operations.
        width: columns that there are.
    """
    lives = certain_lives(problem, windows)
    outputs = windows.certain_outputs(problem)
    earliest = {
        v.name: _earliest(problem, windows, v, lives[v.name])
        for v in problem.variables
        if v.erase_neurons is not None and v.name not in outputs and lives[v.name].born is not None
    }
    return ForcedErasures(
        lives, {v.name: v for v in problem.variables}, earliest, width, windows.num_layers
    )


def _earliest(
    problem: AllocationProblem, windows: Windows, variable: Variable, life: CertainLife
) -> int:
    """The first layer whose MLP can erase a variable."""
    written = 0
    producer = problem.producer.get(variable.name)
    if producer is not None:
        half_layer = ALTERNATING.half_layer(windows.first_layer(producer), producer.kind) + 1
        written = ALTERNATING.layer(ALTERNATING.next_half_layer(Kind.MLP, half_layer))
    kept = 0 if life.last < life.first else ALTERNATING.layer(life.last)
    return max(written, kept)


def covering_knapsack(steps: Sequence[Step]) -> int:
    """The fewest neurons of items that clear enough columns in every step, with those before.

    A step that cannot be had asks for all there is. By dynamic programming over columns, in items
    times columns operations.
    """
    needs, there = [], 0
    for items, columns in steps:
        there += sum(width for width, _ in items)
        needs.append(min(max(columns, 0), there))
    most = max(needs, default=0)
    if not most:
        return 0
    far = np.iinfo(np.int64).max // 4
    best = np.full(most + 1, far)  # by columns that are clear; more than ``most`` count as that
    best[0] = 0
    for (items, _), need in zip(steps, needs, strict=True):
        for width, neurons in items:
            if width == 0:
                continue
            taken = np.full(most + 1, far)
            taken[min(width, most) :] = best[: max(most + 1 - width, 1)]
            taken[most] = best[max(most - width, 0) :].min()
            best = np.minimum(best, taken + neurons)
        best[:need] = far
    return int(best.min())


def relaxed_knapsack(steps: Sequence[Step]) -> int:
    """A lower bound of the same: of each step by itself, the cheapest columns first."""
    items: list[Item] = []
    most = 0
    for new, columns in steps:
        items += new
        most = max(most, _cheapest(items, columns))
    return most


def _cheapest(items: Iterable[Item], columns: int) -> int:
    """Neurons for so many columns, the last item in part; rounded up."""
    neurons, left = 0, columns
    for width, cost in sorted(items, key=lambda item: item[1] / item[0] if item[0] else 0.0):
        if left <= 0 or width == 0:
            break
        if width >= left:
            return neurons + -(-cost * left // width)
        neurons, left = neurons + cost, left - width
    return neurons
