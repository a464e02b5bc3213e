"""What has to be allocated: variables, operations with alternatives, and budgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TypeGuard

import networkx as nx

from shoal_solvers.errors import InvalidProblemError
from shoal_solvers.timeline import Kind
from shoal_solvers.words import listed

MOST_COLUMNS = 1_000_000
"""Columns of all variables together; each is a number in memory."""

MOST_SIZE = 1_000_000_000
"""Heads or neurons of one alternative or erasure, so that sums stay below 2**63 in CP-SAT."""

MOST_BUDGET = MOST_SIZE
"""The largest budget; None is no limit."""


@dataclass(frozen=True)
class Variable:
    """A value that lives in the residual stream.

    Attributes:
        name: unique among the variables.
        width: residual columns that it occupies while it lives (at least 0).
        is_input: it is there before half-layer 0, if anything reads it.
        is_output: it must be there at the end, so it is never erased.
        erase_neurons: hidden neurons that clearing its columns costs in an MLP
            half-layer; None if it cannot be erased.
    """

    name: str
    width: int
    is_input: bool = False
    is_output: bool = False
    erase_neurons: int | None = None


@dataclass(frozen=True)
class Alternative:
    """One way to compute an operation.

    Attributes:
        reads: names of the variables that it reads.
        size: heads (attention) or hidden neurons (MLP) that it takes.
    """

    reads: tuple[str, ...]
    size: int


@dataclass(frozen=True)
class Operation:
    """A component that has to be put into a half-layer, if anything needs it.

    Attributes:
        name: unique among the operations.
        kind: attention or MLP, the same for all alternatives.
        writes: names of the variables that it produces.
        alternatives: the ways to compute it; the first is the operation as written.
        block: operations of one block count as a single step for the longest-path
            heuristic (a selector width is one block of a head and an MLP); None
            makes the operation a block of its own.
        sharing: attention operations with the same sharing in one half-layer take the
            heads of one of them; None shares with nothing.
    """

    name: str
    kind: Kind
    writes: tuple[str, ...]
    alternatives: tuple[Alternative, ...]
    block: str | None = None
    sharing: str | None = None


@dataclass(frozen=True)
class OutputChoice:
    """An output that can be had in several ways, of which one has to be there at the end.

    Attributes:
        name: unique among the choices.
        options: each is the names of the variables that are there together; the first is the
            output as written.
    """

    name: str
    options: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Budgets:
    """Upper limits; None means unlimited."""

    max_layers: int | None = None
    max_width: int | None = None
    max_neurons: int | None = None
    max_heads: int | None = None

    def limits(self) -> dict[str, int]:
        """The limits that are set, by field name."""
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name)) is not None}


@dataclass(frozen=True)
class AllocationProblem:
    """Variables, operations and budgets; validated on construction.

    Raises:
        InvalidProblemError: names are doubled or unknown, a variable has no producer
            or several, an operation has no alternative, a number is out of range,
            operations that share heads are no attention or differ in size, a choice of outputs
            has no option, or operations depend on each other in a circle whatever is chosen.
    """

    variables: tuple[Variable, ...]
    operations: tuple[Operation, ...]
    budgets: Budgets = field(default_factory=Budgets)
    name: str = "problem"
    choices: tuple[OutputChoice, ...] = ()

    def __post_init__(self) -> None:
        _validate(self)

    @cached_property
    def variable(self) -> dict[str, Variable]:
        """The variables by name."""
        return {v.name: v for v in self.variables}

    @cached_property
    def operation(self) -> dict[str, Operation]:
        """The operations by name."""
        return {o.name: o for o in self.operations}

    @cached_property
    def producer(self) -> dict[str, Operation]:
        """For every variable that is not an input, the operation that writes it."""
        return {v: o for o in self.operations for v in o.writes}

    def outputs(self, chosen: Mapping[str, int]) -> frozenset[str]:
        """What has to be there at the end, under an option for each choice."""
        certain = (v.name for v in self.variables if v.is_output)
        by_choice = (v for c in self.choices for v in c.options[chosen[c.name]])
        return frozenset((*certain, *by_choice))

    @cached_property
    def dependencies(self) -> nx.DiGraph:
        """Which operations read, under any alternative, what others write."""
        graph = nx.DiGraph()
        graph.add_nodes_from(o.name for o in self.operations)
        for operation in self.operations:
            for alternative in operation.alternatives:
                for variable in alternative.reads:
                    if variable in self.producer:
                        graph.add_edge(self.producer[variable].name, operation.name)
        return graph

    @cached_property
    def topological_order(self) -> tuple[Operation, ...]:
        """The operations, producers before readers under every alternative.

        Ties are broken by the order of ``operations``, so the order is deterministic.
        """
        position = {o.name: i for i, o in enumerate(self.operations)}
        order = nx.lexicographical_topological_sort(self.dependencies, key=position.get)
        return tuple(self.operation[name] for name in order)

    def with_budgets(self, budgets: Budgets) -> AllocationProblem:
        """The same problem under other budgets."""
        return replace(self, budgets=budgets)


def _validate(problem: AllocationProblem) -> None:
    _validate_variables(problem)
    _validate_operations(problem)
    require_sharing(problem.operations)
    _validate_producers(problem)
    _validate_choices(problem)
    for name, limit in problem.budgets.limits().items():
        require_budget(name, limit)
    if not nx.is_directed_acyclic_graph(problem.dependencies):
        cycle = [edge[0] for edge in nx.find_cycle(problem.dependencies)]
        raise InvalidProblemError(
            "operations read each other's results in a circle: " + " -> ".join([*cycle, cycle[0]])
        )


def shown(value: object) -> str:
    """A value for a message, cut short; Python refuses to print very long ints."""
    try:
        return f"{value!r:.40}"
    except ValueError:
        return "a number of more digits than can be shown"


def is_whole(number: object) -> TypeGuard[int]:
    """Whether it is an int, and no bool."""
    return isinstance(number, int) and not isinstance(number, bool)


def _is_count(number: object) -> TypeGuard[int]:
    return is_whole(number) and 0 <= number <= MOST_SIZE


def _require_unique(names: list[str], what: str) -> None:
    doubled = sorted(name for name, count in Counter(names).items() if count > 1)
    if doubled:
        raise InvalidProblemError(f"{what} names must be unique, but doubled: {listed(doubled)}")


def require_variable(v: Variable) -> None:
    """Refuse a variable whose numbers make no sense, whatever problem it is in."""
    if not _is_count(v.width):
        raise InvalidProblemError(
            f"variable {v.name!r} has width {shown(v.width)}; a width is a number of residual "
            f"columns, from 0 to {MOST_COLUMNS:,}"
        )
    if v.erase_neurons is not None and not _is_count(v.erase_neurons):
        raise InvalidProblemError(
            f"variable {v.name!r} has erase_neurons {shown(v.erase_neurons)}; give a number of "
            f"neurons, from 0 to {MOST_SIZE:,}, or None if it cannot be erased"
        )


def require_columns(columns: int) -> None:
    """Refuse variables that have too many columns together."""
    if columns > MOST_COLUMNS:
        raise InvalidProblemError(
            f"the variables have {columns:,} columns together; at most {MOST_COLUMNS:,} can be "
            "allocated, so scale the widths down"
        )


def require_size(operation: str, number: int, size: object) -> None:
    """Refuse a size of an alternative that makes no sense."""
    if not _is_count(size):
        raise InvalidProblemError(
            f"alternative {number} of operation {operation!r} has size {shown(size)}; a size is a "
            f"number of heads or neurons, from 0 to {MOST_SIZE:,}"
        )


def require_budget(name: str, limit: object) -> None:
    """Refuse a limit that makes no sense; None is none."""
    if not _is_count(limit) or not 1 <= limit <= MOST_BUDGET:
        raise InvalidProblemError(
            f"budget {name} is {shown(limit)}; a budget is a whole number of at least 1 and at "
            f"most {MOST_BUDGET:,}, or None for no limit"
        )


def _validate_variables(problem: AllocationProblem) -> None:
    _require_unique([v.name for v in problem.variables], "variable")
    for v in problem.variables:
        require_variable(v)
    require_columns(sum(v.width for v in problem.variables))


def _validate_operations(problem: AllocationProblem) -> None:
    _require_unique([o.name for o in problem.operations], "operation")
    known = {v.name for v in problem.variables}
    for o in problem.operations:
        if not isinstance(o.kind, Kind):
            raise InvalidProblemError(
                f"operation {o.name!r} has kind {o.kind!r}; known kinds: attention, mlp"
            )
        if not o.alternatives:
            raise InvalidProblemError(
                f"operation {o.name!r} has no alternative, so it cannot be computed; "
                "give at least one"
            )
        if not o.writes:
            raise InvalidProblemError(f"operation {o.name!r} writes no variable; remove it")
        for number, alternative in enumerate(o.alternatives):
            unknown = sorted(set(alternative.reads) - known)
            if unknown:
                raise InvalidProblemError(
                    f"alternative {number} of operation {o.name!r} reads unknown variables: "
                    + ", ".join(unknown)
                )
            require_size(o.name, number, alternative.size)


def require_sharing(operations: Iterable[Operation]) -> None:
    """Refuse operations that share heads, but are no attention or differ in size."""
    first: dict[str, tuple[str, int]] = {}
    for o in operations:
        if o.sharing is None:
            continue
        if o.kind is not Kind.ATTENTION:
            raise InvalidProblemError(
                f"operation {o.name!r} has sharing {o.sharing!r}, but only attention operations "
                "share heads; remove it"
            )
        for number, alternative in enumerate(o.alternatives):
            name, size = first.setdefault(o.sharing, (o.name, alternative.size))
            if alternative.size != size:
                raise InvalidProblemError(
                    f"alternative {number} of operation {o.name!r} has size {alternative.size}, "
                    f"but it shares heads with {name!r}, which has size {size}; all alternatives "
                    f"of all operations with sharing {o.sharing!r} need the same size"
                )


def _validate_producers(problem: AllocationProblem) -> None:
    writers: dict[str, list[str]] = {v.name: [] for v in problem.variables}
    for o in problem.operations:
        for name in o.writes:
            if name not in writers:
                raise InvalidProblemError(f"operation {o.name!r} writes unknown variable {name!r}")
            writers[name].append(o.name)
    for v in problem.variables:
        if len(writers[v.name]) > 1:
            raise InvalidProblemError(
                f"variable {v.name!r} is written by several operations: "
                + ", ".join(writers[v.name])
            )
        if v.is_input and writers[v.name]:
            raise InvalidProblemError(
                f"variable {v.name!r} is an input, yet operation {writers[v.name][0]!r} writes it"
            )
        if not v.is_input and not writers[v.name]:
            raise InvalidProblemError(
                f"variable {v.name!r} has no producer; mark it as an input or add an operation "
                "that writes it"
            )


def _validate_choices(problem: AllocationProblem) -> None:
    _require_unique([choice.name for choice in problem.choices], "choice")
    for choice in problem.choices:
        if not choice.options:
            raise InvalidProblemError(
                f"the choice {choice.name!r} has no option, so its output can never be there; give "
                "at least one"
            )
        unknown = sorted({v for option in choice.options for v in option} - set(problem.variable))
        if unknown:
            raise InvalidProblemError(
                f"the choice {choice.name!r} has unknown variables: {', '.join(unknown)}"
            )
