"""Tables of users' functions over the classes of their operands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.contract import agrees
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.limits import Work
from shoal.program.facts.inferred import Raises
from shoal.program.ir import Node
from shoal.rasp.calls import (
    NoFunctionError,
    UndefinedError,
    UnusableResultError,
    call,
    is_surely_a_function,
)
from shoal.rasp.functions import Comparison, show_function
from shoal.rasp.values import (
    Value,
    count_parts,
    is_one_in_float32,
    normalise,
    show_error,
    show_value,
)

Class = tuple[Value, ...]


@dataclass(frozen=True)
class Tabulation:
    """What a function makes of joint classes.

    Attributes:
        results: for each joint class the results on its members, which look the same; none where
            the function raises on all of them.
        raises: where it raises, if it does so anywhere.
    """

    results: dict[tuple[int, ...], list[Value]]
    raises: Raises | None


def tabulate(
    node: Node,
    function: Callable[..., Any],
    classes: Sequence[Sequence[Class]],
    joint: Iterable[tuple[int, ...]],
    work: Work,
    made: Callable[[Any], Value] = normalise,
) -> Tabulation:
    """Call a function on every member of every joint class.

    Args:
        node: what the function belongs to.
        function: it is called with one value for each operand.
        classes: for each operand its classes.
        joint: the joint classes that can occur.
        work: each call counts.
        made: what is made of the function's results.

    Raises:
        UnsupportedProgramError: the function raises on all values, is no function, returns what
            cannot be a value, or tells values of one class apart.
    """
    results: dict[tuple[int, ...], list[Value]] = {}
    raising: set[tuple[int, ...]] = set()
    example = ""
    values = (value for kinds in classes for members in kinds for value in members)
    again = not is_surely_a_function(function, values)
    for index in joint:
        found = results[index] = []
        members = [kinds[i] for kinds, i in zip(classes, index, strict=True)]
        for arguments in product(*members):
            work.spend(_CALL, node.label)
            try:
                value = call(function, arguments, made, again)
                if isinstance(value, _COLLECTIONS):
                    work.spend(_ELEMENT * count_parts(value), node.label)
                found.append(value)
            except UndefinedError as error:
                raising.add(index)
                example = example or f"{_shown(arguments)}: {show_error(error.error)}"
            except NoFunctionError as error:
                raise _no_function(node, function, arguments, error) from error
            except UnusableResultError as error:
                raise _unusable(node, function, arguments, error) from None
        if len(found) > 1:
            _require_one_result(node, function, members, found)
    if not raising:
        return Tabulation(results, None)
    raises = Raises(node.label, show_function(function), len(raising), len(results), example)
    if not any(results.values()):
        raise UnsupportedProgramError(
            Refusal.ALWAYS_RAISES,
            node.label,
            f"{raises.function} raises on every value, for example on {example}",
            "let it return something on the values that occur",
        )
    return Tabulation(results, raises)


def compared(
    comparison: Comparison,
    keys: Sequence[Class],
    queries: Sequence[Class],
    work: Work,
    label: str,
) -> npt.NDArray[np.bool_] | None:
    """[queries, keys], a comparison of numbers, or of strings, each a class by itself, at once.

    None if there are others, which Python compares one by one.
    """
    values = [value for members in (*keys, *queries) for value in members]
    if len(values) > len(keys) + len(queries):
        return None
    are_numbers = all(isinstance(v, int | float) and v == v for v in values)
    if not are_numbers and not all(isinstance(v, str) for v in values):
        return None
    work.spend(_CALL * len(keys) * len(queries), label)
    place = {value: number for number, value in enumerate(sorted(set(values)))}  # type: ignore[type-var]
    key, query = (np.array([place[members[0]] for members in side]) for side in (keys, queries))
    return np.asarray(_UFUNCS[comparison](key, query[:, None]))


_UFUNCS = MappingProxyType(
    {
        Comparison.EQ: np.equal,
        Comparison.NEQ: np.not_equal,
        Comparison.LT: np.less,
        Comparison.LEQ: np.less_equal,
        Comparison.GT: np.greater,
        Comparison.GEQ: np.greater_equal,
    }
)

_COLLECTIONS = (tuple, frozenset)

_ELEMENT = 10
"""Units of work of an element of a tuple, which is looked at several times."""

_CALL = 4
"""Units of work of two calls of a function, with looking at what it returns."""


def _shown(arguments: tuple[Value, ...]) -> str:
    return ", ".join(map(show_value, arguments))


def _no_function(
    node: Node,
    function: Callable[..., Any],
    arguments: tuple[Value, ...],
    error: NoFunctionError,
) -> UnsupportedProgramError:
    return UnsupportedProgramError(
        Refusal.NO_FUNCTION,
        node.label,
        f"called twice with {_shown(arguments)}, {show_function(function)} first {error.first}, "
        f"and then {error.second}",
        "let it depend on its arguments alone: on no state, no random numbers and no clock",
    )


def _unusable(
    node: Node,
    function: Callable[..., Any],
    arguments: tuple[Value, ...],
    error: UnusableResultError,
) -> UnsupportedProgramError:
    reason, _, advice = error.reason.partition("; ")
    return UnsupportedProgramError(
        Refusal.UNUSABLE_VALUE,
        node.label,
        f"{show_function(function)} gives {show_value(error.value)} on {_shown(arguments)}, "
        f"which {reason}",
        advice,
    )


def _require_one_result(
    node: Node, function: Callable[..., Any], members: list[Class], results: list[Value]
) -> None:
    """The results on one joint class are the same, or floats that rounding alone tells apart."""
    for result in results:
        if agrees(results[0], result, numerical=False):
            continue
        raise UnsupportedProgramError(
            Refusal.INDISTINGUISHABLE,
            node.label,
            f"{show_function(function)} gives {show_value(results[0])} and {show_value(result)} on "
            "values that are one and the same in the residual stream "
            f"({', '.join(map(show_value, members))})",
            "make it treat equal or nearly equal numbers alike, for example by rounding",
            outside_float32=any(
                is_one_in_float32(kind[0], value) for kind in members for value in kind
            ),
        )
