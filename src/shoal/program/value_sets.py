"""Finite sets of values, up to what a transformer can tell apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm

from shoal.contract import RESOLUTION
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.rasp.values import Key, Value, canonical_key, is_number, is_same, show_value


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


def value_set(
    groups: Iterable[Sequence[Value]], nullable: bool = False, owner: str = ""
) -> ValueSet:
    """A value set from groups of values that look the same; overlapping groups are joined.

    Args:
        groups: the values.
        nullable: whether None is possible as well.
        owner: the s-op whose values they are, for messages.

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
            elif not is_same(value_of[key], value):
                raise UnsupportedProgramError(
                    Refusal.UNUSABLE_VALUE,
                    owner,
                    f"two different values both read {show_value(value)}, so that they cannot be "
                    "told apart in a canonical order",
                    "give their type a repr that tells them apart",
                )
            leader[find(key)] = find(keys[0])
    members: dict[Key, list[Key]] = {}
    for key in leader:
        members.setdefault(find(key), []).append(key)
    ordered = sorted(sorted(keys) for keys in members.values())
    return ValueSet(tuple(tuple(value_of[k] for k in keys) for keys in ordered), nullable)


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
    """All means of 2 to ``max_width`` numbers out of a set, with repetition, but not all the same.

    The mean of equal values is that value, and no number of its own; equal numbers of different
    types, such as 1 and True, are not the same. Sums are enumerated exactly, as whole numbers over
    a common denominator.

    Returns:
        The means in increasing order, or None if there may be more than ``budget`` of them.
    """
    types: dict[Fraction, set[Key]] = {}
    for value in values:
        if isinstance(value, int | float) and is_number(value):
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
    found: set[Fraction] = set()
    for width in range(2, max_width + 1):
        if compact:  # sums as the bits of one number
            bits = _sums_as_bits(bits, steps, doubled, width)
            sums = {position for position, bit in enumerate(bin(bits)[:1:-1]) if bit == "1"}
        else:
            if max(len(sums), len(steps)) * len(steps) > 4 * budget:
                return None
            sums = _sums(sums, steps, doubled, width)
        found.update(numbers[0] + Fraction(total, denominator * width) for total in sums)
        if len(found) > budget:
            return None
    return sorted(map(float, found))


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
