"""The booleans of the CP-SAT model, and linear inequalities between them.

Time is counted in layers, because the kind of an operation fixes its half-layer within a
layer. Everything is said with booleans of the form "done by the end of layer l": precedence
and lifetimes are then implications between two of them, the columns occupied in a state are
a weighted sum, and the linear relaxation is tight (without the sums the matrix is a network,
so all its vertices are integral). Start times with a cumulative constraint would say the same;
the sums were chosen for their relaxation, which proves widths of large problems.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ortools.sat.python import cp_model

from shoal_solvers.problem import AllocationProblem, Operation, Variable
from shoal_solvers.timeline import ALTERNATING, Kind
from shoal_solvers.windows import Windows

Term = cp_model.IntVar | int
"""A boolean of the model, or 0 or 1 where the windows already decide it."""

Reader = tuple[Operation, list[int]]
"""An operation, and the usable alternatives by which it reads something."""


class Booleans:
    """The booleans of one problem in a fixed number of layers.

    Args:
        problem: what to allocate.
        windows: of the same problem, feasible; they fix the number of layers.

    Attributes:
        model: the CP-SAT model that they belong to.
        readers: for every variable who can read it.
        sharings: the operations of every sharing.
        started: by operation, alternative and layer, whether it ran by then, where that is open.
        used: by operation and alternative, whether it is present by this alternative.
        chosen: by choice and option, whether the option is there at the end.
        needed: by input, whether it occupies columns.
        cleared: by variable and layer, whether it is erased by then.
        shared: by sharing and layer, whether its heads are there; made when heads are counted.
    """

    def __init__(self, problem: AllocationProblem, windows: Windows) -> None:
        self.problem = problem
        self.windows = windows
        self.model = cp_model.CpModel()
        self.model.name = problem.name
        self.readers = _readers(problem, windows)
        self.sharings: dict[str, list[Operation]] = defaultdict(list)
        for o in problem.operations:
            if o.sharing is not None:
                self.sharings[o.sharing].append(o)
        self.started: dict[tuple[str, int, int], cp_model.IntVar] = {}
        self.used: dict[tuple[str, int], Term] = {}
        for o in problem.operations:
            self._add_operation(o)
        self.chosen: dict[tuple[str, int], Term] = {}
        for choice in problem.choices:
            usable = windows.options[choice.name]
            for number in usable:
                self.chosen[choice.name, number] = 1 if len(usable) == 1 else self._new()
        self.needed: dict[str, Term] = {
            v.name: self._input(v) for v in problem.variables if v.is_input
        }
        self.cleared: dict[tuple[str, int], cp_model.IntVar] = {
            (v.name, layer): self._new()
            for v in problem.variables
            for layer in range(self._first_erasure(v), windows.num_layers)
        }
        self.shared: dict[tuple[str, int], cp_model.IntVar] = {}

    def __len__(self) -> int:
        return len(self.started) + len(self.used) + len(self.cleared) + len(self.shared)

    def _new(self) -> cp_model.IntVar:
        return self.model.new_bool_var("")

    def _add_operation(self, o: Operation) -> None:
        usable = self.windows.alternatives(o)
        for a in usable:
            certain = o.name in self.windows.required and len(usable) == 1
            self.used[o.name, a] = 1 if certain else self._new()
            for layer in range(self.windows.earliest[o.name, a], self.windows.latest[o.name]):
                self.started[o.name, a, layer] = self._new()

    def _input(self, variable: Variable) -> Term:
        """An input occupies columns if it is an output or something present reads it."""
        readers = self.readers[variable.name]
        certain = variable.name in self.windows.certain_outputs(self.problem) or any(
            self.certainly_reads(reader) for reader in readers
        )
        if certain or not (any(numbers for _, numbers in readers) or self.choosing(variable.name)):
            return int(certain)
        return self._new()

    def _first_erasure(self, variable: Variable) -> int:
        """The first layer whose MLP can find the variable written and all certain reads done.

        One that is never erased has none: the number of layers.
        """
        limit = self.problem.budgets.max_neurons
        cost = variable.erase_neurons
        if variable.is_output or cost is None or variable.width == 0:
            return self.windows.num_layers
        if limit is not None and cost > limit:
            return self.windows.num_layers
        producer = self.problem.producer.get(variable.name)
        if producer is None:
            first = 0
        elif not self.windows.alternatives(producer):
            return self.windows.num_layers
        else:
            written = ALTERNATING.half_layer(self.windows.first_layer(producer), producer.kind) + 1
            first = ALTERNATING.layer(ALTERNATING.next_half_layer(Kind.MLP, written))
        for reader in self.readers[variable.name]:
            if self.certainly_reads(reader):
                first = max(first, self.windows.first_layer(reader[0]))
        return first

    def certainly_reads(self, reader: Reader) -> bool:
        """Whether an operation is always there, and reads under all of its alternatives."""
        operation, numbers = reader
        is_required = operation.name in self.windows.required
        return is_required and numbers == self.windows.alternatives(operation)

    # Terms.

    def done(self, operation: str, alternative: int, layer: int) -> Term:
        """Whether the operation ran by this alternative in ``layer`` or an earlier one."""
        earliest = self.windows.earliest.get((operation, alternative))
        if earliest is None or layer < earliest:
            return 0
        if layer >= self.windows.latest[operation]:
            return self.used[operation, alternative]
        return self.started[operation, alternative, layer]

    def operation_done(self, operation: Operation, layer: int) -> list[Term]:
        """Terms whose sum says whether the operation ran in ``layer`` or an earlier one."""
        usable = self.windows.alternatives(operation)
        if operation.name in self.windows.required and layer >= self.windows.latest[operation.name]:
            return [1]
        return [self.done(operation.name, a, layer) for a in usable]

    def written(self, variable: Variable, layer: int, before_mlp: bool) -> list[Term]:
        """Terms whose sum says whether the variable is written by the end of ``layer``.

        With ``before_mlp``, the state between attention and MLP of the layer is meant.
        """
        producer = self.problem.producer.get(variable.name)
        if producer is None:
            return [self.needed[variable.name]]
        late = before_mlp and producer.kind is Kind.MLP
        return self.operation_done(producer, layer - 1 if late else layer)

    def erased(self, variable: str, layer: int) -> Term:
        """Whether the MLP of ``layer`` or an earlier one erases the variable."""
        return self.cleared.get((variable, layer), 0)

    def choosing(self, variable: str) -> list[Term]:
        """For each usable option with the variable, whether it is chosen."""
        return [
            self.chosen[choice.name, number]
            for choice in self.problem.choices
            for number in self.windows.options[choice.name]
            if variable in choice.options[number]
        ]

    # Linear inequalities between terms.

    def imply(self, premise: Term, conclusion: Iterable[Term]) -> None:
        """If the premise holds, one of the terms of the conclusion does."""
        self.at_most([premise], list(conclusion))

    def at_most(self, lower: list[Term], upper: list[Term]) -> None:
        """The sum of ``lower`` is at most the sum of ``upper``."""
        constant = sum(t for t in upper if isinstance(t, int))
        constant -= sum(t for t in lower if isinstance(t, int))
        low = [t for t in lower if not isinstance(t, int)]
        high = [t for t in upper if not isinstance(t, int)]
        both = {t.index for t in low} & {t.index for t in high}
        low = [t for t in low if t.index not in both]
        high = [t for t in high if t.index not in both]
        if len(low) <= constant:
            return
        if len(low) == 1 and constant == 0:
            self.model.add_bool_or([low[0].negated(), *high])
        else:
            self.model.add(sum(low) - sum(high) <= constant)


def _readers(problem: AllocationProblem, windows: Windows) -> dict[str, list[Reader]]:
    """For every variable who can read it, and by which of the usable alternatives."""
    readers: dict[str, list[Reader]] = defaultdict(list)
    for o in problem.operations:
        numbers: dict[str, list[int]] = defaultdict(list)
        for a in windows.alternatives(o):
            for v in dict.fromkeys(o.alternatives[a].reads):
                numbers[v].append(a)
        for v, alternatives in numbers.items():
            readers[v].append((o, alternatives))
    return readers
