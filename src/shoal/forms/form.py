"""What a form is: everything that readers may ask about how values are held."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from shoal.arrays import Array, Bool, Float
from shoal.contract import RESOLUTION
from shoal.craft.fitting import fit_affine, grid_step
from shoal.limits import Limits
from shoal.program.facts.domains import Domain, Enumerated

Affine = tuple[Float[Array, "coordinates results"], Float[Array, " results"]]
"""A matrix [coordinates, results] and a bias [results]."""


@dataclass(frozen=True, eq=False)
class Ranges:
    """What the dimensions of a form can be.

    Attributes:
        signed: [dimensions], whether each can be negative.
        largest: the greatest absolute value of any.
        step: a power of two that all are multiples of; 0 if none is known.
        picks_one: whether at most one is not 0 at a time, as far as sums of them are concerned.
    """

    signed: Bool[Array, " dimensions"]
    largest: float
    step: float = 0.0
    picks_one: bool = False


class Misfit(NamedTuple):
    """Why a form does not fit a domain, and what to do."""

    reason: str
    advice: str


NOT_LISTED = Misfit("takes too many different values to list", "annotate it with numerical")
"""Of categorical forms."""


class Form(ABC):
    """A way to hold the values of a domain; instances are frozen.

    The *dimensions* of a form are what lies in the residual stream. Its *coordinates* are what
    readers see, an affine function of the dimensions, and for most forms the same. None is the zero
    vector of coordinates, so where it can occur no class is.

    Readers need readings: all values as one-hot, or as a number. A form that has none of its own is
    asked for its codes, and they are fitted.

    Attributes:
        name: what it is called.
        picks_one: whether exactly one coordinate is 1 and all others are 0.
        is_number: whether the dimensions are the number, and presence where None is possible.
        is_on_a_line: whether its codes lie on a line, so that no affine function takes them apart.
        most_error: a table that is offered beside another one is off by no more than this, since
            readers would mind.
    """

    name: ClassVar[str]
    picks_one: ClassVar[bool] = False
    is_number: ClassVar[bool] = False
    is_on_a_line: ClassVar[bool] = False
    most_error: ClassVar[float] = float("inf")

    @abstractmethod
    def misfit(self, domain: Domain, limits: Limits) -> Misfit | None:
        """Why the form cannot hold a domain; None if it can."""

    @abstractmethod
    def parts(self, domain: Domain) -> tuple[str, ...]:
        """What each dimension says, for people; different texts."""

    @abstractmethod
    def ranges(self, domain: Domain) -> Ranges:
        """What the dimensions can be."""

    @abstractmethod
    def codes(self, domain: Enumerated) -> Float[Array, "classes coordinates"]:
        """[classes, coordinates] of each class; rows that differ."""

    def words(self, domain: Domain) -> str:
        """The form in words."""
        return self.name

    def coordinates(self, domain: Domain) -> Affine:
        """The coordinates as an affine function of the dimensions."""
        return identity(len(self.parts(domain)))

    def indicators(self, domain: Domain) -> Affine | None:
        """One coordinate for each class, 1 for the value's, as an affine function; None if none."""
        if self.is_on_a_line or not isinstance(domain, Enumerated):
            return None
        return self._fitted(domain, np.eye(len(domain)))

    def numbers(self, domain: Domain) -> Affine | None:
        """[number], and [presence] where None is possible, likewise; None if none."""
        if not isinstance(domain, Enumerated) or not domain.are_numbers:
            return None
        return self._fitted(domain, number_codes(domain))

    def line(
        self, domain: Domain, points: Float[Array, "rows coordinates"]
    ) -> Float[Array, " coordinates"]:
        """Weights [coordinates] that keep values, and None, apart; of points [rows, coordinates].

        The weights of a number, if there is one, keep more distance than others.
        """
        read = self.numbers(domain)
        if read is None:
            return np.asarray(2.0 ** np.arange(points.shape[1]))
        matrix, _ = read
        weights = matrix[:, 0]
        if matrix.shape[1] > 1:
            weights = weights + matrix[:, 1] * (1.0 - float((points @ weights).min(initial=0.0)))
        return np.asarray(weights)

    def room(self, domain: Domain) -> float:
        """How far each coordinate may be off for the nearest code to be the right one."""
        if not isinstance(domain, Enumerated):
            return RESOLUTION
        codes = self.codes(domain)
        room = _room(codes, np.zeros(codes.shape[1])) if domain.nullable else 1.0
        varying = np.flatnonzero((codes != codes[:1]).any(axis=0))
        if len(varying) == 1:  # numbers on a line
            return min(room, float(np.diff(np.sort(codes[:, varying[0]])).min()) / 4)
        return min([room, *(_room(codes[n + 1 :], code) for n, code in enumerate(codes))])

    def _fitted(
        self, domain: Enumerated, results: Float[Array, "classes results"]
    ) -> Affine | None:
        """Results [classes, results] as an affine function of the codes, 0 for None."""
        codes = with_none(self.codes(domain), domain.nullable)
        return fit_affine(codes, with_none(results, domain.nullable)) if len(codes) else None


def _room(codes: Float[Array, "classes coordinates"], other: Float[Array, " coordinates"]) -> float:
    """How far coordinates may be off for each code to be told from another one, 1 at most.

    Codes that differ by d_i are told apart if sum |d_i| e < sum d_i**2 / 2; half of that is kept.
    """
    apart = np.abs(codes - other)
    return float(((apart**2).sum(axis=1) / apart.sum(axis=1)).min(initial=4.0) / 4)


def ranges_of(columns: Float[Array, "points dimensions"]) -> Ranges:
    """The ranges of dimensions that are one of some points."""
    step = float(grid_step(columns).min(initial=1.0)) if columns.size else 1.0
    largest = float(np.abs(columns).max(initial=0.0))
    return Ranges(np.asarray((columns < 0).any(axis=0)), largest, step)


def identity(size: int) -> Affine:
    """The coordinates themselves."""
    return np.eye(size), np.zeros(size)


def number_codes(domain: Enumerated) -> Float[Array, "classes coordinates"]:
    """[classes, 1 or 2]: the number, and 1 for presence where None is possible."""
    return with_presence([float(v) for v in domain.values if isinstance(v, int | float)], domain)


def with_presence(numbers: list[float], domain: Domain) -> Float[Array, "classes coordinates"]:
    """[classes, 1 or 2]: numbers, and 1 for presence where None is possible."""
    return np.stack([np.array(numbers), np.ones(len(numbers))][: 1 + domain.nullable], axis=1)


def with_none(
    codes: Float[Array, "classes coordinates"], nullable: bool = True
) -> Float[Array, "rows coordinates"]:
    """Rows of codes, and the zero row of None after them if there is None."""
    return np.vstack([codes, np.zeros((int(nullable), codes.shape[1]))])
