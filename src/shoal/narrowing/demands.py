"""What is demanded of each variable, and how it is stored for that.

What is written last is looked at first: who computes less of it may read less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from shoal.arrays import Array, Float
from shoal.contract import ROUNDING
from shoal.craft.affine import Matrix
from shoal.craft.components import MLP
from shoal.craft.fitting import NOISE
from shoal.errors import UnsupportedProgramError
from shoal.lowering.held import seen_errors
from shoal.lowering.lower import BOS_VARIABLE
from shoal.lowering.synthesis.choose import errors_of, rounding_of, synthesise
from shoal.lowering.synthesis.tables import as_layer
from shoal.narrowing.basis import chosen_basis, each_once
from shoal.narrowing.chosen import Chosen, Read, by_variable, reads_of
from shoal.narrowing.stored import Stored

MOST_AMPLIFIED = 4.0
"""Errors that readers see may grow so many times; what would make them grow more is left alone."""

BEARS = 0.25
"""Of the room that the decoder has, what all variables together may take that the result is read
from. Room is half of what it could bear."""

MOST_GAPS = 4096
"""Values as large as so many gaps between two of them are rounded like those."""

AT_THE_END = 2**31
"""When the result is read: after all half-layers."""

_FLOPS = 50_000
"""Multiplications in a unit of work."""


Kind = tuple[Matrix, bool, float, float]
"""Functionals that are read, and how: see ``_kinds``."""


@dataclass
class Demands:
    """Functionals of a variable that somebody takes.

    Attributes:
        size: dimensions.
        exact: when, and [dimensions, functionals] that are wanted as they are.
        free: the same, wanted up to constants.
        passed_on: those of either kind that others read what is made of.
        decoded: those that the decoder takes to tell classes apart, up to constants.
        bears: how far off each of these may be in any case.
    """

    size: int
    exact: list[tuple[int, Matrix]] = field(default_factory=list)
    free: list[tuple[int, Matrix]] = field(default_factory=list)
    passed_on: list[tuple[int, Matrix]] = field(default_factory=list)
    decoded: list[tuple[int, Matrix]] = field(default_factory=list)
    bears: float = 0.0

    @property
    def times(self) -> tuple[int, ...]:
        """The half-layers in which somebody reads, the last one first."""
        found = {when for when, _ in (*self.exact, *self.free, *self.decoded)}
        return tuple(sorted(found, reverse=True))

    def add(self, rows: Matrix, read: Read, when: int) -> None:
        """Demand what a map reads in a half-layer, by its rows [dimensions, functionals]."""
        if read.bears:
            self.decoded.append((when, rows))
            self.bears = min(self.bears or read.bears, read.bears)
            return
        (self.exact if read.is_exact else self.free).append((when, rows))
        if read.passes_on:
            self.passed_on.append((when, rows))

    def wanted(self, since: int = 0) -> tuple[Matrix, Matrix]:
        """What is wanted as it is, and up to constants, in a half-layer or later."""
        return self.joined(self.exact, since), self.joined([*self.free, *self.decoded], since)

    def joined(
        self, kind: Iterable[tuple[int, Matrix]], since: int = 0
    ) -> Float[Array, "dimensions functionals"]:
        """Those of a kind that are wanted in a half-layer or later, each functional once."""
        matrices = [rows for when, rows in kind if when >= since]
        columns = np.hstack([np.zeros((self.size, 0)), *matrices])
        return each_once(columns[:, columns.any(axis=0)])


def plan(chosen: Chosen, more: Mapping[str, Sequence[Matrix]]) -> dict[str, Stored]:
    """How variables are stored of which fewer columns than dimensions will do.

    Args:
        chosen: the program.
        more: by variable, functionals [dimensions, functionals] that are wanted besides.
    """
    variables = chosen.lowered.variables
    demands = {name: Demands(len(variables[name].space)) for name in chosen.variables}
    for name, matrices in more.items():
        demands[name].free.extend((AT_THE_END, rows) for rows in matrices)
    for read in _reads_at_the_end(chosen):
        _demand(chosen, demands, read, AT_THE_END)
    stored: dict[str, Stored] = {}
    for name in chosen.backwards:
        # maps are corrected by the mark of BOS later
        is_fixed = name == BOS_VARIABLE or name in chosen.whole
        found = None if is_fixed else _stored(chosen, name, demands[name])
        if found is not None:
            stored[name] = found
        component = chosen.components.get(name)
        if component is not None and found is not None:
            component = found.writer(component)
        if component is not None:
            when = chosen.allocation.placements[name].half_layer
            for read in reads_of(component).values():
                _demand(chosen, demands, read, when)
    return stored


def _demand(chosen: Chosen, demands: Mapping[str, Demands], read: Read, when: int) -> None:
    each = list(by_variable(read.map, chosen.lowered))
    shared = replace(read, bears=read.bears / max(1, len(each)))
    for name, rows in each:
        demands[name].add(rows, shared, when)


def _reads_at_the_end(chosen: Chosen) -> Iterator[Read]:
    """What is read of the last state: the result, and what is kept."""
    result = chosen.result
    is_decoded = result.codes is not None and not result.form.is_number
    bears = BEARS * result.form.room(result.domain) if is_decoded else 0.0
    yield Read(result.coordinates, is_exact=False, passes_on=True, bears=bears)
    program = chosen.lowered.inferred.program
    for number in program.ends:
        if number != program.root:
            yield Read(chosen.lowered.first(number).coordinates, False, passes_on=True)


def _stored(chosen: Chosen, name: str, demands: Demands) -> Stored | None:
    """How a variable is stored; None if all its dimensions are, as they are."""
    variable = chosen.lowered.variables[name]
    points, at_bos = chosen.points(name), chosen.at_bos[name]
    exact, free = demands.wanted()
    flops = len(points) * demands.size * (exact.shape[1] + free.shape[1] + demands.size)
    chosen.lowered.inferred.work.spend(flops / _FLOPS, name)
    basis = chosen_basis(points, at_bos, exact, free)
    whole = Stored(variable, basis, points, at_bos)
    read_since = cache(lambda since: _kinds(demands, since))
    ways = _ways(chosen, whole, demands, is_exact=bool(exact.size))
    return next((way for way in ways if _is_precise(way, demands.times, read_since)), None)


def _ways(chosen: Chosen, whole: Stored, demands: Demands, is_exact: bool) -> Iterator[Stored]:
    """How a variable may be stored, the best way first; the next one is made when it is asked for.

    Args:
        chosen: the program.
        whole: the variable as a basis of what is read of it.
        demands: what that is.
        is_exact: whether any of it is wanted as it is.
    """
    columns, name = whole.basis.shape[1], whole.before.name
    if any(table.variable == name for table in chosen.inputs):
        yield from _by_last_reader(whole, demands)
    if columns < demands.size:
        whole = _with_errors(chosen, whole)
        if not is_exact:
            yield from _remade(chosen, whole)
        yield whole
        if columns == demands.size - 1 and not is_exact:
            yield from _by_steps(chosen, whole)


def _by_steps(chosen: Chosen, stored: Stored) -> Iterator[Stored]:
    """The same by an MLP that computes, for each dimension but the first, the sum from there on.

    Of dimensions of which one is 1 and all others are 0, each is a difference of two such sums.
    That is off by less than a difference from the sum of all others would be.
    """
    size = len(stored.basis)
    sums = replace(stored, basis=np.tri(size, size - 1, -1), written=None)
    before = chosen.components.get(stored.before.name)
    if isinstance(before, MLP):
        yield from _remade(chosen, sums, before.size)


def _by_last_reader(stored: Stored, demands: Demands) -> Iterator[Stored]:
    """The same in several variables, so that what is read no longer can be erased by itself."""
    basis, levels = np.zeros((demands.size, 0)), []
    for when in demands.times:
        exact, free = demands.wanted(when)
        before = basis
        basis = chosen_basis(stored.points, stored.bos_before, exact, free, before)
        levels.append(basis.shape[1] - before.shape[1])
    levels = [count for count in levels if count]
    if len(levels) > 1 and basis.shape[1] == stored.basis.shape[1]:
        yield replace(stored, basis=basis, levels=tuple(levels))


def _with_errors(chosen: Chosen, stored: Stored) -> Stored:
    """The same, with the errors that the MLP which writes it was seen to make.

    What was exact of single dimensions, since large terms of a sum cancelled, may not be of a
    multiple of them that is no power of two.
    """
    name = stored.before.name
    table, before = chosen.tables.get(name), chosen.components.get(name)
    if table is None or not isinstance(before, MLP):
        return stored
    layer = as_layer(stored.written_by(before), table)
    work = chosen.lowered.inferred.work
    stored_table = replace(table, results=table.results @ stored.basis, work=work)
    seen = errors_of(layer, stored_table, rounding_of(layer, stored_table)[0])
    return replace(stored, written=seen_errors(seen))


def _remade(chosen: Chosen, stored: Stored, most: int | None = None) -> Iterator[Stored]:
    """The same by an MLP that computes what is stored.

    If it takes fewer neurons than writing that instead of all dimensions; or so many, if given.
    """
    name = stored.before.name
    table, before = chosen.tables.get(name), chosen.components.get(name)
    if table is None or not isinstance(before, MLP):
        return
    most = stored.written_by(before).size - 1 if most is None else most
    inferred = chosen.lowered.inferred
    try:
        with inferred.work.optional() as work:
            fewer = replace(table, results=table.results @ stored.basis, work=work)
            made = synthesise(fewer, stored.space, (most + 1) * max(1, fewer.width))
    except UnsupportedProgramError:  # it takes more neurons, or more work than is left
        return
    if made is not None and made[0].size <= most:
        yield replace(stored, mlp=made[0], seen=made[1])


def _is_precise(
    stored: Stored, times: Sequence[int], read_since: Callable[[int], tuple[Kind, ...]]
) -> bool:
    """Whether all that is read can be read through a basis, about as precisely as before.

    Numbers that are passed on are rounded relative to their size, or 1.

    Args:
        stored: the basis.
        times: the half-layers in which somebody reads.
        read_since: what is read in a half-layer or later.
    """
    before, points = stored.before.errors, stored.points
    since = times if stored.levels else (0,)
    for wanted, is_exact, most, bears in (kind for when in since for kind in read_since(when)):
        if not wanted.size:
            continue
        found = stored.read(wanted, is_exact)
        if found is None:
            return False
        values = points @ wanted
        off = _rounding(points @ stored.basis, *found, values)
        allowed = ROUNDING * np.maximum(np.abs(values), np.minimum(_units(values), most))
        allowed = MOST_AMPLIFIED * (allowed + before.projected(wanted))
        if (off + stored.errors.projected(found[0]) > np.maximum(allowed, bears)).any():
            return False
    return True


def _kinds(demands: Demands, since: int) -> tuple[Kind, ...]:
    """What is read, at BOS if it is read there as well, and how far off it may be.

    That is up to what size it may be rounded as if it were so large, and what is borne in any case.
    """
    return (
        (demands.joined(demands.exact, since), True, np.inf, 0.0),
        (demands.joined(demands.free, since), False, np.inf, 0.0),
        (demands.joined(demands.passed_on, since), False, 1.0, 0.0),
        (demands.joined(demands.decoded, since), False, 1.0, demands.bears),
    )


def _rounding(columns: Matrix, matrix: Matrix, constants: Matrix, values: Matrix) -> Matrix:
    """[points, functionals], how far off float32 reads values through what is stored."""
    parts = (part.astype(np.float32).astype(float) for part in (columns, matrix, constants))
    stored, weights, added = parts
    terms = np.abs(stored) @ np.abs(weights) + np.abs(added)
    whole = _are_whole(stored).all() & _are_whole(np.vstack([weights, added])).all(axis=0)
    is_exact = whole & (terms.max(axis=0, initial=0.0) < 2.0**24)
    rounding = np.where(is_exact, 0.0, ROUNDING / 2 * terms)
    return np.asarray(np.abs(stored @ weights + added - values) + rounding)


def _are_whole(numbers: Matrix) -> Matrix:
    return np.asarray(numbers == np.round(numbers))


def _units(values: Matrix) -> Matrix:
    """[functionals], what may be rounded as if it were the size of a value: up to its largest one.

    Not, where values lie much closer to each other than to 0, since readers may tell them apart.
    """
    if not values.size:
        return np.zeros(values.shape[1])
    largest = np.abs(values).max(axis=0)
    gaps = np.diff(np.sort(values, axis=0), axis=0)
    least = np.where(gaps > NOISE * largest, gaps, np.inf).min(axis=0, initial=np.inf)
    return np.asarray(np.minimum(largest, MOST_GAPS * least))
