"""The promise, and what float32 arithmetic makes of it.

When a model's answer counts as the interpreter's: everything that judges a model - tests, fuzzing,
margins, benchmarks - asks ``agrees`` or ``all_agree``, so that there is one rule and it is as
strict as what users are told.

The constants below are those of float32, and the room that each reader of a value has within the
promise; each comes with its derivation.
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


# What float32 can hold. A number has 24 significant bits, so rounding to the nearest one changes it
# by 2**-24 of its size at most.

ROUNDING = 2.0**-23
"""Relative error of one operation, 2**-24, with room for a second one."""

EXACT = 2.0**23
"""Sums of multiples of a power of two are exact, in whatever order, up to so many times that power:
24 bits hold them up to 2**24, and half of that is left to what is taken away on the way."""

NEGLIGIBLE = 2.0**-26
"""Errors below this part of a grid's step do not take a sum off the grid. Half a unit in the last
place of the smallest number on the grid, its step, is 2**-24 of it, which is four times as much."""

RESOLUTION = 1e-7
"""Numbers closer than this, relative to max(1, size), are one number to a network: neighbours are
2**-24 = 6e-8 to 2**-23 = 1.2e-7 of their size apart."""

# The room that readers have. The promise bears 1e-4 on a number; half of the distance between codes
# decides a class; scores of attention are multiplied by the coldness.

TABLE_TOLERANCE = 4e-5
"""Greatest error, relative to max(1, size), of a result that an MLP computes by a table: what is
left of ``TOLERANCE`` is for those who add its result to others."""

ONE_HOT_TOLERANCE = 1e-3
"""The same for a one-hot value that no MLP computes within ``TABLE_TOLERANCE``. Half of 1 decides
what it is, the coldness makes 0.04 of it in a score, and it is what clearing a column may leave.
Whoever reads the value counts what it is off."""

SHARP = 1e-5
"""A dearer MLP is preferred to a cheaper one that is off by more than this. Times the coldness it
moves scores by 4e-4, and so a mean of one-hot values by 2e-4, where half of 1/2 would decide."""

FLAT_END = 4e-6
"""A step's flat ends are at least this wide, relative to the size of what it steps along: 64
rounding errors of 2**-24, as many as some thousand terms make together (by the square root)."""

HINGE_TOLERANCE = 1e-6
"""Hinges have no flat ends, so they pass on what their operands are off; more is not accepted."""

COLDNESS = 40.0
"""Difference of the scores of selected and unselected keys.

e**-20, the weight of BOS beside a selected key, is below the resolution of float32. More would do
harm: one-hot values that an MLP has decoded are off by some 1e-6, and this factor makes that a
difference between the weights of keys that are all selected."""

LARGEST_ERASABLE = 64.0
"""Columns that held larger numbers are not used again: what is written there in the same
half-layer would be rounded to the precision of the number that is taken away, which at 64 is
2**-18 = 4e-6, less than ``SHARP``."""


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
