"""Which variables take fewer columns as one: those of which sums are read, and not each of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import networkx as nx
import numpy as np

from shoal.craft.affine import Matrix
from shoal.lowering.lower import BOS_VARIABLE
from shoal.lowering.rules.registry import SELECT_BY_THEMSELVES
from shoal.narrowing.basis import size_of_basis
from shoal.narrowing.chosen import Chosen, Read, by_variable, reads_of
from shoal.narrowing.joined import joined_variable
from shoal.narrowing.plan import reads_at_the_end
from shoal.narrowing.stored import Stored

_MOST_NUMBERS = 2**18
"""In the list of all that inputs can be together; they stay apart where there are more."""


def worth_joining(
    chosen: Chosen, stored: Mapping[str, Stored], names: Collection[int], also_written: bool
) -> list[tuple[str, ...]]:
    """Groups of variables that could be stored in fewer columns together than each by itself.

    Args:
        chosen: the program.
        stored: how variables are stored each by itself, if not whole.
        names: node ids of s-ops. What they are held by shares columns with nothing else.
        also_written: whether what components write is looked at, or inputs alone.
    """
    births = [born for born in _births(chosen, names, also_written) if len(born) > 1]
    if not births:
        return []
    reads = list(_reads(chosen, stored))
    touched = [dict(by_variable(read.map, chosen.lowered)) for read in reads]
    found = []
    for born_together in births:
        graph = nx.Graph()
        for rows in touched:
            own = [name for name in rows if name in born_together]
            nx.add_path(graph, own if len(own) > 1 else [])
        for part in nx.connected_components(graph):
            group = tuple(name for name in chosen.lowered.variables if name in part)
            if not chosen.are_listed_together(group):
                continue
            if _columns_together(chosen, group, reads, touched) < sum(
                stored[name].basis.shape[1]
                if name in stored
                else len(chosen.lowered.variables[name].space)
                for name in group
            ):
                found.append(group)
    return found


def _reads(chosen: Chosen, stored: Mapping[str, Stored]) -> Iterator[Read]:
    """Everything that is read by the components as they write what is stored."""
    yield from reads_at_the_end(chosen)
    for name, component in chosen.components.items():
        writer = stored[name].writer(component) if name in stored else component
        yield from reads_of(writer).values()


def _births(
    chosen: Chosen, names: Collection[int], also_written: bool
) -> Iterator[Collection[str]]:
    """Variables that are there from the same state on, and may share columns."""
    apart = {BOS_VARIABLE, *chosen.lowered.marks, *chosen.whole}
    inputs = [table for table in chosen.inputs if table.variable not in apart]
    tokens = max((len(t.by_token) for t in inputs if t.by_token is not None), default=1)
    positions = max((len(t.by_position) for t in inputs if t.by_position is not None), default=1)
    size = sum(len(chosen.lowered.variables[table.variable].space) for table in inputs)
    if tokens * positions * size <= _MOST_NUMBERS:
        yield [table.variable for table in inputs]
    if also_written:
        written: dict[tuple[int, Collection[int]], list[str]] = {}
        ways = [held.variables for n in names for held in chosen.lowered.ways(n)]
        for operation, number in chosen.operations:
            if operation.name not in apart and operation.rules[number] not in SELECT_BY_THEMSELVES:
                when = chosen.allocation.placements[operation.name].half_layer
                held_by = frozenset(w for w, way in enumerate(ways) if operation.name in way)
                written.setdefault((when, held_by), []).append(operation.name)
        yield from written.values()


def _columns_together(
    chosen: Chosen,
    group: Sequence[str],
    reads: Sequence[Read],
    touched: Sequence[Mapping[str, Matrix]],
) -> int:
    """How many functionals are read of some variables together."""
    variable = joined_variable([chosen.lowered.variables[name] for name in group], "")
    exact, free = ([np.zeros((len(variable.space), 0))] for _ in range(2))
    for read, rows in zip(reads, touched, strict=True):
        if not rows.keys().isdisjoint(group):
            parts = []
            for name in group:
                size = len(chosen.lowered.variables[name].space)
                parts.append(rows.get(name, np.zeros((size, len(read.map.target)))))
            (exact if read.is_exact else free).append(np.vstack(parts))
    at_bos = np.concatenate([chosen.at_bos[name] for name in group])
    points = chosen.spanning_points(group)
    return size_of_basis(points, at_bos, np.hstack(exact), np.hstack(free))
