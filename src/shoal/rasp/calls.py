"""Calling users' functions: what a call is believed to say.

A function in a program is to be a function: its result depends on its arguments alone. Every call
is made twice, which unmasks most of those that keep state, draw random numbers or read a clock.
What a function raises counts as "undefined here" only if it raises again; errors that come from
outside, such as too little memory, are passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from shoal.errors import comes_from_outside
from shoal.rasp.functions import (
    BinaryOperator,
    Comparison,
    Composed,
    ConstantOperator,
    LinearCombination,
    OfOneOperand,
    UnaryOperator,
)
from shoal.rasp.values import Value, is_same, normalise, show_error, show_value, why_unusable


class UndefinedError(Exception):
    """A function raised, and does so again, so that it is undefined on these arguments.

    Attributes:
        error: what it raised.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


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
        first: what came of the first call, in words.
        second: what came of the second one.
    """

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first, second)
        self.first = first
        self.second = second


def call(
    function: Callable[..., Any],
    arguments: tuple[Value, ...],
    made: Callable[[Any], Value] = normalise,
    again: bool = True,
) -> Value:
    """What a user's function returns, if it can be believed.

    Args:
        function: of as many values as there are arguments.
        arguments: what it is called with.
        made: what is to be made of its result, where that may raise as well.
        again: whether to call it a second time.

    Raises:
        UndefinedError: it raised, twice.
        UnusableResultError: it returned what can be no value.
        NoFunctionError: the second call came out differently.
        BaseException: what the function raised, if that says nothing about the function.
    """
    try:
        value = made(function(*arguments))
    except Exception as error:
        if comes_from_outside(error):
            raise
        _require_raising(function, arguments, made, error)
        raise UndefinedError(error) from error
    reason = why_unusable(value)
    if reason is not None:
        raise UnusableResultError(value, reason)
    if again:
        _require_same(function, arguments, made, value)
    return value


def _require_raising(
    function: Callable[..., Any],
    arguments: tuple[Value, ...],
    made: Callable[[Any], Value],
    first: Exception,
) -> None:
    try:
        value = made(function(*arguments))
    except Exception as error:
        if comes_from_outside(error):
            raise
        return
    raise NoFunctionError(_raises(first), _gives(value)) from first


def _require_same(
    function: Callable[..., Any],
    arguments: tuple[Value, ...],
    made: Callable[[Any], Value],
    first: Value,
) -> None:
    try:
        value = made(function(*arguments))
        same = is_same(first, value)
    except Exception as error:
        if comes_from_outside(error):
            raise
        raise NoFunctionError(_gives(first), _raises(error)) from error
    if not same:
        raise NoFunctionError(_gives(first), _gives(value))


def _gives(value: Value) -> str:
    return f"gives {show_value(value)}"


def _raises(error: Exception) -> str:
    return f"raises {show_error(error)}"


def is_surely_a_function(function: Callable[..., Any], arguments: Iterable[Value]) -> bool:
    """Whether a function needs no second call: it is an operator, and of plain values."""
    if isinstance(function, OfOneOperand):
        return is_surely_a_function(function.function, arguments)
    parts = function.functions if isinstance(function, Composed) else (function,)
    constants = [part.constant for part in parts if isinstance(part, ConstantOperator)]
    are_operators = all(isinstance(part, _OPERATORS) for part in parts)
    return are_operators and all(type(value) in _PLAIN for value in (*constants, *arguments))


_OPERATORS = (BinaryOperator, Comparison, ConstantOperator, LinearCombination, UnaryOperator)
_PLAIN = (bool, int, float, str)
