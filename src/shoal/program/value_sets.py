"""Finite sets of values, up to what a transformer can tell apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm

from shoal.errors import UnsupportedProgramError
from shoal.rasp.values import Key, Value, canonical_key, is_number

RESOLUTION = 1e-7
"""Numbers closer than this, relative to max(1, size), are one number to a float32 network."""


@dataclass(frozen=True)
class ValueSet:
    """The values that an s-op can take besides None, in classes.

    A class holds values that look the same in the residual stream: the mean of 1 and 1 is
    1.0, which no network tells from a single 1. Most classes have one member.

    Attributes:
        classes: in canonical order of their first members.
        nullable: whether the s-op can be None.
    """

    classes: tuple[tuple[Value, ...], ...]
    nullable: bool = False

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """One value for each class."""
        return tuple(members[0] for members in self.classes)

    @cached_property
    def class_of(self) -> dict[Key, int]:
        """The class of a value, by canonical key."""
        return {canonical_key(v): i for i, members in enumerate(self.classes) for v in members}

    @property
    def is_constant(self) -> bool:
        """Whether there is one possibility alone: a class, or None."""
        return len(self.classes) + self.nullable == 1

    def __len__(self) -> int:
        return len(self.classes)


@dataclass(frozen=True)
class ValueRange:
    """Numbers between two bounds, too many to list.

    Attributes:
        low: lower bound.
        high: upper bound.
        nullable: whether the s-op can be None.
    """

    low: float
    high: float
    nullable: bool = False


Values = ValueSet | ValueRange


def number_bounds(values: Values) -> tuple[float, float]:
    """The least and the greatest number among the values."""
    if isinstance(values, ValueRange):
        return values.low, values.high
    numbers = [float(v) for v in values.values if isinstance(v, int | float) and is_number(v)]
    return min(numbers, default=0.0), max(numbers, default=0.0)


def value_set(groups: Iterable[Sequence[Value]], nullable: bool = False) -> ValueSet:
    """A value set from groups of values that look the same; overlapping groups are joined.

    Raises:
        UnsupportedProgramError: different values have the same type and ``repr``.
    """
    leader: dict[Key, Key] = {}
    value_of: dict[Key, Value] = {}

    def find(key: Key) -> Key:
        while leader[key] != key:
            key = leader[key]
        return key

    for group in groups:
        keys = [canonical_key(value) for value in group]
        for key, value in zip(keys, group, strict=True):
            if key not in leader:
                leader[key] = key
                value_of[key] = value
            elif value_of[key] != value:
                raise UnsupportedProgramError(
                    f"two different values both read {value!r}, so that they cannot be told apart "
                    "in a canonical order; give their type a repr that tells them apart"
                )
            leader[find(key)] = find(keys[0])
    members: dict[Key, list[Key]] = {}
    for key in leader:
        members.setdefault(find(key), []).append(key)
    ordered = sorted(sorted(keys) for keys in members.values())
    return ValueSet(tuple(tuple(value_of[k] for k in keys) for keys in ordered), nullable)


def group_equal(values: Iterable[Value]) -> list[list[Value]]:
    """Groups of values that are equal in Python, such as 1, 1.0 and True."""
    groups: dict[Value, list[Value]] = {}
    for value in values:
        groups.setdefault(value, []).append(value)
    return list(groups.values())


def group_close(values: Iterable[Value]) -> list[list[Value]]:
    """Groups of numbers that one scalar in float32 cannot keep apart (see ``RESOLUTION``)."""
    numbers = sorted((v for v in values if isinstance(v, int | float) and is_number(v)), key=float)
    groups: list[list[Value]] = []
    start = 0.0
    for number in numbers:
        if not groups or float(number) - start > RESOLUTION * max(1.0, abs(start)):
            groups.append([])
            start = float(number)
        groups[-1].append(number)
    return groups


def means(values: Iterable[Value], max_width: int, budget: int) -> list[float] | None:
    """All means of 2 to ``max_width`` numbers out of a set, with repetition.

    Sums are enumerated exactly, as whole numbers over a common denominator.

    Returns:
        The means in increasing order, or None if there may be more than ``budget`` of them.
    """
    numbers = sorted({Fraction(v) for v in values if isinstance(v, int | float) and is_number(v)})
    if not numbers or max_width < 2:
        return []
    denominator = lcm(*(number.denominator for number in numbers))
    steps = [int((number - numbers[0]) * denominator) for number in numbers]
    compact = steps[-1] * max_width <= 64 * budget
    sums: set[int] = {0}
    bits = 1
    found: set[Fraction] = set()
    for width in range(1, max_width + 1):
        if compact:  # sums as the bits of one number
            bits = _sums_as_bits(bits, steps)
            sums = {position for position, bit in enumerate(bin(bits)[:1:-1]) if bit == "1"}
        else:
            if len(sums) * len(steps) > 4 * budget:
                return None
            sums = {total + step for total in sums for step in steps}
        if width > 1:
            found.update(numbers[0] + Fraction(total, denominator * width) for total in sums)
            if len(found) > budget:
                return None
    return sorted(map(float, found))


def _sums_as_bits(bits: int, steps: list[int]) -> int:
    total = 0
    for step in steps:
        total |= bits << step
    return total
