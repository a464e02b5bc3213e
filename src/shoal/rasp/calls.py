"""Calling users' functions: what a call is believed to say.

A function in a program is to be a function: its result depends on its arguments alone. Every call
is made twice, which unmasks most of those that keep state, draw random numbers or read a clock.
What a function raises counts as "undefined here" only if it raises again; errors that come from
outside, such as too little memory, are passed on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shoal.errors import comes_from_outside
from shoal.rasp.values import Value, is_same, normalise, show_error, show_value, why_unusable


@dataclass(frozen=True)
class Call:
    """What came of a call: a value, or an error.

    Attributes:
        value: what it returned; None also where it raised.
        error: what it raised, if it did.
    """

    value: Value
    error: Exception | None = None

    def __str__(self) -> str:
        if self.error is not None:
            return f"raises {show_error(self.error)}"
        return f"gives {show_value(self.value)}"


class UnusableResultError(Exception):
    """A function returned what cannot be a value.

    Attributes:
        value: what it returned.
        reason: why it cannot be used.
    """

    def __init__(self, value: object, reason: str) -> None:
        super().__init__(value, reason)
        self.value = value
        self.reason = reason


class NoFunctionError(Exception):
    """A function came out differently when it was called again.

    Attributes:
        first: what came of the first call.
        second: what came of the second one.
    """

    def __init__(self, first: Call, second: Call) -> None:
        super().__init__(first, second)
        self.first = first
        self.second = second


def call(
    function: Callable[..., Any],
    arguments: tuple[Value, ...],
    made: Callable[[Any], Value] = normalise,
) -> Call:
    """Call a user's function twice.

    Args:
        function: of as many values as there are arguments.
        arguments: what it is called with.
        made: what is to be made of its result, where that may raise as well.

    Raises:
        UnusableResultError: it returned what can be no value.
        NoFunctionError: the second call came out differently.
        BaseException: what the function raised, if that says nothing about the function.
    """
    first = _call_once(function, arguments, made)
    if first.error is None:
        reason = why_unusable(first.value)
        if reason is not None:
            raise UnusableResultError(first.value, reason)
    second = _call_once(function, arguments, made)
    if (first.error is None) != (second.error is None) or not is_same(first.value, second.value):
        raise NoFunctionError(first, second) from first.error or second.error
    return first


def _call_once(
    function: Callable[..., Any], arguments: tuple[Value, ...], made: Callable[[Any], Value]
) -> Call:
    try:
        return Call(made(function(*arguments)))
    except Exception as error:
        if comes_from_outside(error):
            raise
        return Call(None, error)
