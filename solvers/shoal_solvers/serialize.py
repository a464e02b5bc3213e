"""Problems, allocations and results as JSON, in and out."""

from __future__ import annotations

import json
from dataclasses import asdict, fields

from shoal_solvers.allocation import Allocation, Costs, Placement
from shoal_solvers.certificate import WidthCertificate
from shoal_solvers.errors import InvalidProblemError
from shoal_solvers.identity import problem_identity
from shoal_solvers.json_fields import ALLOCATION, PROBLEM, RESULT, JsonFields, loaded, opened
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
from shoal_solvers.words import brief


def problem_to_json(problem: AllocationProblem) -> str:
    """The problem as JSON text, from which ``problem_from_json`` makes an equal one."""
    return json.dumps(
        {
            **PROBLEM.header(),
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
        InvalidProblemError: the text is no JSON, it is of another format or a newer version, a
            field is missing, unknown or of the wrong type, or the problem makes no sense. The
            message says where and what to do.
    """
    known = ("name", "variables", "operations", "budgets", "choices")
    data = opened(loaded(text), PROBLEM, known)
    return AllocationProblem(
        variables=tuple(_variable(*item) for item in data.items("variables")),
        operations=tuple(_operation(*item) for item in data.items("operations")),
        budgets=_budgets(data),
        name=data.get("name", str, "problem"),
        choices=tuple(_choice(*item) for item in data.items("choices", [])),
    )


def allocation_to_json(allocation: Allocation, problem: AllocationProblem | None = None) -> str:
    """The allocation as JSON text, which names the problem that it belongs to if one is given."""
    named = {} if problem is None else {"problem": problem_identity(problem)}
    return json.dumps({**ALLOCATION.header(), **named, **_allocation_to_dict(allocation)}, indent=1)


def allocation_from_json(text: str, problem: AllocationProblem | None = None) -> Allocation:
    """The allocation that JSON text describes; ``check`` says whether it is valid.

    Args:
        text: what ``allocation_to_json`` wrote.
        problem: what it should belong to; a text that names no problem may belong to any.

    Raises:
        InvalidProblemError: the text is no JSON, it is of another format or a newer version, a
            field is missing, unknown or of the wrong type, or it names another problem.
    """
    allocation, identity = _read_allocation(loaded(text))
    _require_same("the allocation", identity, problem)
    return allocation


def result_to_json(result: Result, problem: AllocationProblem | None = None) -> str:
    """The result as JSON text, which names the problem that it belongs to if that is known.

    Raises:
        InvalidProblemError: the result says that it belongs to another problem.
    """
    _require_same("the result", result.problem, problem)
    identity = result.problem if problem is None else problem_identity(problem)
    return json.dumps(
        {
            **RESULT.header(),
            **({"problem": identity} if identity else {}),
            "solver": result.solver,
            "seconds": result.seconds,
            "interrupted": result.interrupted,
            "costs": asdict(result.costs),
            "objectives": [asdict(o) for o in result.objectives],
            "allocation": _allocation_to_dict(result.allocation),
            **_certificate_to_dict(result.certificate),
        },
        indent=1,
    )


def result_from_json(text: str, problem: AllocationProblem | None = None) -> Result:
    """The result that JSON text describes.

    Args:
        text: what ``result_to_json`` wrote.
        problem: what it should belong to; a text that names no problem may belong to any.

    Raises:
        InvalidProblemError: the text is no JSON, it is of another format or a newer version, a
            field is missing, unknown or of the wrong type, or it names another problem.
    """
    result = _read_result(loaded(text))
    _require_same("the result", result.problem, problem)
    return result


def solution_from_json(text: str) -> tuple[Allocation | Result, str]:
    """An allocation or a result, whichever it is, and the identity of its problem ("" if unknown).

    Raises:
        InvalidProblemError: as for ``allocation_from_json`` and ``result_from_json``.
    """
    data = loaded(text)
    if isinstance(data, dict) and (
        data.get("format") == RESULT.name or ("format" not in data and "allocation" in data)
    ):
        result = _read_result(data)
        return result, result.problem
    return _read_allocation(data)


def _require_same(what: str, identity: str, problem: AllocationProblem | None) -> None:
    if problem is None or not identity or identity == problem_identity(problem):
        return
    raise InvalidProblemError(
        f"{what} belongs to the problem with identity {brief(identity)}, not to "
        f"{problem.name!r:.40}, whose identity is {problem_identity(problem)}; give the problem "
        "that was solved, or solve this one"
    )


def _read_allocation(data: object) -> tuple[Allocation, str]:
    fields_of_it = opened(data, ALLOCATION, (*_names(Allocation), "problem"))
    return _allocation(fields_of_it), fields_of_it.get("problem", str, "")


def _read_result(text: object) -> Result:
    data = opened(text, RESULT, _names(Result))
    costs = JsonFields(data.get("costs", dict), "costs of the result", _names(Costs))
    allocation = JsonFields(
        data.get("allocation", dict), "allocation of the result", _names(Allocation)
    )
    return Result(
        solver=data.get("solver", str),
        allocation=_allocation(allocation),
        costs=Costs(**{name: costs.get(name, int) for name in _names(Costs)}),
        objectives=tuple(_objective(*item) for item in data.items("objectives")),
        seconds=data.seconds(),
        interrupted=data.get("interrupted", bool),
        problem=data.get("problem", str, ""),
        certificate=_certificate(data.get("certificate", (dict, type(None)), None)),
    )


def _certificate_to_dict(certificate: WidthCertificate | None) -> dict[str, object]:
    return {} if certificate is None else {"certificate": asdict(certificate)}


def _certificate(data: object) -> WidthCertificate | None:
    if data is None:
        return None
    reader = JsonFields(data, "certificate of the result", _names(WidthCertificate))
    multipliers = reader.whole_numbers("multipliers")
    odd = [row for row in multipliers if not (row.isascii() and row.isdigit())]
    if odd:
        raise InvalidProblemError(
            f"the multipliers of the certificate have {brief(odd[0])} where the number of a row "
            "should be"
        )
    return WidthCertificate(
        num_layers=reader.get("num_layers", int),
        bound=reader.get("bound", int),
        multipliers={int(row): multiplier for row, multiplier in multipliers.items()},
    )


def _names(kind: type) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind))


def _without_defaults(item: Variable | Operation) -> dict[str, object]:
    data = asdict(item)
    return {f.name: data[f.name] for f in fields(item) if data[f.name] != f.default}


def _variable(data: object, where: str) -> Variable:
    reader = JsonFields(data, where, _names(Variable))
    return Variable(
        name=reader.get("name", str),
        width=reader.get("width", int),
        is_input=reader.get("is_input", bool, False),
        is_output=reader.get("is_output", bool, False),
        erase_neurons=reader.get("erase_neurons", (int, type(None)), None),
    )


def _operation(data: object, where: str) -> Operation:
    reader = JsonFields(data, where, _names(Operation))
    kind = reader.get("kind", str)
    if kind not in list(Kind):
        raise InvalidProblemError(
            f"field 'kind' of {where} is {kind!r:.40}; known kinds: {', '.join(Kind)}"
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
    reader = JsonFields(data, where, _names(Alternative))
    return Alternative(reads=reader.words("reads"), size=reader.get("size", int))


def _choice(data: object, where: str) -> OutputChoice:
    reader = JsonFields(data, where, _names(OutputChoice))
    options = reader.get("options", list)
    for option in options:
        if not isinstance(option, list) or any(not isinstance(name, str) for name in option):
            raise InvalidProblemError(
                f"the options of {where} should be lists of names of variables"
            )
    return OutputChoice(reader.get("name", str), tuple(map(tuple, options)))


def _budgets(data: JsonFields) -> Budgets:
    names = _names(Budgets)
    reader = JsonFields(data.get("budgets", dict, {}), f"'budgets' of {data.where}", names)
    return Budgets(**{name: reader.get(name, (int, type(None)), None) for name in names})


def _objective(data: object, where: str) -> ObjectiveResult:
    reader = JsonFields(data, where, _names(ObjectiveResult))
    status = reader.get("status", str)
    if status not in list(Status):
        raise InvalidProblemError(
            f"field 'status' of {where} is {status!r:.40}; known: {', '.join(Status)}"
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


def _allocation(data: JsonFields) -> Allocation:
    columns = data.get("columns", dict)
    for name, numbers in columns.items():
        if not isinstance(numbers, list) or any(type(number) is not int for number in numbers):
            raise InvalidProblemError(
                f"the columns of '{brief(name)}' in {data.where} should be a list of whole numbers"
            )
    return Allocation(
        num_layers=data.get("num_layers", int),
        placements={
            name: _placement(item, f"the placement of '{brief(name)}'")
            for name, item in data.get("placements", dict).items()
        },
        erasures=data.whole_numbers("erasures"),
        columns={name: tuple(numbers) for name, numbers in columns.items()},
        outputs=data.whole_numbers("outputs", {}),
    )


def _placement(data: object, where: str) -> Placement:
    reader = JsonFields(data, where, _names(Placement))
    return Placement(reader.get("half_layer", int), reader.get("alternative", int))
