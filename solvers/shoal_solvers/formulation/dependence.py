"""What an operation waits for by whatever alternative it is computed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from shoal_solvers.problem import AllocationProblem, Operation
from shoal_solvers.timeline import ALTERNATING
from shoal_solvers.windows import Windows

Distances: TypeAlias = npt.NDArray[np.int32]
"""Layers to each operation, by its place among the operations; below 0 for none."""

NONE = -1


@dataclass(frozen=True)
class Dependence:
    """An operation that runs after another one whatever its alternative.

    Attributes:
        reader: the operation.
        source: what it waits for, itself or through others.
        distances: by usable alternative of the reader, the layers that lie between them at least.
    """

    reader: Operation
    source: Operation
    distances: Mapping[int, int]


def common_dependences(problem: AllocationProblem, windows: Windows) -> Iterator[Dependence]:
    """What operations with several alternatives wait for by each of them.

    One alternative may read a result, another what that was computed from: then both wait for the
    latter. A row for each alternative would let the relaxation halve the source, half for each.
    Left out is what follows from another dependence.
    """
    place = {o.name: k for k, o in enumerate(problem.operations)}
    distance = np.full((len(place), len(place)), NONE, np.int32)
    for o in problem.topological_order:
        usable = windows.alternatives(o)
        if not usable:
            continue
        each = np.stack([_reached(problem, o, a, place, distance) for a in usable])
        common = np.asarray((each >= 0).all(axis=0))
        distance[place[o.name]] = np.where(common, each.min(axis=0), NONE)
        if len(usable) > 1:
            for k in _nearest(each, common, distance):
                numbers = zip(usable, each[:, k].tolist(), strict=True)
                yield Dependence(o, problem.operations[k], dict(numbers))


def _reached(
    problem: AllocationProblem,
    o: Operation,
    alternative: int,
    place: Mapping[str, int],
    distance: Distances,
) -> Distances:
    """Distances to all that an operation waits for by one alternative."""
    result = np.full(len(place), NONE, np.int32)
    for v in o.alternatives[alternative].reads:
        source = problem.producer.get(v)
        if source is None:
            continue
        lag = ALTERNATING.lag(source.kind, o.kind)
        k = place[source.name]
        result[k] = max(result[k], lag)
        beyond = distance[k]
        np.maximum(result, np.where(beyond >= 0, beyond + lag, NONE), out=result)
    return result


def _nearest(each: Distances, common: npt.NDArray[np.bool_], distance: Distances) -> Iterator[int]:
    """Of common sources those that do not follow from others."""
    left = common.copy()
    total = each.sum(axis=0)
    while left.any():
        candidates = np.flatnonzero(left)
        k = int(candidates[np.argmin(total[candidates])])
        yield k
        left[k] = False
        through = each[:, [k]] + distance[k]
        left &= ~((distance[k] >= 0) & (through >= each).all(axis=0))


@dataclass(frozen=True)
class IndirectRead:
    """An operation that makes sure that a variable is read, by itself or by what it reads.

    Attributes:
        reader: the operation.
        variable: what is read.
        direct: alternatives of the reader that read the variable.
        through: operations that read it whenever they are there; each other alternative of the
            reader needs one of them.
    """

    reader: Operation
    variable: str
    direct: tuple[int, ...]
    through: tuple[Operation, ...]


def indirect_reads(
    problem: AllocationProblem, windows: Windows, certain: Collection[str]
) -> Iterator[IndirectRead]:
    """Reads of what the sources of an operation are computed from, of which one always happens.

    Args:
        problem: what is allocated.
        windows: of its operations.
        certain: operations that need not be looked at as sources, since they are always there.
    """
    for o in problem.operations:
        usable = windows.alternatives(o)
        if len(usable) < 2:
            continue
        reads = {a: set(o.alternatives[a].reads) for a in usable}
        for v in dict.fromkeys(v for a in usable for v in o.alternatives[a].reads):
            direct = tuple(a for a in usable if v in reads[a])
            through = [
                _between(problem, windows, o, a, v, certain) for a in usable if a not in direct
            ]
            if through and all(source is not None for source in through):
                sources = tuple({s.name: s for s in through if s is not None}.values())
                yield IndirectRead(o, v, direct, sources)


def _between(
    problem: AllocationProblem,
    windows: Windows,
    o: Operation,
    alternative: int,
    variable: str,
    certain: Collection[str],
) -> Operation | None:
    """A source of an operation, by an alternative, that reads a variable by all of its own."""
    for v in o.alternatives[alternative].reads:
        source = problem.producer.get(v)
        if source is None or source.name in certain:
            continue
        if all(variable in source.alternatives[a].reads for a in windows.alternatives(source)):
            return source
    return None
