"""What makes two allocation problems the same, as a short text."""

from __future__ import annotations

import json
from dataclasses import fields
from hashlib import sha256

from shoal_solvers.problem import AllocationProblem, Operation, OutputChoice, Variable

DIGITS = 16
"""Hexadecimal digits of an identity, 64 bits.

Short enough to be read out in a message; among a million problems two have the same one with a
chance below 1 in 10**7. It tells files apart that were mixed up, not files that were forged.
"""


def problem_identity(problem: AllocationProblem) -> str:
    """The first digits of the SHA-256 of what a problem says, without its name.

    Two problems with the same identity have the same valid allocations, at the same costs. So the
    order of variables, of operations, of choices, and of names that are read, written or there
    together does not count; it may decide which of several best allocations a solver finds. The
    order of alternatives and of options does count, since allocations refer to them by number.
    """
    content = {
        "variables": sorted(map(_fields, problem.variables), key=_name),
        "operations": sorted(map(_operation, problem.operations), key=_name),
        "choices": sorted(map(_choice, problem.choices), key=_name),
        "budgets": problem.budgets.limits(),
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode("ascii")).hexdigest()[:DIGITS]


def _operation(operation: Operation) -> dict[str, object]:
    return {
        **_fields(operation),
        "writes": sorted(operation.writes),
        "alternatives": [
            {"reads": sorted(set(a.reads)), "size": a.size} for a in operation.alternatives
        ],
    }


def _fields(part: Variable | Operation) -> dict[str, object]:
    return {field.name: getattr(part, field.name) for field in fields(part)}


def _choice(choice: OutputChoice) -> dict[str, object]:
    return {"name": choice.name, "options": [sorted(set(option)) for option in choice.options]}


def _name(content: dict[str, object]) -> str:
    return str(content["name"])
