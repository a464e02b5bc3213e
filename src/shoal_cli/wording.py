"""What the library says of its arguments, in the words of the command line.

Messages of the library name what a Python program would write, ``limits=shoal.Limits(work=10)``;
whoever uses the command line has ``--work 10``. One table says which is which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType

from shoal.errors import ShoalError
from shoal.limits import Limits
from shoal.options import CompileOptions
from shoal_solvers import Budgets

_GROUPS = frozenset({"limits", "budget"})
"""Arguments that hold several others."""

_OTHERWISE = {"reuse": "--no-reuse"}
"""Options that are not named as the arguments are."""

OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        field.name: _OTHERWISE.get(field.name, "--" + field.name.replace("_", "-"))
        for of in (CompileOptions, Budgets, Limits)
        for field in fields(of)
        if field.name not in _GROUPS
    }
)
"""For each argument of ``shoal.compile``, and each field of its budgets and limits, the option."""

_SWITCHES = {
    ("causal", "True"): "--causal",
    ("causal", "False"): "no --causal",
    ("reuse", "False"): "--no-reuse",
    ("reuse", "True"): "no --no-reuse",
}

_NAMES = "|".join(sorted(OPTIONS, key=len, reverse=True))
_LONG_NAMES = "|".join(sorted((name for name in OPTIONS if "_" in name), key=len, reverse=True))
"""Those that are no words of English, so that they mean the argument wherever they stand."""

_MENTION = re.compile(
    r"(?P<quoted>(?<!\w)'(?:[^'\\]|\\.)*'(?!\w))"
    r"|(?:\b(?:limits|budget)=)?shoal\.(?:Limits|Budgets)\((?P<inside>[^()]*)\)"
    rf"|\b(?P<name>(?:{_NAMES})=|(?:{_LONG_NAMES}) = )"
    r"(?P<value>\"[^\"]*\"|\.\.\.|[\w.+-]*\w(?:,\d{3})*)?"
    rf"|\bthe (?P<kind>limit|budget) (?P<field>{_NAMES})\b"
    rf"|\b(?P<word>{_LONG_NAMES})\b"
)


class CommandLineError(ShoalError):
    """What a command was given makes no sense; the message names options already."""


def in_options(message: str) -> str:
    """A message of the library that names the options of the command line.

    Args:
        message: what an error says. What is in single quotes in it is a value, and left alone.
    """
    return _MENTION.sub(_option, message)


def _option(found: re.Match[str]) -> str:
    if found["quoted"] is not None:
        return found["quoted"]
    if found["inside"] is not None:
        return in_options(found["inside"].replace(", ", " "))
    if found["field"] is not None:
        return f"the {found['kind']} {OPTIONS[found['field']]}"
    if found["word"] is not None:
        return OPTIONS[found["word"]]
    name, value = found["name"].rstrip(" ="), found["value"] or ""
    switch = _SWITCHES.get((name, value))
    return switch or f"{OPTIONS[name]} {value.strip(chr(34))}".rstrip()
