"""A problem put together step by step, with errors at the step that is wrong."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any, Self, TypedDict, Unpack

from shoal_solvers.errors import InvalidProblemError
from shoal_solvers.problem import (
    AllocationProblem,
    Alternative,
    Budgets,
    Operation,
    OutputChoice,
    Variable,
    require_budget,
    require_columns,
    require_sharing,
    require_size,
    require_variable,
    shown,
)
from shoal_solvers.result import Result
from shoal_solvers.solve import solve
from shoal_solvers.timeline import Kind
from shoal_solvers.words import brief, listed

SomeVariables = Variable | str | Iterable[Variable | str]
"""Variables by what ``Model.add_variable`` returned or by name; a single one stands for itself."""


class Limits(TypedDict, total=False):
    """The fields of ``Budgets``."""

    max_layers: int | None
    max_width: int | None
    max_neurons: int | None
    max_heads: int | None


class Model:
    """An allocation problem under construction.

    What the methods return, or its name, stands for a variable or an operation in later calls.
    Variables are added before the operations that read or write them; the order of operations is
    free. A call that raises leaves the model as it was.

    Attributes:
        name: what the problem will be called.
    """

    def __init__(self, name: str = "problem") -> None:
        self.name = _text(name, "the model name")
        self._variables: dict[str, Variable] = {}
        self._operations: dict[str, Operation] = {}
        self._earlier: dict[str, list[Operation]] = {}  # as they were before add_alternative
        self._choices: dict[str, OutputChoice] = {}
        self._budgets = Budgets()
        self._columns = 0
        self._writers: dict[str, str] = {}
        self._sharing: dict[str, Operation] = {}  # the first operation of each

    @classmethod
    def from_problem(cls, problem: AllocationProblem) -> Self:
        """A model of an existing problem, to add to it or to change its limits."""
        model = cls(problem.name)
        for variable in problem.variables:
            model._keep_variable(variable)
        for operation in problem.operations:
            model._keep_operation(operation)
        model._choices.update({choice.name: choice for choice in problem.choices})
        model._budgets = problem.budgets
        return model

    def __repr__(self) -> str:
        return (
            f"<Model {brief(self.name)!r}: {len(self._variables)} variables, "
            f"{len(self._operations)} operations, {len(self._choices)} choices>"
        )

    def add_variable(
        self,
        name: str,
        width: int,
        *,
        is_input: bool = False,
        is_output: bool = False,
        erase_neurons: int | None = None,
    ) -> Variable:
        """Add a value that lives in the residual stream.

        Args:
            name: unique among the variables.
            width: residual columns that it occupies while it lives.
            is_input: it is there before half-layer 0; all others need an operation that writes
                them.
            is_output: it has to be there at the end.
            erase_neurons: neurons that clearing its columns costs in an MLP; None if it is never
                cleared.

        Raises:
            InvalidProblemError: the name is taken, or a value makes no sense.
        """
        _require_new(name, "variable", self._variables)
        for what, flag in (("is_input", is_input), ("is_output", is_output)):
            if not isinstance(flag, bool):
                raise InvalidProblemError(
                    f"variable {name!r} has {what} {shown(flag)}; give True or False"
                )
        variable = Variable(name, _whole(width), is_input, is_output, _whole(erase_neurons))
        require_variable(variable)
        require_columns(self._columns + variable.width)
        self._keep_variable(variable)
        return variable

    def add_attention(
        self,
        name: str,
        *,
        reads: SomeVariables,
        writes: SomeVariables,
        heads: int,
        block: str | None = None,
        sharing: str | None = None,
    ) -> Operation:
        """Add an operation that takes attention heads; see ``add_operation``."""
        return self.add_operation(name, Kind.ATTENTION, writes, [(reads, heads)], block, sharing)

    def add_mlp(
        self,
        name: str,
        *,
        reads: SomeVariables,
        writes: SomeVariables,
        neurons: int,
        block: str | None = None,
    ) -> Operation:
        """Add an operation that takes hidden neurons of an MLP; see ``add_operation``."""
        return self.add_operation(name, Kind.MLP, writes, [(reads, neurons)], block)

    def add_operation(
        self,
        name: str,
        kind: Kind | str,
        writes: SomeVariables,
        alternatives: Iterable[Alternative | tuple[SomeVariables, int]],
        block: str | None = None,
        sharing: str | None = None,
    ) -> Operation:
        """Add an operation that can be computed in one or several ways.

        Args:
            name: unique among the operations.
            kind: "attention" or "mlp".
            writes: the variables that it produces; no other operation does.
            alternatives: for each way what it reads, and how many heads or neurons it takes.
            block: operations of one block are one step for the longest-path heuristic.
            sharing: attention operations with the same sharing take the heads of one of them
                where they are in one half-layer.

        Raises:
            InvalidProblemError: the name is taken, a variable is unknown, written by another
                operation or of another model, there is no alternative, or a value makes no sense.
        """
        _require_new(name, "operation", self._operations)
        if kind not in list(Kind):
            raise InvalidProblemError(
                f"operation {name!r} has kind {shown(kind)}; known kinds: {', '.join(Kind)}"
            )
        for what, label in (("block", block), ("sharing", sharing)):
            if label is not None:
                _text(label, f"the {what} of operation {name!r}")
        written = self._names(writes, f"operation {name!r} writes")
        self._require_writable(name, written)
        ways = tuple(
            self._alternative(name, number, way)
            for number, way in enumerate(_several(alternatives))
        )
        if not ways:
            raise InvalidProblemError(
                f"operation {name!r} has no alternative, so it cannot be computed; give at least "
                "one pair of what it reads and how many heads or neurons it takes"
            )
        return self._keep_operation(Operation(name, Kind(kind), written, ways, block, sharing))

    def add_alternative(
        self, operation: Operation | str, reads: SomeVariables, size: int
    ) -> Operation:
        """Add one more way to compute an operation; the first remains the one as written.

        Args:
            operation: what can be computed in another way.
            reads: the variables that it then reads.
            size: the heads or neurons that it then takes.

        Raises:
            InvalidProblemError: the operation or a variable is unknown or of another model, or
                the size makes no sense.
        """
        known = self._operation(operation)
        way = self._alternative(known.name, len(known.alternatives), (reads, size))
        extended = self._keep_operation(replace(known, alternatives=(*known.alternatives, way)))
        self._earlier.setdefault(known.name, []).append(known)
        return extended

    def add_choice(self, name: str, options: Iterable[SomeVariables]) -> OutputChoice:
        """Add an output that can be had in several ways, of which one has to be there.

        Args:
            name: unique among the choices.
            options: for each way the variables that have to be there together.

        Raises:
            InvalidProblemError: the name is taken, a variable is unknown or of another model, or
                there is no option.
        """
        _require_new(name, "choice", self._choices)
        choice = OutputChoice(
            name,
            tuple(self._names(each, f"the choice {name!r} has") for each in _several(options)),
        )
        if not choice.options:
            raise InvalidProblemError(
                f"the choice {name!r} has no option, so its output can never be there; give at "
                "least one"
            )
        self._choices[name] = choice
        return choice

    def limit(self, **limits: Unpack[Limits]) -> None:
        """Set the limits that are given, as whole numbers from 1 on; None lifts one.

        Args:
            limits: ``max_layers``, ``max_width``, ``max_neurons`` and ``max_heads``, as in
                ``Budgets``. Those that are not given stay as they are.

        Raises:
            InvalidProblemError: there is no such limit, or a number makes no sense.
        """
        known = [f.name for f in fields(Budgets)]
        changed: dict[str, Any] = {name: _whole(value) for name, value in limits.items()}
        for name, value in changed.items():
            if name not in known:
                raise InvalidProblemError(
                    f"there is no limit {brief(name)}; known: {', '.join(known)}"
                )
            if value is not None:
                require_budget(name, value)
        self._budgets = replace(self._budgets, **changed)

    def problem(self) -> AllocationProblem:
        """The problem as it stands, which later calls do not change.

        Raises:
            InvalidProblemError: a variable is neither an input nor written, or operations depend
                on each other in a circle.
        """
        return AllocationProblem(
            variables=tuple(self._variables.values()),
            operations=tuple(self._operations.values()),
            budgets=self._budgets,
            name=self.name,
            choices=tuple(self._choices.values()),
        )

    def solve(self, **options: Any) -> Result:
        """``shoal_solvers.solve`` of the problem as it stands, with its options."""
        return solve(self.problem(), **options)

    def _keep_variable(self, variable: Variable) -> None:
        self._variables[variable.name] = variable
        self._columns += variable.width

    def _keep_operation(self, operation: Operation) -> Operation:
        if operation.sharing is not None:
            require_sharing([self._sharing.get(operation.sharing, operation), operation])
            self._sharing.setdefault(operation.sharing, operation)
        self._operations[operation.name] = operation
        self._writers.update(dict.fromkeys(operation.writes, operation.name))
        return operation

    def _alternative(
        self, operation: str, number: int, way: Alternative | tuple[SomeVariables, int]
    ) -> Alternative:
        where = f"alternative {number} of operation {operation!r}"
        if isinstance(way, Alternative):
            reads: SomeVariables = way.reads
            size = way.size
        elif isinstance(way, tuple | list) and len(way) == 2:
            reads, size = way
        else:
            raise InvalidProblemError(
                f"{where} is {shown(way)}; give a pair of what it reads and how many heads or "
                "neurons it takes"
            )
        names = self._names(reads, f"{where} reads")
        size = _whole(size)
        require_size(operation, number, size)
        return Alternative(names, size)

    def _require_writable(self, operation: str, names: tuple[str, ...]) -> None:
        if not names:
            raise InvalidProblemError(
                f"operation {operation!r} writes no variable; give at least one, or leave it out"
            )
        for number, name in enumerate(names):
            if name in self._writers or name in names[:number]:
                other = self._writers.get(name, operation)
                raise InvalidProblemError(
                    f"operation {operation!r} writes {name!r}, which is written by {other!r} "
                    "already; a variable has one producer, so add another variable, or give "
                    "that operation another alternative"
                )
            if self._variables[name].is_input:
                raise InvalidProblemError(
                    f"operation {operation!r} writes {name!r}, which is an input and there from "
                    "the start; write another variable, or add this one without is_input"
                )

    def _names(self, given: SomeVariables, who: str) -> tuple[str, ...]:
        """The names of variables of this model."""
        each = (given,) if isinstance(given, Variable | str) else _several(given)
        return tuple(self._variable(item, who) for item in each)

    def _variable(self, given: object, who: str) -> str:
        if isinstance(given, Variable):
            if self._variables.get(given.name) is not given:
                raise InvalidProblemError(
                    f"{who} a variable {given.name!r} of another model; add one to this model by "
                    "add_variable and take what it returns, or give a name"
                )
            return given.name
        if not isinstance(given, str):
            raise InvalidProblemError(
                f"{who} {shown(given)}; variables are given by what add_variable returned, or by "
                "their names"
            )
        if given not in self._variables:
            raise InvalidProblemError(
                f"{who} the unknown variable '{brief(given)}'; add it by add_variable first, or "
                f"take one of those that there are: {listed(self._variables) or 'none'}"
            )
        return given

    def _operation(self, given: object) -> Operation:
        if isinstance(given, Operation):
            known = self._operations.get(given.name)
            handles = (known, *self._earlier.get(given.name, ()))
            if known is None or not any(handle is given for handle in handles):
                raise InvalidProblemError(
                    f"the operation {given.name!r} is of another model; take what add_operation, "
                    "add_attention or add_mlp of this one returned, or give a name"
                )
            return known
        if not isinstance(given, str):
            raise InvalidProblemError(
                f"an alternative is added to {shown(given)}; operations are given by what "
                "add_operation, add_attention or add_mlp returned, or by their names"
            )
        if given not in self._operations:
            raise InvalidProblemError(
                f"an alternative is added to the unknown operation '{brief(given)}'; add it by "
                "add_operation first, or take one of those that there are: "
                f"{listed(self._operations) or 'none'}"
            )
        return self._operations[given]


def _several(given: object) -> tuple[Any, ...]:
    """The items of what should have some; what has none is its own item, to be refused as such."""
    return tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)


def _text(name: object, what: str) -> str:
    if not isinstance(name, str):
        raise InvalidProblemError(f"{what} is {shown(name)}; give a text")
    return name


def _require_new(name: object, what: str, known: Iterable[str]) -> None:
    if (name := _text(name, f"the {what} name")) in known:
        raise InvalidProblemError(
            f"this model has the {what} '{brief(name)}' already; give this one another name"
        )


def _whole(number: Any) -> Any:
    """An int for what can stand for one, such as NumPy's; all else as it is, to be refused."""
    if isinstance(number, bool):
        return number
    try:
        return operator.index(number)
    except TypeError:
        return number
