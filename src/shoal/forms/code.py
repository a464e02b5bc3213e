"""One number for each class: as narrow as can be, for who only has to tell classes apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from shoal.arrays import Array, Float
from shoal.forms.form import NOT_LISTED, Form, Misfit, Ranges, number_codes, ranges_of
from shoal.limits import Limits
from shoal.program.facts.domains import Domain, Enumerated

LARGEST = 512.0
"""Of a code, in units of the smallest gap between two.

The nearest code c to x has the greatest 2 c x - c**2. Of two codes that are one apart these differ
by 1, and where they are up to 512 rounding of float32 takes them off by 2 * 2**-25 * 2**19 = 1/32.
"""

_USUAL = 2.0**30
"""Numbers that are larger, or less than the inverse of this apart, are not their own codes."""

_SAME_SHIFT = 1e-9
"""What rounding may make of numbers that are moved by one shift."""


@dataclass(frozen=True)
class Code(Form):
    """The form of a result that nothing but the decoder reads.

    Numbers are their own codes where they lie far enough apart for their size, moved away from 0
    where None can occur, or else around 0; other classes are numbered, around 0 or from 1.
    """

    name: ClassVar[str] = "code"
    is_on_a_line: ClassVar[bool] = True

    def misfit(self, domain: Domain, limits: Limits) -> Misfit | None:
        """It needs a list, which must not be too long."""
        if not isinstance(domain, Enumerated):
            return NOT_LISTED
        if _gaps(_numbered(domain)) <= LARGEST:
            return None
        return Misfit(
            f"takes {len(domain):,} different values, too many for a number each",
            'use the form "one-hot"',
        )

    def parts(self, domain: Domain) -> tuple[str, ...]:
        """One number."""
        return ("",)

    def words(self, domain: Domain) -> str:
        """It is a number for each value."""
        return "a number for each value"

    def ranges(self, domain: Domain) -> Ranges:
        """As far as the codes go."""
        assert isinstance(domain, Enumerated)
        return ranges_of_codes(self.codes(domain))

    def codes(self, domain: Enumerated) -> Float[Array, "classes coordinates"]:
        """[classes, 1]."""
        if domain.are_numbers and len(domain):
            numbers = number_codes(domain)[:, :1]
            if domain.nullable:
                numbers = numbers - numbers.min() + 1.0
            middle = 0.0 if domain.nullable else np.round((numbers.min() + numbers.max()) / 2)
            for codes in (numbers, numbers - middle):
                if _gaps(codes) <= LARGEST and _are_of_usual_size(codes):
                    return np.asarray(codes)
        return _numbered(domain)

    def shift(self, domain: Domain) -> float | None:
        """What is added to numbers to make them codes; None if that differs, or they are none."""
        if not isinstance(domain, Enumerated) or not domain.are_numbers or not len(domain):
            return None
        shift = self.codes(domain)[:, 0] - number_codes(domain)[:, 0]
        return float(shift[0]) if np.ptp(shift) <= _SAME_SHIFT else None


def ranges_of_codes(codes: Float[Array, "classes coordinates"]) -> Ranges:
    """As far as codes go, and no less than 1."""
    ranges = ranges_of(codes)
    return replace(ranges, largest=max(1.0, ranges.largest))


def _numbered(domain: Enumerated) -> Float[Array, "classes coordinates"]:
    """[classes, 1]: 1, 2, ... where 0 is None; else whole numbers around 0."""
    first = 1 if domain.nullable else -(len(domain) // 2)
    return np.arange(first, first + len(domain), dtype=float)[:, None]


def _are_of_usual_size(codes: Float[Array, "classes coordinates"]) -> bool:
    """Whether float32 holds squares of codes and of their gaps, which the decoder compares."""
    gap = float(np.diff(np.sort(codes[:, 0])).min(initial=1.0))
    return gap >= 1 / _USUAL and float(np.abs(codes).max(initial=0.0)) <= _USUAL


def _gaps(codes: Float[Array, "classes coordinates"]) -> float:
    """The largest code in units of the smallest gap."""
    gap = float(np.diff(np.sort(codes[:, 0])).min(initial=1.0))
    return float(np.abs(codes).max(initial=0.0)) / gap if gap > 0 else float("inf")
