"""Neurons that erasing certainly takes, since everything would not fit otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from shoal_solvers.lifetimes import CertainLife, certain_lives
from shoal_solvers.problem import AllocationProblem, Variable
from shoal_solvers.timeline import ALTERNATING, Kind
from shoal_solvers.windows import Windows

MOST_STEPS = 20_000_000
"""Of the exact covering knapsacks of one bound; beyond, their linear relaxations are taken."""

Item = tuple[int, int]
"""Columns that an erasure clears, and neurons that it takes."""


@dataclass(frozen=True)
class ForcedErasures:
    """What must be erased in a span of layers in every allocation that is no wider.

    Proof: what is certainly written by a state, and more than there are columns, has been erased by
    then, but for what certainly lives in that state. Which erasures is a covering knapsack: columns
    to clear, at the fewest neurons. An erasure that can happen before a span begins costs nothing
    within it.

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
        erased = ALTERNATING.half_layer(last, Kind.MLP) + 1  # the state in which they are gone
        states = {erased, min(erased + 1, ALTERNATING.last_state(self.num_layers))}
        return max(self._covering(first, last, state) for state in states)

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

    def _covering(self, first: int, last: int, state: int) -> int:
        excess = self._written[state] - self.width
        if excess <= 0:
            return 0
        items = list(self._items(first, last, state))
        excess -= sum(columns for columns, neurons in items if neurons == 0)
        paid = [item for item in items if item[1] > 0]
        exact = len(paid) * max(excess, 0) * self.num_layers**2 <= MOST_STEPS
        return covering_knapsack(paid, excess) if exact else relaxed_knapsack(paid, excess)

    def _items(self, first: int, last: int, state: int) -> Iterator[Item]:
        """What can have been erased by a state, and what that takes within the span."""
        for name, earliest in self.earliest.items():
            life, variable = self.lives[name], self.variables[name]
            if life.born is None or life.born > state or earliest > last or life.last >= state:
                continue
            assert variable.erase_neurons is not None
            yield variable.width, 0 if earliest < first else variable.erase_neurons


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


def covering_knapsack(items: Iterable[Item], columns: int) -> int:
    """The fewest neurons of items that clear so many columns; of all items, if they do not do.

    By dynamic programming over columns, in items times columns steps.
    """
    if columns <= 0:
        return 0
    items = [item for item in items if item[0] > 0]
    cleared = sum(item[0] for item in items)
    if cleared <= columns:
        return sum(item[1] for item in items)
    far = np.iinfo(np.int64).max // 4
    best = np.full(columns + 1, far)  # by columns still to clear
    best[0] = 0
    for width, neurons in items:
        before = best[np.maximum(np.arange(columns + 1) - width, 0)]
        best = np.minimum(best, before + neurons)
    return int(best[columns])


def relaxed_knapsack(items: Iterable[Item], columns: int) -> int:
    """A lower bound of the same: the cheapest columns first, the last item in part."""
    neurons, left = 0, columns
    for width, cost in sorted(items, key=lambda item: item[1] / item[0] if item[0] else 0.0):
        if left <= 0 or width == 0:
            break
        if width >= left:
            return neurons + -(-cost * left // width)
        neurons, left = neurons + cost, left - width
    return neurons
