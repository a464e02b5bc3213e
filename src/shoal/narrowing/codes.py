"""Codes as alternatives: a problem in which what is read of a variable says how wide it is.

In the problem that lowering poses, variables are as wide as their forms, whoever reads them. Here
each variable that a component writes comes in several codes, which span what some of its readers
take; an alternative of a reader is there once for each code that spans what it takes. The
functionals of inputs lie in blocks instead, of which a reader takes those that it needs. Solving
that problem chooses components by what they will take when variables are narrow.

Only the choice is made use of: what is stored in the end is what ``plan`` finds for the chosen
components, so nothing here can make a model wrong. Source: section 6 of the mathematics of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import prod

import numpy as np

from shoal.craft.affine import Matrix
from shoal.craft.bases import numbered_space
from shoal.craft.components import Component, parts_of
from shoal.lowering.lower import BOS_VARIABLE
from shoal.lowering.lowered import LoweredProgram
from shoal.narrowing.basis import size_of_basis
from shoal.narrowing.chosen import Chosen, Read, by_variable, reads_of
from shoal.program.trace import RESULT
from shoal_solvers import (
    Allocation,
    AllocationProblem,
    Alternative,
    OutputChoice,
    Placement,
    Variable,
)

MOST_ALTERNATIVES = 300
"""Of all operations together; with more there is no such problem, since solvers would take long."""

MOST_CODES = 6
"""Of one variable: what each reader takes, what all take, and what some take together."""

MOST_DEMANDS = 16
"""Of one variable that differ; of others all dimensions are stored."""

_MOST_NUMBERS = 2**14
"""In the list of what a variable can be; of larger ones all dimensions are stored."""


@dataclass(frozen=True, eq=False)
class Demand:
    """What is read of a variable at once.

    Attributes:
        exact: [dimensions, functionals] that are wanted as they are.
        free: the same, wanted up to constants.
    """

    exact: Matrix
    free: Matrix

    def is_same(self, other: Demand) -> bool:
        """Whether the same functionals are read."""
        return np.array_equal(self.exact, other.exact) and np.array_equal(self.free, other.free)


Taken = Mapping[str, int]
"""What is read at once: of each variable the number of a demand."""


@dataclass(frozen=True)
class Codes:
    """How a variable can be stored.

    Attributes:
        widths: the columns of each code or block, by its name.
        ways: for each demand, the codes or blocks that are read together, in every way that does.
    """

    widths: Mapping[str, int]
    ways: Sequence[Sequence[tuple[str, ...]]]


@dataclass(frozen=True, eq=False)
class CodedProblem:
    """An allocation problem with codes as alternatives.

    Attributes:
        problem: the same operations, once for each code of what they write.
        before: by operation or variable of it, the operation or variable that it was.
        alternatives: by operation, the number that each alternative had before.
        results: for each option of the result, the number that it had before.
    """

    problem: AllocationProblem
    before: Mapping[str, str]
    alternatives: Mapping[str, Sequence[int]]
    results: Sequence[int]

    def chosen(self, allocation: Allocation) -> Allocation:
        """The components that an allocation of the problem takes, and in which half-layers.

        What is there in several codes is there from the first one on.
        """
        placements: dict[str, Placement] = {}
        for name, there in sorted(allocation.placements.items(), key=lambda p: p[1].half_layer):
            number = self.alternatives[name][there.alternative]
            placements.setdefault(self.before[name], Placement(there.half_layer, number))
        columns: dict[str, tuple[int, ...]] = {}
        for name, taken in allocation.columns.items():
            columns[self.before[name]] = (*columns.get(self.before[name], ()), *taken)
        outputs = {RESULT: self.results[allocation.outputs.get(RESULT, 0)]}
        return Allocation(allocation.num_layers, placements, {}, columns, outputs)


def coded(lowered: LoweredProgram, problem: AllocationProblem) -> CodedProblem | None:
    """The allocation problem with codes; None if there is nothing to choose, or too much.

    Args:
        lowered: a program with alternatives.
        problem: what it poses, with variables as wide as their forms.
    """
    if len(lowered.results) == 1 and all(len(o.alternatives) == 1 for o in problem.operations):
        return None
    program = lowered.inferred.program
    readers = _Readers(_everything(lowered))
    kept = [lowered.first(number) for number in program.ends if number != program.root]
    results, ends = (
        [readers.take([Read(held.coordinates, False)], held.variables) for held in each]
        for each in (lowered.results, kept)
    )
    taken: dict[str, list[Taken]] = {}
    operations = {operation.name: operation for operation in lowered.operations}
    for name in reversed([operation.name for operation in problem.topological_order]):
        operation = operations[name]
        for code, functionals in readers.settle(name).items():
            taken[code] = [
                readers.take(_reads(component, functionals), reads)
                for component, reads in zip(operation.components, operation.reads, strict=True)
            ]
    for table in lowered.inputs:
        readers.settle_input(table.variable)
    number = sum(readers.count(each) for of_code in taken.values() for each in of_code)
    if number > MOST_ALTERNATIVES:
        return None
    return _with_codes(problem, readers, taken, results, ends)


def _everything(lowered: LoweredProgram) -> Chosen:
    """All that there could be; what variables can be does not depend on what is chosen."""
    placements = {o.name: Placement(0, 0) for o in lowered.operations}
    columns: dict[str, tuple[int, ...]] = dict.fromkeys(lowered.variables, ())
    return Chosen(lowered, Allocation(1, placements, {}, columns))


def _reads(component: Component, functionals: Matrix) -> Iterator[Read]:
    """What a component reads to write functionals of its variable."""
    space = numbered_space("read", functionals.shape[1])
    for part in parts_of(component):
        for role, read in reads_of(part).items():
            of_code = role == "value"
            yield replace(read, map=read.map.into(space, functionals)) if of_code else read


class _Readers:
    """What is taken of each variable, and how it can be stored once that is known of all readers.

    Attributes:
        codes: of the variables that are settled.
    """

    def __init__(self, chosen: Chosen) -> None:
        self.codes: dict[str, Codes] = {}
        self._chosen = chosen
        self._demands: dict[str, list[Demand]] = {name: [] for name in chosen.lowered.variables}
        self._fixed = {BOS_VARIABLE, *chosen.lowered.marks, *chosen.whole}

    def take(self, reads: Iterable[Read], names: Iterable[str] = ()) -> Taken:
        """Note what is read at once.

        Args:
            reads: maps of variables that are not settled yet.
            names: variables that have to be there, if nothing of them is read as well.
        """
        lowered = self._chosen.lowered
        rows: dict[str, tuple[list[Matrix], list[Matrix]]] = {name: ([], []) for name in names}
        for read in reads:
            for name, matrix in by_variable(read.map, lowered):
                rows.setdefault(name, ([], []))[0 if read.is_exact else 1].append(matrix)
        return {name: self._noted(name, *matrices) for name, matrices in rows.items()}

    def _noted(self, name: str, exact: Sequence[Matrix], free: Sequence[Matrix]) -> int:
        """The number of a demand among those of a variable."""
        none = np.zeros((self._size(name), 0))
        new = Demand(np.hstack([none, *exact]), np.hstack([none, *free]))
        known = self._demands[name]
        for number, demand in enumerate(known):
            if demand.is_same(new):
                return number
        known.append(new)
        return len(known) - 1

    def settle(self, name: str) -> dict[str, Matrix]:
        """Decide on the codes of a variable that a component writes; the functionals of each.

        Args:
            name: of a variable all of whose readers have taken what they read.
        """
        ranks = self._ranks(name)
        codes, spans = (self._whole(name), {name: ()}) if ranks is None else _codes(name, ranks)
        self.codes[name] = codes
        return {code: self._functionals(name, spanned) for code, spanned in spans.items()}

    def settle_input(self, name: str) -> None:
        """Decide on the blocks of an input all of whose readers have taken what they read."""
        ranks = self._ranks(name)
        self.codes[name] = self._whole(name) if ranks is None else _blocks(name, ranks)

    def _ranks(self, name: str) -> _Ranks | None:
        """How wide demands of a variable are; None if all its dimensions are stored anyway."""
        demands, size = self._demands[name], self._size(name)
        if name in self._fixed or not 1 < size <= _MOST_NUMBERS or len(demands) > MOST_DEMANDS:
            return None
        points = self._chosen.points(name)
        is_large = points.size > _MOST_NUMBERS
        return None if is_large else _Ranks(demands, points, self._chosen.at_bos[name])

    def _size(self, name: str) -> int:
        return len(self._chosen.lowered.variables[name].space)

    def _whole(self, name: str) -> Codes:
        """All dimensions, whatever is read."""
        return Codes({name: self._size(name)}, [[(name,)]] * len(self._demands[name]))

    def _functionals(self, name: str, spanned: Sequence[int]) -> Matrix:
        """All that some demands read; all dimensions if there are none."""
        demands = [self._demands[name][number] for number in spanned]
        columns = [matrix for each in demands for matrix in (each.exact, each.free)]
        return np.hstack(columns) if columns else np.eye(self._size(name))

    def count(self, taken: Taken) -> int:
        """In how many ways all that is read at once can be there."""
        return prod(len(self.codes[name].ways[number]) for name, number in taken.items())

    def ways(self, taken: Taken) -> Iterator[tuple[str, ...]]:
        """The codes and blocks that are read at once, in each way that does."""
        each = (self.codes[name].ways[number] for name, number in taken.items())
        for chosen in product(*each):
            yield tuple(name for names in chosen for name in names)


class _Ranks:
    """How many columns what is read of a variable takes together."""

    def __init__(self, demands: Sequence[Demand], points: Matrix, at_bos: Matrix) -> None:
        self.size = points.shape[1]
        self.numbers = range(len(demands))
        self._demands, self._points, self._at_bos = demands, points, at_bos
        self._known: dict[frozenset[int], int] = {}

    def __call__(self, numbers: Iterable[int]) -> int:
        key = frozenset(numbers)
        if key not in self._known:
            none = np.zeros((self.size, 0))
            exact = np.hstack([none, *(self._demands[n].exact for n in sorted(key))])
            free = np.hstack([none, *(self._demands[n].free for n in sorted(key))])
            self._known[key] = size_of_basis(self._points, self._at_bos, exact, free)
        return self._known[key]

    def spanned(self, numbers: Iterable[int]) -> tuple[int, ...]:
        """All demands that follow from some."""
        key = frozenset(numbers)
        return tuple(n for n in self.numbers if self({*key, n}) == self(key))


def _codes(name: str, ranks: _Ranks) -> tuple[Codes, dict[str, tuple[int, ...]]]:
    """Codes that span some demands each, all of them among them; and which those are."""
    together = [(n,) for n in ranks.numbers if ranks((n,))]
    pairs = combinations((n for (n,) in together), 2)
    spans: list[tuple[int, ...]] = []
    for numbers in (tuple(ranks.numbers), *together, *pairs):
        spanned = ranks.spanned(numbers)
        if spanned not in spans and len(spans) < MOST_CODES:
            spans.append(spanned)
    names = [name, *(f"{name} as {number}" for number in range(1, len(spans)))]
    widths = {code: ranks(spanned) for code, spanned in zip(names, spans, strict=True)}
    ways = [
        [(code,) for code, spanned in zip(names, spans, strict=True) if number in spanned]
        for number in ranks.numbers
    ]
    return Codes(widths, ways), dict(zip(names, spans, strict=True))


def _blocks(name: str, ranks: _Ranks) -> Codes:
    """Blocks of functionals, each what a demand has that those before it do not.

    A demand is read of the blocks within it, if these are all of it; else of as few as span it.
    """
    blocks: list[int] = []  # each the demand that it completes
    widths: list[int] = []
    ways: dict[int, list[int]] = {}
    for number in sorted(ranks.numbers, key=lambda n: (ranks((n,)), n)):
        inside = [k for k, block in enumerate(blocks) if ranks((number, block)) == ranks((number,))]
        more = max(0, ranks((*blocks, number)) - ranks(blocks))  # of values that differ hugely
        needed = inside
        if ranks([blocks[k] for k in inside]) + more < ranks((number,)):
            needed = list(range(len(blocks)))
        if more:
            needed = [*needed, len(blocks)]
            blocks.append(number)
            widths.append(more)
        else:
            needed = _as_few(ranks, blocks, needed, number)
        ways[number] = needed or [0]
    names = [name, *(f"{name} as {number}" for number in range(1, len(blocks)))]
    found = [[tuple(names[k] for k in ways[number])] for number in ranks.numbers]
    return Codes(dict(zip(names, widths or [0], strict=True)), found)


def _as_few(ranks: _Ranks, blocks: Sequence[int], needed: Sequence[int], number: int) -> list[int]:
    """Some blocks without those that a demand follows from the others without."""
    left = list(needed)
    for k in needed:
        others = [blocks[other] for other in left if other != k]
        if ranks((*others, number)) == ranks(others):
            left.remove(k)
    return left


def _with_codes(
    problem: AllocationProblem,
    readers: _Readers,
    taken: Mapping[str, Sequence[Taken]],
    results: Sequence[Taken],
    ends: Sequence[Taken],
) -> CodedProblem:
    """The problem whose operations write codes, and read them."""
    before = {code: v.name for v in problem.variables for code in readers.codes[v.name].widths}
    options = [(number, way) for number, one in enumerate(results) for way in readers.ways(one)]
    choices = [[way for _, way in options], *(list(readers.ways(end)) for end in ends)]
    at_the_end = {name for ways in choices if len(ways) == 1 for name in ways[0]}
    names = [RESULT, *(f"end {number}" for number in range(len(ends)))]
    operations, numbers = [], {}
    for operation in problem.operations:
        for code in readers.codes[operation.name].widths:
            ways = [
                (number, Alternative(tuple(dict.fromkeys(way)), alternative.size))
                for number, alternative in enumerate(operation.alternatives)
                for way in readers.ways(taken[code][number])
            ]
            numbers[code] = [number for number, _ in ways]
            alternatives = tuple(alternative for _, alternative in ways)
            operations.append(
                replace(operation, name=code, writes=(code,), alternatives=alternatives)
            )
    variables = tuple(
        _variable(problem.variable[name], code, readers.codes[name].widths[code], at_the_end)
        for code, name in before.items()
    )
    chosen = tuple(
        OutputChoice(name, tuple(ways))
        for name, ways in zip(names, choices, strict=True)
        if len(ways) > 1
    )
    made = AllocationProblem(variables, tuple(operations), problem.budgets, problem.name, chosen)
    return CodedProblem(made, before, numbers, [number for number, _ in options])


def _variable(whole: Variable, code: str, width: int, at_the_end: Collection[str]) -> Variable:
    """A code of a variable; one neuron erases a column of those that are not all of it."""
    neurons = whole.erase_neurons if width == whole.width else width
    return Variable(
        code,
        width,
        is_input=whole.is_input,
        is_output=code in at_the_end,
        erase_neurons=None if whole.erase_neurons is None else neurons,
    )
