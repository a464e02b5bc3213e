"""The booleans: what is decided, and what it is called in a model's columns.

Time is counted in layers, because the kind of an operation fixes its half-layer within a
layer. Everything is said with booleans of the form "done by the end of layer l": precedence
and lifetimes are then implications between two of them, the columns occupied in a state are
a weighted sum, and the linear relaxation is tight (without the sums the matrix is a network,
so all its vertices are integral). Start times with a cumulative constraint would say the same;
the sums were chosen for their relaxation, which proves widths of large problems.

Booleans may be had for some layers only. What happens between two of those layers may then happen
in any order, so such a model is a relaxation: no allocation has less than it finds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from shoal_solvers.formulation.linear_model import FALSE, TRUE, IntArray
from shoal_solvers.formulation.readers import Reader, exclusive_groups, find_readers
from shoal_solvers.problem import AllocationProblem, Operation, Variable
from shoal_solvers.timeline import ALTERNATING, Kind
from shoal_solvers.windows import Windows


@dataclass(frozen=True)
class Booleans:
    """What the columns of a model stand for. An array has a column for each of ``layers``.

    Attributes:
        problem: what is allocated.
        windows: of the same problem, feasible; they fix the number of layers.
        layers: those for which there are booleans, in order; the last layer is among them.
        readers: for every variable who can read it.
        groups: the same, in groups of which at most one reads.
        done: by operation and alternative, whether it ran by the end of each layer.
        used: by operation and alternative, whether it is present by this alternative.
        chosen: by choice and option, whether the option is there at the end.
        needed: by input, whether it occupies columns.
        cleared: by variable, arrays whose sum says whether it is erased by the end of each layer;
            none if it never is.
        deciding: variables of which ``cleared`` is decided; others are gone with their last read.
        shared: by sharing, whether its heads are in each layer.
        count: columns so far.
    """

    problem: AllocationProblem
    windows: Windows
    layers: IntArray
    readers: Mapping[str, Sequence[Reader]]
    groups: Mapping[str, Sequence[Sequence[Reader]]]
    done: Mapping[tuple[str, int], IntArray]
    used: Mapping[tuple[str, int], int]
    chosen: Mapping[tuple[str, int], int]
    needed: Mapping[str, int]
    cleared: Mapping[str, tuple[IntArray, ...]]
    deciding: tuple[str, ...]
    shared: Mapping[str, IntArray]
    count: int

    @property
    def is_complete(self) -> bool:
        """Whether there are booleans for every layer."""
        return len(self.layers) == self.windows.num_layers

    @property
    def end(self) -> IntArray:
        """The last layer; the one before the first if there are no layers."""
        return np.array([self.windows.num_layers - 1])

    def index(self, layers: IntArray, before: bool = False) -> IntArray:
        """Where in ``self.layers`` each layer is, or the first one after it, or the last before."""
        if self.is_complete:
            return np.minimum(layers, len(self.layers) - before)
        if before:
            return np.searchsorted(self.layers, layers, side="right") - 1
        return np.searchsorted(self.layers, layers)

    def operation_done(self, operation: Operation) -> list[IntArray]:
        """For each usable alternative whether the operation ran by it by the end of each layer."""
        return [self.done[operation.name, a] for a in self.windows.alternatives(operation)]

    def written(self, variable: Variable, layers: IntArray, before_mlp: bool) -> list[IntArray]:
        """Arrays whose sum says whether a variable is written by the end of each of some layers.

        With ``before_mlp`` the state between attention and MLP of the layer is meant.
        """
        producer = self.problem.producer.get(variable.name)
        if producer is None:
            return [np.full(len(layers), self.needed[variable.name])]
        late = before_mlp and producer.kind is Kind.MLP
        return self.done_before(producer, layers, 1 if late else 0)

    def done_before(self, operation: Operation, layers: IntArray, lag: int) -> list[IntArray]:
        """Whether an operation ran so many layers before the end of each of some layers."""
        before = layers - lag
        done = self.operation_done(operation)
        if not lag:
            return [columns[self.index(before)] for columns in done]
        there = before >= 0
        where = self.index(np.where(there, before, 0))
        return [np.where(there, columns[where], FALSE) for columns in done]

    def choosing(self, variable: str) -> list[int]:
        """For each usable option with the variable, whether it is chosen."""
        return [
            self.chosen[choice.name, number]
            for choice in self.problem.choices
            for number in self.windows.options[choice.name]
            if variable in choice.options[number]
        ]


def make_booleans(
    problem: AllocationProblem,
    windows: Windows,
    *,
    erase_at_once: bool = False,
    states: Sequence[int] | None = None,
) -> Booleans:
    """The booleans of a problem in a fixed number of layers.

    Args:
        problem: what to allocate.
        windows: of the same problem, feasible.
        erase_at_once: erasing counts for nothing but width, so what is read by one operation only
            is gone as soon as that has run, which needs no boolean.
        states: layers before whose MLP columns are going to be counted; None for all. With fewer
            the model is smaller, and a relaxation.
    """
    every = np.arange(windows.num_layers)
    if states is None:
        layers = every
    else:
        near = {layer for s in states for layer in (s - 1, s)} | {windows.num_layers - 1}
        layers = np.array(sorted(near.intersection(every.tolist())), np.int64)
    return _Maker(problem, windows, layers, erase_at_once).booleans()


@dataclass
class _Maker:
    """Hands out columns."""

    problem: AllocationProblem
    windows: Windows
    layers: IntArray
    erase_at_once: bool
    count: int = 2  # the constants
    done: dict[tuple[str, int], IntArray] = field(default_factory=dict)

    @cached_property
    def choosable(self) -> frozenset[str]:
        """What is there at the end if it is chosen."""
        return self.windows.choosable(self.problem)

    def booleans(self) -> Booleans:
        problem, windows = self.problem, self.windows
        readers = find_readers(problem, windows)
        used = {(o.name, a): self._operation(o, a) for o, a in self._pairs()}
        chosen = {
            (choice.name, number): TRUE if len(windows.options[choice.name]) == 1 else self._new()
            for choice in problem.choices
            for number in windows.options[choice.name]
        }
        needed = {v.name: self._input(v, readers) for v in problem.variables if v.is_input}
        cleared: dict[str, tuple[IntArray, ...]] = {}
        deciding = []
        for v in problem.variables:
            first = self._first_erasure(v, readers)
            if first >= windows.num_layers:
                continue
            last_read = self._only_read(v, readers) if self.erase_at_once else ()
            if not last_read:
                deciding.append(v.name)
                cleared[v.name] = (self._new_from(first),)
            else:
                cleared[v.name] = tuple(np.where(self.layers >= first, c, FALSE) for c in last_read)
        return Booleans(
            problem=problem,
            windows=windows,
            layers=self.layers,
            readers=readers,
            groups=exclusive_groups(problem, windows, readers),
            done=self.done,
            used=used,
            chosen=chosen,
            needed=needed,
            cleared=cleared,
            deciding=tuple(deciding),
            shared=self._shared(),
            count=self.count,
        )

    def _pairs(self) -> Iterator[tuple[Operation, int]]:
        for o in self.problem.operations:
            for a in self.windows.alternatives(o):
                yield o, a

    def _new(self) -> int:
        self.count += 1
        return self.count - 1

    def _new_from(self, first: int, last: int | None = None) -> IntArray:
        """New columns for the layers from ``first`` to before ``last``, false elsewhere."""
        end = None if last is None else self._place(last)
        return self._new_at(slice(self._place(first), end))

    def _new_at(self, where: slice | npt.NDArray[np.bool_]) -> IntArray:
        """New columns for some of the layers, false elsewhere."""
        columns = np.full(len(self.layers), FALSE, np.int64)
        number = len(columns[where])
        columns[where] = range(self.count, self.count + number)
        self.count += number
        return columns

    def _place(self, layer: int) -> int:
        """Where a layer, or the first one after it, is among ``layers``."""
        return bisect_left(self._numbers, layer)

    @cached_property
    def _numbers(self) -> list[int]:
        return self.layers.tolist()  # type: ignore[no-any-return]

    def _operation(self, o: Operation, a: int) -> int:
        certain = o.name in self.windows.required and len(self.windows.alternatives(o)) == 1
        used = TRUE if certain else self._new()
        latest = self.windows.latest[o.name]
        columns = self._new_from(self.windows.earliest[o.name, a], latest)
        columns[self._place(latest) :] = used
        self.done[o.name, a] = columns
        return used

    def _input(self, variable: Variable, readers: Mapping[str, Sequence[Reader]]) -> int:
        """An input occupies columns if it is an output or something present reads it."""
        own = readers.get(variable.name, ())
        is_output = variable.name in self.windows.certain_outputs(self.problem)
        if is_output or any(reader.is_certain for reader in own):
            return TRUE
        return self._new() if own or variable.name in self.choosable else FALSE

    def _first_erasure(self, variable: Variable, readers: Mapping[str, Sequence[Reader]]) -> int:
        """The first layer whose MLP can find the variable written and all certain reads done.

        One that is never erased has none: the number of layers.
        """
        never = self.windows.num_layers
        limit = self.problem.budgets.max_neurons
        cost = variable.erase_neurons
        if variable.is_output or cost is None or variable.width == 0:
            return never
        if limit is not None and cost > limit:
            return never
        producer = self.problem.producer.get(variable.name)
        if producer is None:
            first = 0
        elif not self.windows.alternatives(producer):
            return never
        else:
            written = ALTERNATING.half_layer(self.windows.first_layer(producer), producer.kind) + 1
            first = ALTERNATING.layer(ALTERNATING.next_half_layer(Kind.MLP, written))
        for reader in readers.get(variable.name, ()):
            if reader.is_certain:
                first = max(first, self.windows.first_layer(reader.operation))
        return first

    def _only_read(
        self, variable: Variable, readers: Mapping[str, Sequence[Reader]]
    ) -> tuple[IntArray, ...]:
        """Whether the only operation that reads a variable ran; none if that is not so simple.

        It is if that operation certainly reads it, or if the variable is there for nothing else.
        """
        own = readers.get(variable.name, ())
        if len(own) != 1 or variable.name in self.choosable:
            return ()
        reader = own[0]
        producer = self.problem.producer.get(variable.name)
        if not reader.is_certain and producer is not None and len(producer.writes) > 1:
            return ()
        return tuple(self.done[reader.operation.name, a] for a in reader.alternatives)

    def _shared(self) -> dict[str, IntArray]:
        """A boolean for each layer in which one of the operations that share can run."""
        where: dict[str, npt.NDArray[np.bool_]] = {}
        for o in self.problem.operations:
            if o.sharing is None or not self.windows.alternatives(o):
                continue
            possible = (self.layers >= self.windows.first_layer(o)) & (
                self.layers <= self.windows.latest[o.name]
            )
            where[o.sharing] = where.get(o.sharing, np.zeros(len(self.layers), bool)) | possible
        shared = {}
        for sharing, layers in where.items():
            shared[sharing] = self._new_at(layers)
        return shared
