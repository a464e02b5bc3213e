"""All means of values, exactly."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import lcm

from shoal.rasp.values import Key, Value, canonical_key, is_number


def means(values: Iterable[Value], max_width: int, budget: int) -> list[float] | None:
    """All means of 2 to ``max_width`` numbers out of a set, with repetition, but not all the same.

    The mean of equal values is that value, and no number of its own; equal numbers of different
    types, such as 1 and True, are not the same. Sums are enumerated exactly, as whole numbers over
    a common denominator.

    Returns:
        The means in increasing order, or None if there may be more than ``budget`` of them.
    """
    types: dict[Fraction, set[Key]] = {}
    for value in values:
        if is_number(value):
            types.setdefault(Fraction(value), set()).add(canonical_key(value))
    numbers = sorted(types)
    if sum(map(len, types.values())) <= 1 or max_width < 2:
        return []
    denominator = lcm(*(number.denominator for number in numbers))
    steps = [int((number - numbers[0]) * denominator) for number in numbers]
    doubled = [s for s, n in zip(steps, numbers, strict=True) if len(types[n]) > 1]
    compact = steps[-1] * max_width <= 64 * budget
    sums: set[int] = set()
    bits = 0
    found: set[float] = set()
    lowest = int(numbers[0] * denominator)
    for width in range(2, max_width + 1):
        if compact:  # sums as the bits of one number
            bits = _sums_as_bits(bits, steps, doubled, width)
            sums = {position for position, bit in enumerate(bin(bits)[:1:-1]) if bit == "1"}
        else:
            if max(len(sums), len(steps)) * len(steps) > 4 * budget:
                return None
            sums = _sums(sums, steps, doubled, width)
        # the quotient of two whole numbers is rounded once, like that of a fraction
        found.update((lowest * width + total) / (denominator * width) for total in sums)
        if len(found) > budget:
            return None
    return sorted(found)


def _sums(sums: set[int], steps: list[int], doubled: list[int], width: int) -> set[int]:
    """Sums of ``width`` steps that are not all the same, from the sums of one step less.

    Args:
        sums: those of one step less.
        steps: what is added up.
        doubled: the steps of which there are several, so that they are not the same.
        width: how many are added up.
    """
    longer = {total + step for total in sums for step in steps}
    longer |= {(width - 1) * step + other for step in steps for other in steps if step != other}
    return longer | {width * step for step in doubled}


def _sums_as_bits(bits: int, steps: list[int], doubled: list[int], width: int) -> int:
    """The same as ``_sums``, where bit n of a number says whether n is a sum."""
    once = sum(1 << step for step in steps)
    total = 0
    for step in steps:
        total |= bits << step
        total |= (once ^ (1 << step)) << ((width - 1) * step)
    for step in doubled:
        total |= 1 << (width * step)
    return total
