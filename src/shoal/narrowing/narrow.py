"""From a program with chosen components to the same one over narrower variables.

Of each variable a basis of what its readers take is stored, by ``basis.py``. What writes it writes
that; what reads it reads through it. Nothing else changes: each score, neuron and logit is the same
function of the input. Source: every reader of the residual stream is linear, so no fewer columns of
a variable do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from shoal.contract import TOLERANCE
from shoal.craft.affine import AffineMap, Matrix
from shoal.craft.bases import join
from shoal.craft.components import BOS_SPACE, MARK, Component, pin_to_bos
from shoal.craft.fitting import fit_affine, product
from shoal.lowering.held import Held, StreamVariable
from shoal.lowering.lower import BOS_VARIABLE
from shoal.lowering.lowered import LoweredOperation, LoweredProgram, decided
from shoal.lowering.offers import InputTable
from shoal.narrowing.chosen import Chosen, by_variable, reads_of, with_reads
from shoal.narrowing.joined import joined, joined_name
from shoal.narrowing.names import as_codes, wanted_by_names
from shoal.narrowing.plan import plan
from shoal.narrowing.stored import Stored
from shoal.narrowing.worth_joining import worth_joining
from shoal.program.rewriting import Saving
from shoal_solvers import Allocation

NARROW = "narrow"
"""The name of the pass."""

JOINT = "joint"
"""The name of the pass by which what is written together shares columns, and names are given up."""

SAVES = MappingProxyType(
    {
        NARROW: "columns of variables that nothing reads",
        JOINT: "variables held in columns of others",
    }
)
"""What each of them counts."""


def narrowed(
    lowered: LoweredProgram,
    allocation: Allocation,
    names: Collection[int],
    also_written: bool = False,
) -> tuple[LoweredProgram, int]:
    """The components that an allocation chose, over variables as narrow as these allow.

    And how many of those that components write are held in columns of others.

    Args:
        lowered: a program with alternatives.
        allocation: of its problem.
        names: node ids of s-ops that stay readable if they are, and share no columns that
            components write with others.
        also_written: whether what components of one half-layer write may share columns; inputs may
            in any case.
    """
    narrow = _planned(Chosen(decided(lowered, allocation), allocation), names)
    narrow = _with_joined(narrow, names, also_written)
    chosen, lowered = narrow.chosen, narrow.chosen.lowered
    components = {name: narrow.component(name) for name in chosen.components}
    # blocks are of the first alternatives; among others they may wait for each other
    is_joined = any(chosen.lowered.variables[name].of for name in chosen.variables)
    is_as_offered_first = not is_joined and not any(number for _, number in chosen.operations)
    operations = tuple(
        LoweredOperation(
            o.name,
            o.block if is_as_offered_first else o.name,
            (components[o.name],),
            (narrow.read_by(components[o.name]),),
            (o.rules[number],),
            (o.tables[number],),
            o.sharing,
        )
        for o, number in chosen.operations
    )
    is_read = any(BOS_VARIABLE in o.reads[0] for o in operations)
    there = [name for name in chosen.variables if name != BOS_VARIABLE or is_read]
    result = narrow.read(chosen.result)
    assert result is not None  # what the result is decoded from is read
    variables = {part.name: part for name in there for part in narrow.parts(name)}
    saved = sum(len(lowered.variables[name].space) for name in chosen.variables)
    saved -= sum(len(variable.space) for variable in variables.values())
    inputs = {table.variable for table in chosen.inputs}
    written = [variable for name, variable in lowered.variables.items() if name not in inputs]
    shared = sum(len(variable.of) - 1 for variable in written if variable.of)
    program = replace(
        lowered,
        variables=variables,
        inputs=tuple(i for t in chosen.inputs if t.variable in there for i in narrow.input(t)),
        operations=operations,
        held=_Kept(narrow, result),
        raw={n: new for n, h in lowered.raw.items() if (new := narrow.held(h)) is not None},
        savings=(*lowered.savings, Saving(NARROW, saved, SAVES[NARROW])),
        result=result,
        mark=narrow.mark,
    )
    return program, shared


def _planned(chosen: Chosen, names: Collection[int]) -> Narrowed:
    """Each variable as narrow as its readers allow, and names."""
    narrow = Narrowed(chosen, plan(chosen, {}))
    wanted = wanted_by_names(chosen, names, narrow.held)
    return Narrowed(chosen, plan(chosen, wanted)) if wanted else narrow


def _with_joined(narrow: Narrowed, names: Collection[int], also_written: bool) -> Narrowed:
    """The same with variables in shared columns, as long as that takes fewer."""
    while groups := worth_joining(narrow.chosen, narrow.stored, names, also_written):
        before, tried = narrow.chosen, narrow
        while groups:
            tried = _planned(Chosen(*joined(before.lowered, before.allocation, groups)), names)
            precise = [g for g in groups if joined_name(before.lowered, g) in tried.stored]
            if len(precise) == len(groups):
                break
            groups = precise
        if not groups or tried.columns >= narrow.columns:
            break
        narrow = tried
    return narrow


@dataclass(frozen=True, eq=False)
class _Kept(Mapping[int, tuple[Held, ...]]):
    """The ways in which values can still be read, found when somebody asks for names.

    Attributes:
        narrow: what is stored.
        result: how the result is read of that.
    """

    narrow: Narrowed
    result: Held

    def __getitem__(self, number: int) -> tuple[Held, ...]:
        if number not in self._found:
            ways = self.narrow.chosen.lowered.held[number]
            self._found[number] = tuple(way for held in ways for way in self._ways(held))
        return self._found[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self.narrow.chosen.lowered.held)

    def __len__(self) -> int:
        return len(self.narrow.chosen.lowered.held)

    def __reduce__(self) -> tuple[type[dict[int, tuple[Held, ...]]], tuple[Any]]:
        return dict, (dict(self),)

    @cached_property
    def _found(self) -> dict[int, tuple[Held, ...]]:
        return {}

    def _ways(self, held: Held) -> Iterator[Held]:
        if held is self.narrow.chosen.result:
            yield self.result
        else:
            found = self.narrow.held(held), self.narrow.read_longest(held)
            yield from (way for way in found if way is not None)


@dataclass(frozen=True, eq=False)
class Narrowed:
    """Variables, maps and components over narrower variables.

    Attributes:
        chosen: the program before.
        stored: the variables of which less than all dimensions are stored.
    """

    chosen: Chosen
    stored: Mapping[str, Stored]

    def parts(self, name: str) -> tuple[StreamVariable, ...]:
        """The variables that hold what a variable of before held."""
        stored = self.stored.get(name)
        return (self.chosen.lowered.variables[name],) if stored is None else stored.variables

    @property
    def columns(self) -> int:
        """How many there are of all variables together."""
        return sum(len(variable.space) for variable in self.variables.values())

    @cached_property
    def variables(self) -> Mapping[str, StreamVariable]:
        """All of them by their names."""
        return {part.name: part for name in self.chosen.variables for part in self.parts(name)}

    @cached_property
    def at_bos(self) -> Mapping[str, Matrix]:
        """[columns] of each of them at the BOS position."""
        found = {n: x for n, x in self.chosen.at_bos.items() if n not in self.stored}
        for stored in self.stored.values():
            for name, part in zip(stored.names, stored.parts, strict=True):
                found[name] = stored.at_bos[part]
        return found

    @cached_property
    def mark(self) -> AffineMap:
        """1 at the BOS position and 0 elsewhere; read off tokens if that keeps none of them longer.

        One column that is 1 at all tokens will do in any case.
        """
        inputs = [table for table in self.chosen.inputs if table.variable != BOS_VARIABLE]
        parts = [part for table in inputs for part in self.input(table)]
        found = [(part, mark) for part in parts if (mark := self._mark_in(part)) is not None]
        for part, mark in found:
            if len(mark.source) == 1 or self._is_read_last(part.variable):
                return mark
        return MARK

    def _mark_in(self, part: InputTable) -> AffineMap | None:
        """The mark of BOS as a function of what an input is at tokens; None if it is none."""
        if part.by_token is None or part.by_position is not None:
            return None
        is_bos = np.eye(len(part.by_token))[-1:].T
        fitted = fit_affine(part.by_token, is_bos)
        if fitted is None:
            return None
        matrix, bias = (np.round(found).astype(float) for found in fitted)
        if not np.array_equal(part.by_token @ matrix + bias, is_bos):
            return None
        return AffineMap(self.variables[part.variable].space, BOS_SPACE, matrix, bias)

    def _is_read_last(self, variable: str) -> bool:
        """Whether a variable is read when nobody needs the mark of BOS any more."""
        last = {BOS_VARIABLE: -1, variable: -1}
        for name in self.chosen.components:
            when = self.chosen.allocation.placements[name].half_layer
            for direction in self._pinned(self.component(name), MARK).source.directions:
                if direction.variable in last:
                    last[direction.variable] = max(last[direction.variable], when)
        return last[variable] >= last[BOS_VARIABLE]

    def input(self, table: InputTable) -> tuple[InputTable, ...]:
        """What the embedding puts into the variables that hold one."""
        stored = self.stored.get(table.variable)
        if stored is None:
            return (table,)

        def of(part: slice, rows: Matrix | None) -> Matrix | None:
            return None if rows is None else product(rows, stored.basis[:, part])

        return tuple(
            InputTable(name, of(part, table.by_token), of(part, table.by_position))
            for name, part in zip(stored.names, stored.parts, strict=True)
        )

    def through(self, affine: AffineMap, is_exact: bool) -> AffineMap | None:
        """A map that reads variables as they are stored; None if it cannot."""
        spaces, matrices, bias = [], [], affine.bias
        for name, rows in by_variable(affine, self.chosen.lowered):
            stored = self.stored.get(name)
            parts: tuple[slice, ...] = (slice(None),)
            if stored is not None:
                found = stored.read(rows, is_exact)
                if found is None:
                    return None
                rows, constants = found
                bias = bias + constants
                parts = stored.parts
            for variable, part in zip(self.parts(name), parts, strict=True):
                if rows[part].any():
                    spaces.append(variable.space)
                    matrices.append(rows[part])
        matrix = np.vstack([np.zeros((0, len(affine.target))), *matrices])
        return AffineMap(join(*spaces), affine.target, matrix, bias)

    def component(self, name: str) -> Component:
        """What computes a variable, over variables as they are stored."""
        stored = self.stored.get(name)
        component = self.chosen.components[name]
        if stored is not None:
            component = stored.writer(component)
        maps = {}
        for role, read in reads_of(component).items():
            found = self.through(read.map, read.is_exact)
            assert found is not None  # bases span what components read
            maps[role] = found
        return with_reads(component, maps)

    def read(self, held: Held) -> Held | None:
        """What is held, in the same form; None if that cannot be had of what is stored."""
        if not self.chosen.is_there(held):
            return None
        coordinates = self.through(held.coordinates, is_exact=False)
        if coordinates is None or not (held is self.chosen.result or self._is_close(held)):
            return None
        used = {direction.variable for direction in coordinates.source.directions}
        early = used & {part.name for name in held.variables for part in self.parts(name)[1:]}
        others = {*held.variables} - {table.variable for table in self.chosen.inputs}
        if early and others:  # these may be computed when the former are not there any more
            return None
        names = (*held.variables, *sorted(early))
        coordinates = coordinates.over(join(*(self.variables[name].space for name in names)))
        return replace(held, variables=names, coordinates=coordinates, own=self._own(held))

    def _is_close(self, held: Held) -> bool:
        """Whether small values are read as precisely as large ones beside them."""
        for name, rows in by_variable(held.coordinates, self.chosen.lowered):
            stored = self.stored.get(name)
            found = None if stored is None else stored.read(rows)
            if stored is None or found is None:
                continue
            values = stored.points @ rows
            off = np.abs(stored.points @ stored.basis @ found[0] + found[1] - values)
            if (off > TOLERANCE * np.maximum(1.0, np.abs(values))).any():
                return False
        return True

    def held(self, held: Held) -> Held | None:
        """What is held, in the same form, or as what is stored if that tells its values apart."""
        if not self.chosen.is_there(held):
            return None
        found = self.read(held)
        if found is not None or len(held.variables) != 1:
            return found
        stored = self.stored.get(held.variables[0])
        return None if stored is None else as_codes(stored, held, len(stored.names))

    def read_longest(self, held: Held) -> Held | None:
        """What is held, by what is there longest of its variable, if that tells values apart."""
        stored = self.stored.get(held.variables[0]) if len(held.variables) == 1 else None
        if stored is None or len(stored.names) == 1 or not self.chosen.is_there(held):
            return None
        return as_codes(stored, held, 1)

    def _own(self, held: Held) -> StreamVariable | None:
        return None if held.own is None else self.parts(held.own.name)[0]

    def read_by(self, component: Component) -> tuple[str, ...]:
        """The variables that a component reads, the mark of BOS if it has to be corrected there."""
        source = self._pinned(component, self.mark).source
        return tuple(dict.fromkeys(d.variable for d in source.directions))

    def _pinned(self, component: Component, mark: AffineMap) -> Component:
        """A component with its maps corrected for the BOS position by a mark."""
        names = dict.fromkeys(
            d.variable for read in reads_of(component).values() for d in read.map.source.directions
        )
        for direction in mark.source.directions:
            names.setdefault(direction.variable)
        space = join(*(self.variables[name].space for name in names))
        at_bos = np.concatenate([np.zeros(0), *(self.at_bos[name] for name in names)])
        return pin_to_bos(component, space, at_bos, mark)
