"""Faults are planted by replacing product functions while a context lasts."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from unittest.mock import patch

from shoal import Model
from shoal.errors import ShoalError
from shoal.options import pass_names
from shoal_analysis.fuzzing.cases import Case, Line
from shoal_analysis.fuzzing.oracles import compile_case

Function = Callable[..., Any]

READY = r"(s\d+) = Select\((?:tokens|indices), (?:tokens|indices), "
"""A selector that heads in the first layer may use, as a pattern in a program's source."""


@dataclass(frozen=True)
class Fault:
    """A planted fault.

    Attributes:
        name: unique.
        what_is_wrong: one line.
        apply: a context within which the compiler has the fault.
        can_show: whether a case has what the fault is about; tests look at such cases only.
        on_haiku: whether it shows on Haiku alone, which is slow to ask.
        adapted: what is made of a case that can show it, such as the same with other tokens.
    """

    name: str
    what_is_wrong: str
    apply: Callable[[], AbstractContextManager[object]]
    can_show: Callable[[Case], bool] = lambda case: True
    on_haiku: bool = False
    adapted: Callable[[Case], Case] = lambda case: case


def fault(
    found: list[Fault], owner: object, attribute: str, name: str, what_is_wrong: str, **further: Any
) -> Callable[[Callable[[Function], Function]], None]:
    """Register a function that turns the correct ``owner.attribute`` into a wrong one."""

    def register(spoil: Callable[[Function], Function]) -> None:
        apply = partial(_spoiled, owner, attribute, spoil)
        found.append(Fault(name, what_is_wrong, apply, **further))

    return register


def _spoiled(
    owner: object, attribute: str, spoil: Callable[[Function], Function]
) -> AbstractContextManager[object]:
    return patch.object(owner, attribute, spoil(getattr(owner, attribute)))


def has(pattern: str) -> Callable[[Case], bool]:
    """Cases whose source matches a pattern."""
    found = re.compile(pattern, re.DOTALL)
    return lambda case: bool(found.search(case.source()))


def has_pass(name: str) -> Callable[[Case], bool]:
    """Cases that are compiled with a pass."""
    return lambda case: name in pass_names(case.options.passes)


def lacks_pass(name: str) -> Callable[[Case], bool]:
    """Cases that are compiled without a pass."""
    return lambda case: name not in pass_names(case.options.passes)


def model_of(case: Case) -> Model | None:
    """A case compiled; None if it is refused."""
    try:
        return compile_case(case, case.build())
    except ShoalError:
        return None


def uses_pass(name: str) -> Callable[[Case], bool]:
    """Cases in whose model a pass has saved something."""

    def uses(case: Case) -> bool:
        if name not in pass_names(case.options.passes):
            return False
        model = model_of(case)
        saved = () if model is None else model.atlas.savings
        return any(saving.name == name and saving.count for saving in saved)

    return uses


def uses_rule(name: str) -> Callable[[Case], bool]:
    """Cases of which a rule of lowering offers components."""

    def uses(case: Case) -> bool:
        if name not in pass_names(case.options.passes):
            return False
        model = model_of(case)
        operations = () if model is None else model.lowered.operations
        return any(name in operation.rules for operation in operations)

    return uses


def of_program(source: str, **options: Any) -> Callable[[Case], Case]:
    """Makes of a case one of another program, for full attention and by the exact solver."""
    lines = Line.parse(source)
    fixed = {"causal": False, "allocator": "cp-sat", **options}
    return lambda case: replace(case, lines=lines, options=replace(case.options, **fixed))


def both(*conditions: Callable[[Case], bool]) -> Callable[[Case], bool]:
    """Cases that meet all conditions."""
    return lambda case: all(condition(case) for condition in conditions)
