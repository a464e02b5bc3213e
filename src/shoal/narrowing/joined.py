"""Several variables as one, so that a basis of what is read of them together can be stored.

They are there from the same state on: inputs, or what is written in one half-layer. Directions keep
their names, so what reads them need not change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

import numpy as np

from shoal.craft.affine import AffineMap, Matrix, concatenate
from shoal.craft.bases import Space, join, numbered_space
from shoal.craft.components import MLP, Component, Head, Heads
from shoal.forms.form import Ranges
from shoal.lowering.held import AND, Errors, Held, StreamVariable
from shoal.lowering.lowered import LoweredOperation, LoweredProgram
from shoal.lowering.offers import InputTable
from shoal_solvers import Allocation, Placement

Groups = Sequence[tuple[str, ...]]
"""Names of variables that become one."""


def joined(
    lowered: LoweredProgram, allocation: Allocation, groups: Groups
) -> tuple[LoweredProgram, Allocation]:
    """A program in which variables of a group are one, and what is known of its allocation.

    Args:
        lowered: with chosen alternatives.
        allocation: of its problem.
        groups: variables that are there from the same state on, each in one group.
    """
    names = {name: joined_name(lowered, group) for group in groups for name in group}
    variables: dict[str, StreamVariable] = {}
    for name, variable in lowered.variables.items():
        members = next((group for group in groups if name in group), (name,))
        if members[-1] == name:
            each = [lowered.variables[member] for member in members]
            made = variable if len(each) == 1 else joined_variable(each, names[name])
            variables[made.name] = made
    operations = [o for o in lowered.operations if o.name in allocation.placements]
    placements = dict(allocation.placements)
    for group in groups:
        own = [o for o in operations if o.name in group]
        if own:
            made_by = _joined_operation(own, allocation, variables[names[group[0]]])
            operations = [*(o for o in operations if o.name not in group), made_by]
            placements[made_by.name] = Placement(placements[group[0]].half_layer, 0)
    placements = {o.name: placements[o.name] for o in operations}
    operations.sort(key=lambda o: placements[o.name].half_layer)  # so that operands come first
    columns = dict(allocation.columns)
    for group in groups:
        parts = [columns.pop(name) for name in group]
        columns[names[group[0]]] = tuple(sorted(column for part in parts for column in part))

    def held(before: Held) -> Held:
        own = before.own if before.own is None or before.own.name not in names else None
        found = tuple(dict.fromkeys(names.get(name, name) for name in before.variables))
        if found == before.variables:
            return before
        space = join(*(variables[name].space for name in found if name in variables))
        coordinates = before.coordinates.over(space)
        return replace(before, variables=found, own=own, coordinates=coordinates)

    result = None if lowered.result is None else held(lowered.result)
    before = lowered.result

    def way(one: Held) -> Held:
        return result if one is before and result is not None else held(one)

    return (
        replace(
            lowered,
            variables=variables,
            inputs=tuple(_joined_inputs(lowered, groups, names)),
            operations=tuple(operations),
            held={number: tuple(map(way, ways)) for number, ways in lowered.held.items()},
            raw={number: held(one) for number, one in lowered.raw.items()},
            result=result,
        ),
        replace(allocation, placements=placements, columns=columns),
    )


def joined_name(lowered: LoweredProgram, group: Sequence[str]) -> str:
    """What several variables are called as one; no other variable is called so."""
    name = AND.join(group)
    while name in lowered.variables:
        name += " together"
    return name


def joined_variable(variables: Sequence[StreamVariable], name: str) -> StreamVariable:
    """One variable with the dimensions of several."""
    signed = np.concatenate([variable.ranges.signed for variable in variables])
    return StreamVariable(
        name,
        join(*(variable.space for variable in variables)),
        Ranges(signed, max(variable.ranges.largest for variable in variables)),
        None,
        AND.join(f"{variable.name} {variable.words}" for variable in variables),
        _errors(variables),
        tuple(variables),
    )


def _errors(variables: Sequence[StreamVariable]) -> Errors:
    """How far off the dimensions of all may be, each of the variables by itself."""
    sizes = [len(variable.space) for variable in variables]
    apart = [np.broadcast_to(v.errors.apart, (n,)) for v, n in zip(variables, sizes, strict=True)]
    together = [np.zeros((0, sum(sizes)))]
    for variable, part in zip(variables, _parts(sizes), strict=True):
        samples = variable.errors.together
        if samples is not None:
            together.append(np.zeros((len(samples), sum(sizes))))
            together[-1][:, part] = samples
    samples = np.vstack(together)
    return Errors(samples if len(samples) else None, np.concatenate(apart))


def _parts(sizes: Sequence[int]) -> Iterator[slice]:
    """The dimensions of each variable among those of all."""
    return (slice(*ends) for ends in pairwise(accumulate(sizes, initial=0)))


def _joined_inputs(
    lowered: LoweredProgram, groups: Groups, names: Mapping[str, str]
) -> Iterator[InputTable]:
    """What the embedding puts into the inputs, those of a group as one."""
    tables = {table.variable: table for table in lowered.inputs}
    for group in groups:
        own = [tables.pop(name) for name in group if name in tables]
        if own:
            sizes = [len(lowered.variables[table.variable].space) for table in own]
            by_token = side_by_side([table.by_token for table in own], sizes)
            by_position = side_by_side([table.by_position for table in own], sizes)
            yield InputTable(names[group[0]], by_token, by_position)
    yield from tables.values()


def side_by_side(tables: Sequence[Matrix | None], sizes: Sequence[int]) -> Matrix | None:
    """What is put into several inputs; zeros into those that nothing is put into; None for none."""
    rows = {len(table) for table in tables if table is not None}
    if not rows:
        return None
    (count,) = rows
    each = zip(tables, sizes, strict=True)
    return np.hstack([np.zeros((count, n)) if table is None else table for table, n in each])


def _joined_operation(
    operations: Sequence[LoweredOperation], allocation: Allocation, variable: StreamVariable
) -> LoweredOperation:
    """What computes several variables of one half-layer, as what computes one."""
    chosen = [(o, allocation.placements[o.name].alternative) for o in operations]
    component = _joined_component([o.components[n] for o, n in chosen], variable, operations)
    sharing = {o.sharing for o in operations}
    return LoweredOperation(
        variable.name,
        variable.name,
        (component,),
        (tuple(dict.fromkeys(name for o, n in chosen for name in o.reads[n])),),
        (chosen[0][0].rules[chosen[0][1]],),
        (None,),
        sharing.pop() if isinstance(component, Head) and len(sharing) == 1 else None,
    )


def _joined_component(
    components: Sequence[Component],
    variable: StreamVariable,
    operations: Sequence[LoweredOperation],
) -> Component:
    """Neurons side by side, or heads that add to the same directions."""
    mlps = [component for component in components if isinstance(component, MLP)]
    if mlps:
        neurons = numbered_space(variable.name, sum(mlp.size for mlp in mlps))
        output = np.vstack([_into(mlp.output, variable.space).matrix for mlp in mlps])
        bias = np.sum([_into(mlp.output, variable.space).bias for mlp in mlps], axis=0)
        hidden = concatenate([mlp.hidden for mlp in mlps], neurons)
        return MLP(variable.name, hidden, AffineMap(neurons, variable.space, output, bias))
    heads = [_wide(c, variable.space) for c in components if isinstance(c, Head)]
    first, *others = heads
    if operations[0].sharing is None or len({o.sharing for o in operations}) > 1:
        return Heads(variable.name, tuple(heads))
    for head in others:  # they attend alike, so that one of them writes what all do
        value, at_bos = first.value.plus(head.value), first.value_at_bos
        if at_bos is not None and head.value_at_bos is not None:
            at_bos = at_bos + head.value_at_bos
        first = replace(first, value=value, value_at_bos=at_bos)
    return replace(first, name=variable.name)


def _wide(head: Head, space: Space) -> Head:
    """A head that writes into a larger space."""
    value, at_bos = _into(head.value, space), None
    if head.value_at_bos is not None:
        at_bos = np.zeros(len(space))
        at_bos[space.positions(head.target)] = head.value_at_bos
    return replace(head, value=value, value_at_bos=at_bos)


def _into(affine: AffineMap, space: Space) -> AffineMap:
    """A map into a larger space."""
    matrix = np.zeros((len(affine.target), len(space)))
    matrix[np.arange(len(matrix)), space.positions(affine.target)] = 1.0
    return affine.into(space, matrix)
