"""Values that elements of s-ops can take, and their canonical order."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from fractions import Fraction
from math import copysign, isfinite
from typing import Any, TypeAlias

import numpy as np

from shoal.errors import EvaluationError

Value: TypeAlias = Hashable
"""An element of an s-op. None means that nothing was selected."""

_LARGEST = 3e38

Key: TypeAlias = tuple[Any, ...]


def normalise(value: Any) -> Value:
    """Python's own scalar for a NumPy scalar; any other value as it is."""
    result: Value = value.item() if isinstance(value, np.generic) else value
    return result


def is_number(value: object) -> bool:
    """Whether a value can be encoded as a scalar: an int, float or bool that float32 can hold."""
    return isinstance(value, int | float) and -_LARGEST < value < _LARGEST


def canonical_key(value: Value) -> Key:
    """A key that orders all values and tells values of different types apart.

    1, 1.0 and True are equal in Python, as are 0.0 and -0.0, yet a program can tell them
    apart, so their keys differ. Numbers come first, by size; then strings; then tuples; then
    everything else by type and ``repr``.
    """
    if isinstance(value, bool | int | float):
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
    by_key = {canonical_key(value): value for value in values}
    return tuple(by_key[key] for key in sorted(by_key))


def mean(values: Sequence[Value]) -> Value:
    """What an aggregate makes of the selected values, at least one.

    One value is returned as it is. More are averaged exactly and rounded once, so that the
    result depends on how often each value occurs, but not on the order.

    Raises:
        EvaluationError: there are several values, and not all are numbers.
    """
    if len(values) == 1:
        return values[0]
    if not all(isinstance(value, int | float) for value in values):
        raise EvaluationError(
            f"cannot average {list(values)!r}: several positions are selected, and only ints, "
            "floats and bools have a mean; select one position, or map the values to numbers"
        )
    numbers = [value for value in values if isinstance(value, int | float)]
    if not all(isinstance(number, int) or isfinite(number) for number in numbers):
        return sum(numbers) / len(numbers)
    try:
        return float(sum(map(Fraction, numbers)) / len(numbers))
    except OverflowError:
        raise EvaluationError("the mean is too large for a float") from None
