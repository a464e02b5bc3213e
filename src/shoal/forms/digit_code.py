"""A few numbers for each class, the digits of its own: where one number is too coarse or too large.

What computes a code is off by more the larger its numbers are, and float32 tells only so many
numbers apart. Digits of n classes go to the square root of n, or the cube root.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shoal.arrays import Array, Float
from shoal.forms.code import LARGEST, ranges_of_codes
from shoal.forms.form import NOT_LISTED, Form, Misfit, Ranges
from shoal.limits import Limits
from shoal.program.facts.domains import Domain, Enumerated


@dataclass(frozen=True)
class DigitCode(Form):
    """The form of a result that nothing but the decoder reads, and that no ``Code`` can be.

    The lowest digit is counted from 1 where None can occur, which is 0; all others around 0.

    Attributes:
        digits: how many there are.
    """

    name: ClassVar[str] = "digit-code"
    digits: int = 2

    def misfit(self, domain: Domain, limits: Limits) -> Misfit | None:
        """It needs a list, which must not be too long."""
        if not isinstance(domain, Enumerated):
            return NOT_LISTED
        most = int(LARGEST) ** self.digits
        if len(domain) <= most:
            return None
        return Misfit(
            f"takes {len(domain):,} different values, too many for {self.digits} digits each",
            "use the form scalar, or map it to fewer values",
        )

    def parts(self, domain: Domain) -> tuple[str, ...]:
        """The worth of each digit."""
        assert isinstance(domain, Enumerated)
        base = self._base(domain)
        return tuple(f"digit {base**digit}" for digit in range(self.digits))

    def words(self, domain: Domain) -> str:
        """They are numbers for each value."""
        return f"{self.digits} numbers for each value"

    def ranges(self, domain: Domain) -> Ranges:
        """As far as the digits go."""
        assert isinstance(domain, Enumerated)
        return ranges_of_codes(self.codes(domain))

    def codes(self, domain: Enumerated) -> Float[Array, "classes coordinates"]:
        """[classes, digits]."""
        base = self._base(domain)
        places = base ** np.arange(self.digits)
        found = np.arange(len(domain))[:, None] // places % base - base // 2
        if domain.nullable:
            found[:, 0] += 1 + base // 2
        return found.astype(float)

    def _base(self, domain: Enumerated) -> int:
        """The least of which so many digits number all classes."""
        base = 2
        while base**self.digits < len(domain):
            base += 1
        return base
