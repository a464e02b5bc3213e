"""The fewest layers by trying everything: slow, short, and independent of every other solver.

Alternatives, options for outputs and half-layers are tried one after the other, readers before what
they read, and an attempt ends where something has to be computed and no half-layer is left for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from shoal_solvers.problem import AllocationProblem, Operation
from shoal_solvers.timeline import ALTERNATING, Kind

MOST_STEPS = 2_000_000
"""Placements of single operations that are tried, unless the caller says otherwise."""


@dataclass(frozen=True)
class Exhausted:
    """What trying everything found out.

    Attributes:
        layers: the fewest that do, or None if none up to those that were tried do.
        steps: placements of single operations that were tried for fewer layers than that, each of
            which led nowhere.
        is_complete: whether everything was tried that there is for fewer layers.
    """

    layers: int | None
    steps: int
    is_complete: bool


def exhaust(
    problem: AllocationProblem, most_layers: int, most_steps: int = MOST_STEPS
) -> Exhausted:
    """Try all placements in 0, 1, 2, ... layers, within the budgets of heads and neurons.

    Columns are not counted, and nothing is erased: whatever could be had with fewer columns could
    be had without erasing anything.

    Args:
        problem: variables, operations, budgets.
        most_layers: so many are tried at most.
        most_steps: so many placements of single operations are tried at most.
    """
    steps = 0
    if problem.budgets.max_layers is not None:
        most_layers = min(most_layers, problem.budgets.max_layers)
    for layers in range(most_layers + 1):
        search = _Search(problem, layers, most_steps - steps)
        if search.finds():
            return Exhausted(layers, steps, True)
        steps += search.steps
        if steps >= most_steps:
            return Exhausted(None, steps, False)
    return Exhausted(None, steps, True)


@dataclass
class _Search:
    """Depth first, from what is read last to what is read first.

    Attributes:
        problem: what is placed.
        layers: how many there are.
        most_steps: so many placements are tried.
        steps: how many have been.
    """

    problem: AllocationProblem
    layers: int
    most_steps: int
    steps: int = 0
    _loads: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    _shared: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))

    def finds(self) -> bool:
        """Whether everything can be placed."""
        self._order = self.problem.topological_order[::-1]
        end = ALTERNATING.last_state(self.layers)
        for chosen in _options(self.problem):
            due = dict.fromkeys(self.problem.outputs(chosen), end)
            if self._places(0, due):
                return True
        return False

    def _places(self, number: int, due: Mapping[str, int]) -> bool:
        """Whether the operations from a number on can be placed.

        Args:
            number: of an operation, in the order of the search.
            due: by variable that is needed, the first state in which something reads it.
        """
        if number == len(self._order):
            return True
        operation = self._order[number]
        deadlines = [due[name] for name in operation.writes if name in due]
        if not deadlines:
            return self._places(number + 1, due)
        for half_layer in self._half_layers(operation, min(deadlines)):
            for alternative in operation.alternatives:
                if self.steps >= self.most_steps:
                    return False
                self.steps += 1
                if not self._takes(operation, half_layer, alternative.size):
                    continue
                earlier = {n: min(half_layer, due.get(n, half_layer)) for n in alternative.reads}
                if self._places(number + 1, {**due, **earlier}):
                    return True
                self._gives_back(operation, half_layer, alternative.size)
        return False

    def _half_layers(self, operation: Operation, deadline: int) -> Iterator[int]:
        """Where an operation can run so that its result is there at its deadline."""
        for half_layer in range(deadline):
            if ALTERNATING.kind(half_layer) is operation.kind:
                yield half_layer

    def _takes(self, operation: Operation, half_layer: int, size: int) -> bool:
        """Take heads or neurons of a half-layer, if there are so many left."""
        budgets = self.problem.budgets
        is_attention = operation.kind is Kind.ATTENTION
        limit = budgets.max_heads if is_attention else budgets.max_neurons
        key = (half_layer, operation.sharing or "")
        needed = 0 if operation.sharing and self._shared[key] else size
        if limit is not None and self._loads[half_layer] + needed > limit:
            return False
        self._loads[half_layer] += needed
        self._shared[key] += operation.sharing is not None
        return True

    def _gives_back(self, operation: Operation, half_layer: int, size: int) -> None:
        key = (half_layer, operation.sharing or "")
        self._shared[key] -= operation.sharing is not None
        self._loads[half_layer] -= 0 if operation.sharing and self._shared[key] else size


def _options(problem: AllocationProblem) -> Iterator[dict[str, int]]:
    """Every option for each output that can be had in several ways."""
    names = [choice.name for choice in problem.choices]
    for numbers in product(*(range(len(choice.options)) for choice in problem.choices)):
        yield dict(zip(names, numbers, strict=True))
