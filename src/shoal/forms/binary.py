"""The number of the class in binary digits: as narrow as can be, and not for every reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shoal.arrays import Array, Float
from shoal.contract import SHARP
from shoal.forms.form import Form, Misfit, Ranges
from shoal.limits import Limits
from shoal.program.facts.domains import Domain, Enumerated


@dataclass(frozen=True)
class Binary(Form):
    """Digits of the class's number, the lowest one first; counted from 1 where None is 0."""

    name: ClassVar[str] = "binary"
    most_error: ClassVar[float] = SHARP

    def misfit(self, domain: Domain, limits: Limits) -> Misfit | None:
        """It needs a list."""
        if isinstance(domain, Enumerated):
            return None
        return Misfit("takes too many different values to list", "use the form scalar")

    def parts(self, domain: Domain) -> tuple[str, ...]:
        """The worth of each digit."""
        assert isinstance(domain, Enumerated)
        most = len(domain) - 1 + domain.nullable
        return tuple(f"digit {2**digit}" for digit in range(max(1, most.bit_length())))

    def ranges(self, domain: Domain) -> Ranges:
        """Each is 0 or 1."""
        return Ranges(np.zeros(len(self.parts(domain)), dtype=bool), 1.0, step=1.0)

    def codes(self, domain: Enumerated) -> Float[Array, "classes coordinates"]:
        """[classes, digits]."""
        numbers = np.arange(len(domain)) + domain.nullable
        digits = np.arange(len(self.parts(domain)))
        return ((numbers[:, None] >> digits) & 1).astype(float)

    def room(self, domain: Domain) -> float:
        """A quarter, as of every digit."""
        return 0.25
