"""Values that elements of s-ops can take, their canonical order, and their means."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from math import copysign, isfinite
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from shoal.errors import EvaluationError, comes_from_outside

Value: TypeAlias = Hashable
"""An element of an s-op. None means that nothing was selected."""

Key: TypeAlias = tuple[Any, ...]

LARGEST_NUMBER = 3e38
"""Numbers are below this, which is a little less than the greatest float32."""

_MOST_BITS = 14_000
"""Ints of more bits have more digits than Python prints (4,300), and so no name."""

_MOST_NESTING = 100
"""Tuples and frozensets are nested less deeply, so that they can be compared and printed."""

_MOST_PARTS = 100_000
"""Elements of a tuple or frozenset, with all that is in them, and characters of a text."""

_MOST_SHOWN = 200
"""Characters of a value that a message shows."""


def normalise(value: Any) -> Value:
    """Python's own scalar for a NumPy scalar; any other value as it is."""
    result: Value = value.item() if isinstance(value, np.generic) else value
    return result


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value can be encoded as a scalar: an int, float or bool that float32 can hold."""
    return isinstance(value, int | float) and -LARGEST_NUMBER < value < LARGEST_NUMBER


def is_one_in_float32(one: object, other: object) -> bool:
    """Whether two numbers differ, but float32 rounds both to one, so that it cannot tell them."""
    if not (is_number(one) and is_number(other)) or one == other:
        return False
    return bool(np.float32(one) == np.float32(other))


def show_value(value: object) -> str:
    """A value for a message: its ``repr``, cut short, whatever that ``repr`` does."""
    large = isinstance(value, str | bytes | list) and len(value) > _MOST_PARTS
    if large or any(part is _TOO_LARGE for part in _parts(value)):
        return f"<a {type(value).__name__} that is too large to show>"
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - a message must not fail
        if isinstance(value, int):
            return f"<an int of {value.bit_length():,} bits>"
        return f"<a {type(value).__name__} whose repr raises {type(error).__name__}>"
    if len(text) <= _MOST_SHOWN:
        return text
    return f"{text[: _MOST_SHOWN - 40]} ... ({len(text):,} characters)"


def show_values(values: Sequence[Value], most: int) -> str:
    """The first of several values, with commas between, and dots where there are more."""
    return ", ".join(map(show_value, values[:most])) + (", ..." if len(values) > most else "")


def show_error(error: BaseException) -> str:
    """An error for a message: its type and its text, whatever its ``str`` does."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a message must not fail
        text = "its text cannot be had"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


_NUMBERS = (bool, int, float)

_EXACT = (bool, int, str)
"""Types of which equal values are the same."""


def canonical_key(value: Value) -> Key:
    """A key that orders all values and tells values of different types apart.

    1, 1.0 and True are equal in Python, as are 0.0 and -0.0, yet a program can tell them
    apart, so their keys differ. Numbers come first, by size; then strings; then tuples; then
    everything else by type and ``repr``.
    """
    if type(value) in _NUMBERS or isinstance(value, _NUMBERS):
        negative_zero = value == 0 and copysign(1.0, value) < 0
        return (0, value, type(value).__name__, not negative_zero)
    if type(value) is str:
        return (1, value)
    if type(value) is tuple:
        return (2, tuple(canonical_key(element) for element in value))
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, frozenset):
        return (3, kind, str(sorted(canonical_key(element) for element in value)))
    return (3, kind, repr(value))


def canonical_order(values: Iterable[Value]) -> tuple[Value, ...]:
    """The different values of a collection in canonical order."""
    by_key: dict[Key, Value] = {}
    for value in values:
        by_key.setdefault(canonical_key(value), value)
    return tuple(by_key[key] for key in sorted(by_key))


def is_same(one: Value, other: Value) -> bool:
    """Whether two values are one for every program: equal, and of one type."""
    if one is other:
        return True
    if type(one) in _EXACT and type(other) in _EXACT:
        return type(one) is type(other) and one == other
    same_key = type(one) is type(other) and canonical_key(one) == canonical_key(other)
    return same_key and bool(one == other)


def why_unusable(value: object) -> str | None:
    """Why a value cannot be a token or the result of a function; None if it can.

    Values are compared, hashed, ordered and printed by the compiler, so all of that must work and
    come out the same whenever it is done. None, which is no value, can be handled.
    """
    if type(value) in _NUMBERS or not isinstance(value, tuple | frozenset):
        return _why_part_unusable(value)
    for part in _parts(value):
        if part is _TOO_DEEP:
            return f"is nested more than {_MOST_NESTING} deep; use flatter tuples"
        if part is _TOO_LARGE:
            return f"has more than {_MOST_PARTS:,} elements; use smaller tuples"
        reason = _why_part_unusable(part)
        if reason is not None:
            return reason if part is value else f"contains {show_value(part)}, which {reason}"
    return None


_TOO_DEEP = object()
_TOO_LARGE = object()


def _parts(value: object) -> Iterator[object]:
    """A value and, where it is a tuple or frozenset, all that is in it."""
    agenda = [(value, 0)]
    seen = 0
    while agenda:
        part, depth = agenda.pop()
        if depth >= _MOST_NESTING:
            yield _TOO_DEEP
            return
        if isinstance(part, tuple | frozenset):
            seen += len(part)
            if seen > _MOST_PARTS:
                yield _TOO_LARGE
                return
            agenda += [(element, depth + 1) for element in part]
        yield part


def count_parts(value: object) -> int:
    """How many values a value consists of, itself included."""
    return sum(1 for _ in _parts(value))


def _why_part_unusable(value: object) -> str | None:
    if value is None or type(value) is bool:
        return None
    if isinstance(value, str | bytes) and len(value) > _MOST_PARTS:
        return f"has more than {_MOST_PARTS:,} characters; use a shorter one"
    if type(value) is str or (type(value) is float and value == value):
        return None
    if type(value) is int:
        too_long = value.bit_length() > _MOST_BITS
        return "has more digits than Python prints; use smaller numbers" if too_long else None
    try:
        if hash(value) != hash(value):
            return "has a hash that changes; use a tuple of numbers and strings"
        if not (bool(value == value) and bool(value == value)):
            return "is not equal to itself; use None where there is no value"
        if isinstance(value, tuple | frozenset):
            return None
        if repr(value) != repr(value) or str(value) != str(value):
            return "has a repr that changes, so that values have no order; give its type another"
    except TypeError as error:
        if "unhashable" in str(error):
            return "is not hashable; use a tuple instead of a list"
        return _raises(error)
    except Exception as error:
        if comes_from_outside(error):
            raise
        return _raises(error)
    if type(value).__repr__ is object.__repr__:
        return (
            "has a repr that differs from run to run, so that values have no canonical order; "
            "give its type a repr of its own"
        )
    return None


def _raises(error: Exception) -> str:
    return (
        f"raises {type(error).__name__} when it is compared, hashed or printed; use a tuple of "
        "numbers and strings"
    )


def mean(values: Sequence[Value]) -> Value:
    """What an aggregate makes of the selected values, at least one.

    The mean of equal values is that value, whatever it is. Other numbers are averaged exactly and
    rounded once to a float, so that the result depends on how often each value occurs, but not on
    the order.

    Raises:
        EvaluationError: the values differ, and not all are numbers.
    """
    first = values[0]
    if all(value is first for value in values) or all(is_same(first, value) for value in values):
        return first
    if not all(isinstance(value, int | float) for value in values):
        raise EvaluationError(
            f"cannot average {show_value(list(values))}: several positions are selected, and only "
            "ints, floats and bools have a mean; select one position, or map the values to numbers"
        )
    numbers = [value for value in values if isinstance(value, int | float)]
    try:
        if not all(isinstance(number, int) or isfinite(number) for number in numbers):
            return sum(map(float, numbers)) / len(numbers)
        ratios = [number.as_integer_ratio() for number in numbers]
        unit = max(denominator for _, denominator in ratios)  # all are powers of two
        total = sum(numerator * (unit // denominator) for numerator, denominator in ratios)
        return total / (unit * len(numbers))  # rounded once, as quotients of ints are
    except OverflowError:
        raise EvaluationError("the mean is too large for a float") from None
