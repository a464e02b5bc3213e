"""Vector spaces with named dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple


class Direction(NamedTuple):
    """One named dimension.

    Attributes:
        variable: the variable that the dimension belongs to.
        part: which part of it: the value that a one-hot dimension stands for (as text), or
            an empty string for a scalar.
    """

    variable: str
    part: str = ""

    @property
    def label(self) -> str:
        """``variable:part``, or the variable alone if it is a scalar."""
        return f"{self.variable}:{self.part}" if self.part else self.variable


@dataclass(frozen=True)
class Space:
    """A vector space spanned by different directions, in order."""

    directions: tuple[Direction, ...]

    def __post_init__(self) -> None:
        if len(self.index) != len(self.directions):
            raise ValueError("the directions of a space must differ")

    @cached_property
    def index(self) -> dict[Direction, int]:
        """The coordinate of each direction."""
        return {direction: i for i, direction in enumerate(self.directions)}

    def __len__(self) -> int:
        return len(self.directions)

    def positions(self, part: Space) -> list[int]:
        """The coordinates of a subspace's directions within this space.

        Raises:
            KeyError: a direction is not in this space.
        """
        return [self.index[direction] for direction in part.directions]


def numbered_space(name: str, size: int) -> Space:
    """A space for what needs no names of its own, such as hidden neurons."""
    return Space(tuple(Direction(name, str(i)) for i in range(size)))


def join(*spaces: Space) -> Space:
    """The direct sum of spaces, each direction once."""
    return Space(tuple(dict.fromkeys(d for space in spaces for d in space.directions)))
