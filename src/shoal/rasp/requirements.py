"""What expressions ask of their parts."""

from __future__ import annotations

from typing import Any

from shoal.errors import ProgramError
from shoal.rasp.values import normalise, show_value, why_unusable


def require_kind(argument: object, kind: type, owner: str, name: str, wanted: str) -> None:
    """Refuse an argument that is no expression of a kind."""
    if not isinstance(argument, kind):
        raise ProgramError(
            f"argument {name!r} of {owner} must be {wanted}, not {show_value(argument)}"
        )


def listed(values: Any, owner: str) -> tuple[Any, ...]:
    """The elements of something that can be listed."""
    try:
        return tuple(values)
    except TypeError:
        raise ProgramError(f"{owner} needs a list, not {show_value(values)}") from None


def require_function(function: object, owner: str) -> None:
    """Refuse what cannot be called."""
    if not callable(function):
        raise ProgramError(f"{owner} needs a function, not {show_value(function)}")


def require_usable(value: object, owner: str) -> None:
    """Refuse a value that has no place in a program."""
    reason = why_unusable(normalise(value))
    if reason is not None:
        raise ProgramError(f"{owner} has the value {show_value(value)}, which {reason}")
