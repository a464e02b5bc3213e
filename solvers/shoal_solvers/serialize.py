"""Problems, allocations and results as JSON, in and out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from shoal_solvers.allocation import Allocation, Costs, Placement
from shoal_solvers.errors import InvalidProblemError
from shoal_solvers.problem import (
    AllocationProblem,
    Alternative,
    Budgets,
    Operation,
    OutputChoice,
    Variable,
)
from shoal_solvers.result import ObjectiveResult, Result, Status
from shoal_solvers.timeline import Kind

_MISSING = object()


def problem_to_json(problem: AllocationProblem) -> str:
    """The problem as JSON text, from which ``problem_from_json`` makes an equal one."""
    return json.dumps(
        {
            "name": problem.name,
            "variables": [_without_defaults(v) for v in problem.variables],
            "operations": [_without_defaults(o) for o in problem.operations],
            "budgets": problem.budgets.limits(),
            **({"choices": [asdict(c) for c in problem.choices]} if problem.choices else {}),
        },
        indent=1,
    )


def problem_from_json(text: str) -> AllocationProblem:
    """The problem that JSON text describes.

    Raises:
        InvalidProblemError: the text is no JSON, a field is missing, unknown or of the wrong
            type, or the problem makes no sense. The message says where and what to do.
    """
    known = ("name", "variables", "operations", "budgets", "choices")
    data = _Reader(_load(text), "the problem", known)
    return AllocationProblem(
        variables=tuple(_variable(*item) for item in data.items("variables")),
        operations=tuple(_operation(*item) for item in data.items("operations")),
        budgets=_budgets(data),
        name=data.get("name", str, "problem"),
        choices=tuple(_choice(*item) for item in data.items("choices", [])),
    )


def allocation_to_json(allocation: Allocation) -> str:
    """The allocation as JSON text."""
    return json.dumps(_allocation_to_dict(allocation), indent=1)


def allocation_from_json(text: str) -> Allocation:
    """The allocation that JSON text describes; ``check`` says whether it is valid.

    Raises:
        InvalidProblemError: the text is no JSON, or a field is missing, unknown or of the
            wrong type.
    """
    return _allocation(_load(text), "the allocation")


def result_to_json(result: Result) -> str:
    """The result as JSON text."""
    return json.dumps(
        {
            "solver": result.solver,
            "seconds": result.seconds,
            "interrupted": result.interrupted,
            "costs": asdict(result.costs),
            "objectives": [asdict(o) for o in result.objectives],
            "allocation": _allocation_to_dict(result.allocation),
        },
        indent=1,
    )


def result_from_json(text: str) -> Result:
    """The result that JSON text describes.

    Raises:
        InvalidProblemError: the text is no JSON, or a field is missing, unknown or of the
            wrong type.
    """
    data = _Reader(_load(text), "the result", tuple(f.name for f in fields(Result)))
    costs = _Reader(data.get("costs", dict), "costs of the result", _names(Costs))
    return Result(
        solver=data.get("solver", str),
        allocation=_allocation(data.get("allocation", dict), "allocation of the result"),
        costs=Costs(**{name: costs.get(name, int) for name in _names(Costs)}),
        objectives=tuple(_objective(*item) for item in data.items("objectives")),
        seconds=data.seconds(),
        interrupted=data.get("interrupted", bool),
    )


class _Reader:
    """A JSON object whose fields are taken out one by one, with errors that say where."""

    def __init__(self, data: object, where: str, known: tuple[str, ...]) -> None:
        if not isinstance(data, dict):
            raise InvalidProblemError(
                f"{where} should be an object with the fields {', '.join(known)}, "
                f"but is {_kind(data)}"
            )
        unknown = sorted(set(data) - set(known))
        if unknown:
            raise InvalidProblemError(
                f"{where} has unknown fields: {', '.join(unknown)}; known: {', '.join(known)}"
            )
        self._data: Mapping[str, object] = data
        self.where = where

    def get(
        self, name: str, kind: type | tuple[type, ...], default: object = _MISSING
    ) -> Any:  # the caller names the type that comes out
        """The value of a field of the given JSON type."""
        value = self._data.get(name, default)
        if value is _MISSING:
            raise InvalidProblemError(f"{self.where} lacks the field {name!r}; add it")
        kinds = kind if isinstance(kind, tuple) else (kind,)
        right = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
        if value is not default and not right:
            wanted = " or ".join(_KINDS[k] for k in kinds)
            raise InvalidProblemError(
                f"field {name!r} of {self.where} should be {wanted}, but is {_kind(value)}"
            )
        return value

    def items(self, name: str, default: object = _MISSING) -> list[tuple[object, str]]:
        """The items of a list with words for where each stands."""
        values = self.get(name, list, default)
        return [(value, f"item {i} of {name!r} of {self.where}") for i, value in enumerate(values)]

    def seconds(self) -> float:
        """The field ``seconds``."""
        number = self.get("seconds", (int, float))
        if not 0 <= number < float("inf"):
            raise InvalidProblemError(f"field 'seconds' of {self.where} is no number of seconds")
        try:
            return float(number)
        except OverflowError:
            raise InvalidProblemError(
                f"field 'seconds' of {self.where} is more than a float holds"
            ) from None

    def words(self, name: str) -> tuple[str, ...]:
        """A list of names."""
        values = self.get(name, list)
        if not all(isinstance(value, str) for value in values):
            raise InvalidProblemError(f"field {name!r} of {self.where} should be a list of names")
        return tuple(values)


_KINDS: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def _kind(value: object) -> str:
    return f"{_KINDS[type(value)]} ({json.dumps(value)[:40]})"


def _names(kind: type) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind))


def _load(text: str) -> object:
    if not isinstance(text, str | bytes | bytearray):
        raise InvalidProblemError(f"this is no JSON text, but {type(text).__name__}")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidProblemError(
            f"this is no valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise InvalidProblemError("this JSON is nested too deeply; no instance is") from None
    except ValueError as error:  # a number of more digits than Python reads
        raise InvalidProblemError(f"this JSON cannot be read: {error}") from None


def _without_defaults(item: Variable | Operation) -> dict[str, object]:
    data = asdict(item)
    return {f.name: data[f.name] for f in fields(item) if data[f.name] != f.default}


def _variable(data: object, where: str) -> Variable:
    reader = _Reader(data, where, _names(Variable))
    return Variable(
        name=reader.get("name", str),
        width=reader.get("width", int),
        is_input=reader.get("is_input", bool, False),
        is_output=reader.get("is_output", bool, False),
        erase_neurons=reader.get("erase_neurons", (int, type(None)), None),
    )


def _operation(data: object, where: str) -> Operation:
    reader = _Reader(data, where, _names(Operation))
    kind = reader.get("kind", str)
    if kind not in list(Kind):
        raise InvalidProblemError(
            f"field 'kind' of {where} is {kind!r}; known kinds: {', '.join(Kind)}"
        )
    return Operation(
        name=reader.get("name", str),
        kind=Kind(kind),
        writes=reader.words("writes"),
        alternatives=tuple(_alternative(*item) for item in reader.items("alternatives")),
        block=reader.get("block", (str, type(None)), None),
        sharing=reader.get("sharing", (str, type(None)), None),
    )


def _alternative(data: object, where: str) -> Alternative:
    reader = _Reader(data, where, _names(Alternative))
    return Alternative(reads=reader.words("reads"), size=reader.get("size", int))


def _choice(data: object, where: str) -> OutputChoice:
    reader = _Reader(data, where, _names(OutputChoice))
    options = reader.get("options", list)
    for option in options:
        if not isinstance(option, list) or any(not isinstance(name, str) for name in option):
            raise InvalidProblemError(
                f"the options of {where} should be lists of names of variables"
            )
    return OutputChoice(reader.get("name", str), tuple(map(tuple, options)))


def _budgets(data: _Reader) -> Budgets:
    names = _names(Budgets)
    reader = _Reader(data.get("budgets", dict, {}), f"'budgets' of {data.where}", names)
    return Budgets(**{name: reader.get(name, (int, type(None)), None) for name in names})


def _objective(data: object, where: str) -> ObjectiveResult:
    reader = _Reader(data, where, _names(ObjectiveResult))
    status = reader.get("status", str)
    if status not in list(Status):
        raise InvalidProblemError(
            f"field 'status' of {where} is {status!r}; known: {', '.join(Status)}"
        )
    return ObjectiveResult(
        name=reader.get("name", str),
        value=reader.get("value", int),
        bound=reader.get("bound", int),
        status=Status(status),
        seconds=reader.seconds(),
    )


def _allocation_to_dict(allocation: Allocation) -> dict[str, object]:
    return {
        "num_layers": allocation.num_layers,
        "placements": {name: asdict(p) for name, p in allocation.placements.items()},
        "erasures": dict(allocation.erasures),
        "columns": {name: list(columns) for name, columns in allocation.columns.items()},
        **({"outputs": dict(allocation.outputs)} if allocation.outputs else {}),
    }


def _allocation(data: object, where: str) -> Allocation:
    reader = _Reader(data, where, _names(Allocation))
    placements = {}
    for name, item in reader.get("placements", dict).items():
        placement = _Reader(item, f"the placement of {name!r}", _names(Placement))
        placements[name] = Placement(
            placement.get("half_layer", int), placement.get("alternative", int)
        )
    erasures = _Reader(
        reader.get("erasures", dict), "erasures", tuple(reader.get("erasures", dict))
    )
    chosen = reader.get("outputs", dict, {})
    outputs = _Reader(chosen, "outputs", tuple(chosen))
    columns = reader.get("columns", dict)
    for name, numbers in columns.items():
        if not isinstance(numbers, list) or any(type(number) is not int for number in numbers):
            raise InvalidProblemError(
                f"the columns of {name!r} in {where} should be a list of whole numbers"
            )
    return Allocation(
        num_layers=reader.get("num_layers", int),
        placements=placements,
        erasures={name: erasures.get(name, int) for name in reader.get("erasures", dict)},
        columns={name: tuple(numbers) for name, numbers in columns.items()},
        outputs={name: outputs.get(name, int) for name in chosen},
    )
