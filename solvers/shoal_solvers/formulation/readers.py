"""Who reads each variable, and which of its readers are never there together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from shoal_solvers.problem import AllocationProblem, Operation
from shoal_solvers.windows import Windows

Implied: TypeAlias = Mapping[str, frozenset[int]]
"""What is present whenever something is: operations, each by one of some alternatives."""


@dataclass(frozen=True)
class Reader:
    """An operation that can read something.

    Attributes:
        operation: it.
        alternatives: those of its usable alternatives that read it.
        is_certain: it is always there, and reads under all of its alternatives.
    """

    operation: Operation
    alternatives: tuple[int, ...]
    is_certain: bool


def find_readers(problem: AllocationProblem, windows: Windows) -> Mapping[str, Sequence[Reader]]:
    """For every variable that can be read its readers, in the order of the operations."""
    readers: dict[str, list[Reader]] = defaultdict(list)
    for o in problem.operations:
        usable = windows.alternatives(o)
        numbers: dict[str, list[int]] = defaultdict(list)
        for a in usable:
            for v in dict.fromkeys(o.alternatives[a].reads):
                numbers[v].append(a)
        for v, alternatives in numbers.items():
            is_certain = o.name in windows.required and tuple(alternatives) == usable
            readers[v].append(Reader(o, tuple(alternatives), is_certain))
    return readers


def exclusive_groups(
    problem: AllocationProblem,
    windows: Windows,
    readers: Mapping[str, Sequence[Reader]],
) -> Mapping[str, Sequence[Sequence[Reader]]]:
    """For every variable its readers in groups, of each of which at most one reads it.

    An operation that was fused into its only reader is absent when that reader is computed by the
    fused alternative, so both never wait for an operand at the same time. Rows that say so for a
    group at once have a much tighter relaxation than a row for each reader.
    """
    implied = _implied(problem, windows, readers)
    result: dict[str, list[list[Reader]]] = {}
    for v, every in readers.items():
        groups: list[list[Reader]] = []
        for reader in every:
            fitting = (
                group
                for group in groups
                if all(_are_exclusive(implied, reader, other) for other in group)
            )
            group = next(fitting, None)
            if group is None:
                groups.append([reader])
            else:
                group.append(reader)
        result[v] = groups
    return result


def _implied(
    problem: AllocationProblem,
    windows: Windows,
    readers: Mapping[str, Sequence[Reader]],
) -> Mapping[str, Implied]:
    """For every operation what is present whenever it is.

    An operation that is not always there is there for one of its readers. What is implied by each
    of them, with the reader itself, is implied by the operation.
    """
    choosable = windows.choosable(problem)
    implied: dict[str, Implied] = {}
    for o in reversed(problem.topological_order):
        implied[o.name] = {}
        if o.name in windows.required or not choosable.isdisjoint(o.writes):
            continue
        by_reader: dict[str, set[int]] = defaultdict(set)
        for v in o.writes:
            for reader in readers.get(v, ()):
                by_reader[reader.operation.name].update(reader.alternatives)
        cases = [{**implied[name], name: frozenset(numbers)} for name, numbers in by_reader.items()]
        if cases:
            common = set.intersection(*(set(case) for case in cases))
            implied[o.name] = {n: frozenset().union(*(c[n] for c in cases)) for n in common}
    return implied


def _are_exclusive(implied: Mapping[str, Implied], one: Reader, other: Reader) -> bool:
    """Whether no allocation has both readers reading."""
    left = {**implied[one.operation.name], one.operation.name: frozenset(one.alternatives)}
    right = {**implied[other.operation.name], other.operation.name: frozenset(other.alternatives)}
    return any(left[name].isdisjoint(right[name]) for name in left.keys() & right.keys())
