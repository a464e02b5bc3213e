"""The components that an allocation chose, what they read, and what BOS holds of each variable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np

from shoal.arrays import Array, Float
from shoal.craft.affine import AffineMap, Matrix
from shoal.craft.components import MLP, Component, Head, Heads
from shoal.forms.form import with_none
from shoal.lowering.held import Held, StreamVariable
from shoal.lowering.lowered import LoweredOperation, LoweredProgram, chosen_result
from shoal.lowering.offers import InputTable
from shoal.lowering.synthesis.tables import Table
from shoal.rows import different_rows
from shoal_solvers import Allocation

MOST_TOGETHER = 2**14
"""Of all that variables can be together so many are listed."""

SAME = 1e-9
"""How far apart two computations of one point may be."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """A lowered program with the alternatives that an allocation takes.

    Attributes:
        lowered: the program with all its alternatives.
        allocation: of its problem.
    """

    lowered: LoweredProgram
    allocation: Allocation

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The names of the variables that there are."""
        return tuple(name for name in self.lowered.variables if name in self.allocation.columns)

    @cached_property
    def inputs(self) -> tuple[InputTable, ...]:
        """What the embedding provides of them."""
        there = set(self.variables)
        return tuple(table for table in self.lowered.inputs if table.variable in there)

    @cached_property
    def operations(self) -> tuple[tuple[LoweredOperation, int], ...]:
        """The operations that there are, each with the number of its alternative."""
        placements = self.allocation.placements
        there = (o for o in self.lowered.operations if o.name in placements)
        return tuple((o, placements[o.name].alternative) for o in there)

    @cached_property
    def components(self) -> Mapping[str, Component]:
        """The component that computes each variable that is no input."""
        return {o.name: o.components[number] for o, number in self.operations}

    @cached_property
    def tables(self) -> Mapping[str, Table | None]:
        """What each component computes, if it was synthesised."""
        return {o.name: o.tables[number] for o, number in self.operations}

    @cached_property
    def backwards(self) -> tuple[str, ...]:
        """The variables, what is written later before what is written earlier."""
        placements = self.allocation.placements
        when = {n: placements[n].half_layer if n in placements else -1 for n in self.variables}
        return tuple(sorted(self.variables, key=lambda name: -when[name]))

    @cached_property
    def result(self) -> Held:
        """How the result is held."""
        return chosen_result(self.lowered, self.allocation)

    @cached_property
    def room(self) -> float:
        """How far off the result may be to be decoded; 0 if it is not."""
        is_decoded = self.result.codes is not None and not self.result.form.is_number
        return self.result.form.room(self.result.domain) if is_decoded else 0.0

    @cached_property
    def whole(self) -> frozenset[str]:
        """Variables that stay whole for those who look: of what is kept, and a one-hot result."""
        program = self.lowered.inferred.program
        held = [self.lowered.first(n) for n in program.ends if program.node(n).is_kept]
        if self.result.form.picks_one and self.result.own is not None:
            held.append(self.result)
        return frozenset(name for one in held for name in one.variables)

    def is_there(self, held: Held) -> bool:
        """Whether all variables that something is read from are there."""
        return all(name in self.allocation.columns for name in held.variables)

    @cached_property
    def at_bos(self) -> Mapping[str, Matrix]:
        """[dimensions] of each variable at the BOS position."""
        known: dict[str, Matrix] = {
            table.variable: _embedded_at_bos(table) for table in self.inputs
        }
        waiting = dict(self.components)
        while waiting:
            for name, component in list(waiting.items()):
                found = self._written_at_bos(component, known)
                if found is not None:
                    known[name] = found
                    del waiting[name]
        return known

    def _written_at_bos(self, component: Component, known: Mapping[str, Matrix]) -> Matrix | None:
        if isinstance(component, MLP):
            return component.output.bias  # its neurons are off
        if isinstance(component, Heads):
            each = [self._written_at_bos(head, known) for head in component.heads]
            there = [part for part in each if part is not None]
            return np.sum(there, axis=0) if len(there) == len(each) else None
        if component.value_at_bos is not None:
            return component.value_at_bos
        value = component.value
        names = {self.lowered.holder[direction] for direction in value.source.directions}
        if not names <= known.keys():
            return None
        total = value.bias
        for name, rows in by_variable(value, self.lowered):
            total = total + known[name] @ rows
        return np.asarray(total)

    def points(self, name: str) -> Float[Array, "points dimensions"]:
        """What a variable can be at tokens, or as many points that span all of its space.

        Source of the latter: where values cannot be listed, nothing is known of how the dimensions
        depend on each other.
        """
        if name not in self._known_points:
            self._known_points[name] = self._points(self.lowered.variables[name])
        return self._known_points[name]

    @cached_property
    def _known_points(self) -> dict[str, Matrix]:
        return {}

    def are_listed_together(self, names: Sequence[str]) -> bool:
        """Whether all that variables can be together is little enough to be listed."""
        return prod(len(self.points(name)) for name in names) <= MOST_TOGETHER

    def spanning_points(self, names: Sequence[str]) -> Float[Array, "points dimensions"]:
        """As many points as span the affine space of all that variables can be together.

        Nothing is known of how they depend on each other. So these are all combinations of what
        each can be, and whatever is affine in them is known by what it is where all but one are as
        they are first.
        """
        each = [self.points(name) for name in names]
        first = np.concatenate([points[0] for points in each])
        found, start = [first[None]], 0
        for points in each:
            of_one = np.repeat(first[None], len(points) - 1, axis=0)
            of_one[:, start : start + points.shape[1]] = points[1:]
            found.append(of_one)
            start += points.shape[1]
        return np.vstack(found)

    def is_listed(self, variable: StreamVariable) -> bool:
        """Whether its points are all that a variable can be, and not some that span its space."""
        if variable.of:
            return all(map(self.is_listed, variable.of))
        if any(table.variable == variable.name for table in self.inputs):
            return True
        return self._listed(variable.name) is not None

    def _listed(self, name: str) -> Matrix | None:
        """What a variable can be that holds one value; None if that cannot be listed."""
        if name not in self._known_lists:
            held = self.lowered.stored.get(name)
            self._known_lists[name] = None if held is None else _listed(held)
        return self._known_lists[name]

    @cached_property
    def _known_lists(self) -> dict[str, Matrix | None]:
        return {}

    def _points(self, variable: StreamVariable) -> Matrix:
        name, size = variable.name, len(variable.space)
        for table in self.inputs:
            if table.variable == name:
                return _embedded(table)
        if variable.of:
            return _together([self._points(member) for member in variable.of])
        points = self._listed(name)
        if points is not None:
            return points
        return np.vstack([np.eye(size), np.zeros((1, size))])


def _together(each: Sequence[Matrix]) -> Matrix:
    """Rows of several lists side by side, in all combinations."""
    points = np.zeros((1, 0))
    for rows in each:
        first, second = np.divmod(np.arange(len(points) * len(rows)), len(rows))
        points = np.hstack([points[first], rows[second]])
    return points


def _listed(held: Held) -> Matrix | None:
    """What dimensions are when one value is held; None if that cannot be listed."""
    if not has_one_point_each(held):
        return None
    assert held.codes is not None
    rows = with_none(held.codes, held.domain.nullable)
    if held.coordinates.only_shifts:
        return rows - held.coordinates.bias if len(rows) else None
    points = (rows - held.coordinates.bias) @ np.linalg.pinv(held.coordinates.matrix)
    is_right = len(points) and np.abs(held.coordinates(points) - rows).max(initial=0.0) <= SAME
    return np.asarray(points) if is_right else None


def has_one_point_each(held: Held) -> bool:
    """Whether the dimensions of what is held are the same whenever its value is."""
    if held.codes is None or held.coordinates.only_shifts:
        return held.codes is not None
    matrix = held.coordinates.matrix
    return bool(np.linalg.matrix_rank(matrix) == len(matrix))


def _embedded_at_bos(table: InputTable) -> Matrix:
    rows = [] if table.by_token is None else [table.by_token[-1]]
    rows += [] if table.by_position is None else [table.by_position[0]]
    return np.asarray(sum(rows))


def _embedded(table: InputTable) -> Matrix:
    """All rows that the embedding puts into a variable at tokens."""
    none = np.zeros((1, 1))
    tokens = none if table.by_token is None else table.by_token[:-1]
    positions = none if table.by_position is None else table.by_position[1:]
    rows = np.vstack(list(tokens[:, None] + positions[None]))
    return np.asarray(rows[different_rows(rows)[0]])


def by_variable(affine: AffineMap, lowered: LoweredProgram) -> Iterator[tuple[str, Matrix]]:
    """For each variable that a map reads, its rows [dimensions of the variable, target]."""
    directions = affine.source.directions
    read: dict[str, list[int]] = {}
    for number, direction in enumerate(directions):
        read.setdefault(lowered.holder[direction], []).append(number)
    for name, numbers in read.items():
        space = lowered.variables[name].space
        rows = np.zeros((len(space), len(affine.target)))
        rows[[space.index[directions[n]] for n in numbers]] = affine.matrix[numbers]
        if rows.any():
            yield name, rows


@dataclass(frozen=True, eq=False)
class Read:
    """A map that reads the stream, and whether it can do with what differs by a constant.

    It cannot where nothing corrects what it is given of BOS, since BOS would have the constant too.

    Attributes:
        map: from the stream.
        is_exact: whether it needs functionals as they are.
        passes_on: whether others read what it makes of them, a number perhaps; else they are
            compared, or scored.
        bears: how far off what it reads may be in any case.
    """

    map: AffineMap
    is_exact: bool
    passes_on: bool = False
    bears: float = 0.0


def reads_of(component: Component) -> dict[str, Read]:
    """The maps by which a component reads the stream, by what they are for."""
    if isinstance(component, MLP):
        return {"hidden": Read(component.hidden, is_exact=not component.off_at_bos)}
    if isinstance(component, Heads):
        return {
            f"{number} {role}": read
            for number, head in enumerate(component.heads)
            for role, read in reads_of(head).items()
        }
    return {
        "query": Read(component.query, component.query_at_bos is None),
        "key": Read(component.key, component.key_at_bos is None),
        "value": Read(component.value, component.value_at_bos is None, passes_on=True),
    }


def with_reads(component: Component, maps: Mapping[str, AffineMap]) -> Component:
    """The component with other maps from the stream, as of ``reads_of``."""
    if isinstance(component, MLP):
        return replace(component, hidden=maps["hidden"])
    if isinstance(component, Heads):
        heads = []
        for number, head in enumerate(component.heads):
            own = {role: maps[f"{number} {role}"] for role in ("query", "key", "value")}
            heads.append(_head_with(head, own))
        return replace(component, heads=tuple(heads))
    return _head_with(component, maps)


def _head_with(component: Head, maps: Mapping[str, AffineMap]) -> Head:
    return replace(component, query=maps["query"], key=maps["key"], value=maps["value"])
