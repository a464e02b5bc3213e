"""How each variable is stored, by what is demanded of it.

What is written last is looked at first: who computes less of it may read less.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from shoal.craft.affine import Matrix
from shoal.craft.components import MLP, Component
from shoal.errors import UnsupportedProgramError
from shoal.lowering.held import seen_errors
from shoal.lowering.lower import BOS_VARIABLE
from shoal.lowering.radii import largest_error
from shoal.lowering.synthesis.choose import errors_of, rounding_of, synthesise
from shoal.lowering.synthesis.tables import as_layer
from shoal.narrowing.basis import chosen_basis
from shoal.narrowing.chosen import SAME, Chosen, Read, by_variable, reads_of
from shoal.narrowing.demands import Demands
from shoal.narrowing.precision import is_precise, kinds
from shoal.narrowing.stored import Stored

BEARS = 0.25
"""Of the room that the decoder has, what all variables together may take that the result is read
from. Room is half of what it could bear."""


AT_THE_END = 2**31
"""When the result is read: after all half-layers."""

_FLOPS = 50_000
"""Multiplications in a unit of work."""


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
    for read in reads_at_the_end(chosen):
        _demand(chosen, demands, read, AT_THE_END)
    times = _left_for_neurons(chosen)
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
            bears = times * _borne_by_neurons(component, found, demands[name])
            for read in reads_of(component).values():
                if bears and not read.is_exact:
                    read = replace(read, bears=bears)
                _demand(chosen, demands, read, when)
    return stored


def _demand(chosen: Chosen, demands: Mapping[str, Demands], read: Read, when: int) -> None:
    each = list(by_variable(read.map, chosen.lowered))
    if read.bears and len(each) > 1:
        read = replace(read, bears=read.bears / len(each))
    for name, rows in each:
        demands[name].add(rows, read, when)


def _left_for_neurons(chosen: Chosen) -> float:
    """What the decoder bears besides what the result is off, in units of what columns may take."""
    taken = largest_error(chosen.result, chosen.lowered.variables)
    columns = BEARS * chosen.room
    return max(0.0, (columns / BEARS - taken - columns) / columns) if columns else 0.0


def _borne_by_neurons(component: Component, stored: Stored | None, demands: Demands) -> float:
    """How far off what neurons read may be, if as much is borne as of the columns they write.

    0 if it is not the decoder alone that reads these. A neuron is off by no more than what it
    reads, so what they write is off by no more than that times the sum of its weights.

    Args:
        component: the neurons, which write what is stored.
        stored: what they write; None for all dimensions.
        demands: what is read of that.
    """
    is_decoded = demands.decoded and all(when == AT_THE_END for when, _ in demands.decoded)
    if not isinstance(component, MLP) or demands.exact or demands.free or not is_decoded:
        return 0.0
    rows = demands.joined(demands.decoded)
    found = (rows, None) if stored is None else stored.read(rows)
    assert found is not None  # a basis spans what is read
    weights = np.abs(component.output.matrix @ found[0]).sum(axis=0)
    return float(demands.bears / weights.max(initial=1.0))


def reads_at_the_end(chosen: Chosen) -> Iterator[Read]:
    """What is read of the last state: the result, and what is kept."""
    bears = BEARS * chosen.room
    yield Read(chosen.result.coordinates, is_exact=False, passes_on=True, bears=bears)
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
    if demands.size == 1 and np.ptp(points @ free, axis=0).max(initial=0.0) > SAME:
        return None  # that dimension is what is read
    basis = chosen_basis(points, at_bos, exact, free)
    whole = Stored(variable, basis, points, at_bos, is_listed=chosen.is_listed(variable))
    read_since = cache(lambda since: kinds(demands, since))
    ways = _ways(chosen, whole, demands, is_exact=bool(exact.size))
    return next((way for way in ways if is_precise(way, demands.times, read_since)), None)


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
        if not is_exact:
            yield from _remade(chosen, whole)
        yield _with_errors(chosen, whole)
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
    if stored.basis.shape[1] < 2 or len(demands.times) < 2:
        return
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
