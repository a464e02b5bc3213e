"""Named s-ops stay readable: what has to be stored for that, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np

from shoal.craft.affine import AffineMap, Matrix
from shoal.craft.bases import Space, numbered_space
from shoal.craft.fitting import fit_affine
from shoal.forms.form import number_codes, with_none
from shoal.forms.functionals import Functionals
from shoal.lowering.held import Held
from shoal.narrowing.chosen import SAME, Chosen, by_variable, has_one_point_each
from shoal.narrowing.stored import Stored
from shoal.program.facts.domains import Enumerated
from shoal.program.ir import Node
from shoal.program.passes import Optimised
from shoal.rows import different_rows

CLEARLY = 2.0**-12
"""Codes are told apart where what they may be off is so much of the largest one."""

Ways = Callable[[Held], Held | None]
"""What is held, as it is stored; None if that does not say it."""


def named(optimised: Optimised) -> tuple[int, ...]:
    """The s-ops of the compiled program that names of the original one are read by, in order."""
    original, compiled = optimised.original.program, optimised.inferred.program
    found: set[int] = set()
    todo = [node for node in original if node.is_sop and node.is_named]
    seen: set[int] = set()
    while todo:
        node = todo.pop()
        place = optimised.place_of(node.id)
        if node.is_sop and place in compiled.graph:
            found.add(place)
        elif node.id not in seen:
            todo += map(original.node, node.inputs)
        seen.add(node.id)
    return tuple(node.id for node in compiled if node.id in found)


def as_codes(stored: Stored, held: Held, variables: int) -> Held | None:
    """A value that a variable holds and nothing else, as the nearest of the codes that are stored.

    None if these do not tell its values apart.

    Args:
        stored: its variable.
        held: as it was.
        variables: of how many of those that hold it the codes are, the first ones.
    """
    there = slice(0, stored.ends[variables - 1])
    basis = stored.basis[:, there]
    if held.variables != (stored.before.name,) or not isinstance(held.domain, Enumerated):
        return None
    if stored.before.of:  # the others that it stands for say something, too
        return None
    if held.codes is None or not has_one_point_each(held) or not basis.shape[1]:
        return None
    rows = held.coordinates(stored.points)
    found = _places(rows, with_none(held.codes, held.domain.nullable))
    if found is None:
        return None
    columns = stored.points[found] @ basis
    bias = -columns[-1] if held.domain.nullable else np.zeros(columns.shape[1])
    codes = columns[: len(held.codes)] + bias
    if len(different_rows(with_none(codes, held.domain.nullable))[0]) < len(found):
        return None
    form = Functionals(codes)
    largest = float(np.abs(codes).max(initial=0.0))
    if form.room(held.domain) < max(stored.errors.of(there).largest, CLEARLY * largest):
        return None
    target = numbered_space(stored.before.name, len(bias))
    space = Space(stored.space.directions[there])
    coordinates = AffineMap(space, target, np.eye(len(bias)), bias)
    names = stored.names[:variables]
    own = stored.variables[0] if held.own is not None and len(names) == 1 else None
    return replace(held, form=form, variables=names, coordinates=coordinates, own=own)


def _places(rows: Matrix, wanted: Matrix) -> list[int] | None:
    """Where in some rows each of others is; None if one is not."""
    apart = [np.abs(rows - row).max(axis=1, initial=0.0) for row in wanted]
    if any(distances.min() > SAME for distances in apart):
        return None
    return [int(distances.argmin()) for distances in apart]


def wanted_by_names(chosen: Chosen, names: Collection[int], way: Ways) -> dict[str, list[Matrix]]:
    """Functionals, by variable, without which named s-ops could not be read that could be before.

    Args:
        chosen: the program.
        names: s-ops by node id.
        way: how a value is read from what is stored.
    """
    program, facts = chosen.lowered.inferred.program, chosen.lowered.inferred
    wanted: dict[str, list[Matrix]] = {}
    visited: set[int] = set()
    known: dict[int, bool] = {}

    def there(number: int) -> list[Held]:
        return [h for h in chosen.lowered.ways(number) if chosen.is_there(h)]

    def is_readable(node: Node) -> bool:
        if node.id not in known:
            own = facts.sops[node.id]
            is_told = own.local is not None
            known[node.id] = is_told or any(way(h) is not None for h in there(node.id))
            if not known[node.id] and own.table is not None:
                known[node.id] = all(is_readable(program.node(n)) for n in node.inputs)
        return known[node.id]

    def demand(node: Node) -> None:
        if node.id in visited or is_readable(node):
            return
        visited.add(node.id)
        ways = there(node.id)
        if ways:
            for name, rows in _telling_apart(chosen, ways[0]):
                wanted.setdefault(name, []).append(rows)
        elif facts.sops[node.id].table is not None:
            for number in node.inputs:
                demand(program.node(number))

    for number in names:
        demand(program.node(number))
    return wanted


def _telling_apart(chosen: Chosen, held: Held) -> list[tuple[str, Matrix]]:
    """Functionals that tell the values apart: one if one does, or all that is held."""
    own = held.own
    if own is not None and held.variables == (own.name,) and held.codes is not None:
        assert isinstance(held.domain, Enumerated)
        numbers = np.arange(1.0, len(held.codes) + 1)[:, None]
        if held.domain.are_numbers and not held.domain.nullable:
            given = number_codes(held.domain)
            if len(np.unique(given)) == len(given):  # 0 and False are one number
                numbers = given
        codes, wanted = (with_none(part, held.domain.nullable) for part in (held.codes, numbers))
        fitted = fit_affine(codes, wanted) if len(held.codes) else None
        if fitted is not None:
            (rows,) = (rows for _, rows in by_variable(held.coordinates, chosen.lowered))
            return [(own.name, np.round(rows @ fitted[0], 12))]
    return list(by_variable(held.coordinates, chosen.lowered))
