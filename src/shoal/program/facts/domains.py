"""Domains: what an s-op can be, up to what a transformer can tell apart."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from shoal.contract import RESOLUTION
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.rasp.values import Key, Value, canonical_key, is_number, is_same, show_value


class Domain(ABC):
    """What an s-op can be; readers ask these questions, and a list only of ``Enumerated`` ones.

    Attributes:
        nullable: whether it can be None.
    """

    nullable: bool

    @property
    @abstractmethod
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest number, 0 and 0 if there is none."""

    @property
    @abstractmethod
    def are_numbers(self) -> bool:
        """Whether all values besides None are numbers that float32 holds."""

    @property
    @abstractmethod
    def is_constant(self) -> bool:
        """Whether there is surely one possibility alone: a class, or None."""


@dataclass(frozen=True)
class Enumerated(Domain):
    """A domain that is listed: the values besides None, in classes.

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

    @cached_property
    def identity(self) -> Hashable:
        """What domains share that hold the same values in the same classes.

        Values are the same only if they are equal, whatever their ``repr``.
        """
        keys = tuple(tuple((canonical_key(v), v) for v in members) for members in self.classes)
        return keys, self.nullable

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest number, 0 and 0 if there is none."""
        numbers = [float(v) for v in self.values if is_number(v)]
        return min(numbers, default=0.0), max(numbers, default=0.0)

    @cached_property
    def are_numbers(self) -> bool:
        """Whether all values besides None are numbers that float32 holds."""
        return all(is_number(value) for value in self.values)

    @property
    def is_constant(self) -> bool:
        """Whether there is one possibility alone: a class, or None."""
        return len(self.classes) + self.nullable == 1

    def __len__(self) -> int:
        return len(self.classes)

    def class_in(self, other: Enumerated, number: int) -> int | None:
        """The class of another domain that has all values of a class; None if there is none."""
        found = {other.class_of.get(canonical_key(member)) for member in self.classes[number]}
        return found.pop() if len(found) == 1 else None


@dataclass(frozen=True)
class Interval(Domain):
    """A domain of numbers between two bounds, too many to list.

    Attributes:
        low: lower bound.
        high: upper bound.
        nullable: whether the s-op can be None.
    """

    low: float
    high: float
    nullable: bool = False

    @property
    def bounds(self) -> tuple[float, float]:
        """Both bounds."""
        return self.low, self.high

    @property
    def are_numbers(self) -> bool:
        """They are."""
        return True

    @property
    def is_constant(self) -> bool:
        """Nobody knows."""
        return False


def domain_of(
    groups: Iterable[Sequence[Value]], nullable: bool = False, owner: str = ""
) -> Enumerated:
    """A domain from groups of values that look the same; overlapping groups are joined.

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
        while key in leader:
            key = leader[key]
        return key

    for group in groups:
        first: Key | None = None
        for value in group:
            key = canonical_key(value)
            if key not in value_of:
                value_of[key] = value
            elif not is_same(value_of[key], value):
                raise UnsupportedProgramError(
                    Refusal.UNUSABLE_VALUE,
                    owner,
                    f"two different values both read {show_value(value)}, so that they cannot be "
                    "told apart in a canonical order",
                    "give their type a repr that tells them apart",
                )
            if first is None:
                first = find(key)
            elif (other := find(key)) != first:
                leader[other] = first
    members: dict[Key, list[Key]] = {}
    for key in sorted(value_of):
        members.setdefault(find(key), []).append(key)
    ordered = members.values()  # in the order of their first members
    return Enumerated(tuple(tuple(value_of[k] for k in keys) for keys in ordered), nullable)


def group_close(values: Iterable[Value]) -> list[list[Value]]:
    """Groups of numbers that one scalar in float32 cannot keep apart (see ``RESOLUTION``)."""
    numbers = sorted((v for v in values if is_number(v)), key=float)
    groups: list[list[Value]] = []
    start = 0.0
    for number in numbers:
        if not groups or float(number) - start > RESOLUTION * max(1.0, abs(start)):
            groups.append([])
            start = float(number)
        groups[-1].append(number)
    return groups
