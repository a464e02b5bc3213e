"""The promise: when a model's answer counts as the interpreter's.

Everything that judges a model - tests, fuzzing, margins, benchmarks - asks ``agrees`` or
``all_agree``, so that there is one rule and it is as strict as what users are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

TOLERANCE = 1e-4
"""Numerical results are within this of the interpreter's, relative to max(1, size)."""

SAME_FLOAT = 1e-9
"""Two floats of a categorical result that are no farther apart than this, relative to max(1, size),
are one value that was rounded on two ways.

A mean is summed exactly and rounded once by the interpreter, while a program may reach the same
number over several operations; each of those rounds by 2**-53, about 1.1e-16 relative, so that a
million of them stay below this. What float32 itself can tell apart is 100 times coarser."""


def agrees(
    wanted: object, result: object, *, numerical: bool, tolerance: float = TOLERANCE
) -> bool:
    """Whether a model's value is the interpreter's.

    Args:
        wanted: what the interpreter says.
        result: what the model says.
        numerical: whether the s-op is annotated as numerical, so that the model holds a number.
        tolerance: how far apart numerical results may be, relative to max(1, size); another one
            is for the models of others.

    Returns:
        For numerical s-ops whether both are None, or numbers within the tolerance. For
        categorical ones whether both are equal, or both are floats that differ by rounding alone
        (``SAME_FLOAT``). An int is never equal to a number that it is merely close to.
    """
    if wanted is None or result is None:
        return wanted is None and result is None
    if numerical:
        return _is_close(wanted, result, tolerance)
    if bool(wanted == result):
        return True
    both_floats = type(wanted) is float and type(result) is float
    return both_floats and _is_close(wanted, result, SAME_FLOAT)


def all_agree(
    wanted: Sequence[object],
    results: Sequence[object],
    *,
    numerical: bool,
    tolerance: float = TOLERANCE,
) -> bool:
    """Whether a model's values are the interpreter's, position by position. See ``agrees``."""
    return len(wanted) == len(results) and all(
        agrees(one, other, numerical=numerical, tolerance=tolerance)
        for one, other in zip(wanted, results, strict=True)
    )


def _is_close(wanted: object, result: object, tolerance: float) -> bool:
    """Whether two numbers are within a tolerance, relative to max(1, size)."""
    if not isinstance(wanted, int | float) or not isinstance(result, int | float):
        return False
    if wanted == result:
        return True
    try:
        one, other = float(wanted), float(result)
    except OverflowError:  # an int beyond floats is close to no other number
        return False
    if not (isfinite(one) and isfinite(other)):
        return False
    return abs(one - other) <= tolerance * max(1.0, abs(one))
