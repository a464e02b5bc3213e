"""A number in one dimension, and where it can be None a second one that says whether it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shoal.arrays import Array, Float
from shoal.contract import TOLERANCE
from shoal.craft.fitting import grid_step
from shoal.forms.form import Affine, Form, Misfit, Ranges, number_codes
from shoal.limits import Limits
from shoal.program.facts.domains import Domain, Enumerated


@dataclass(frozen=True)
class Scalar(Form):
    """The form of numerical s-ops."""

    name: ClassVar[str] = "scalar"
    is_number: ClassVar[bool] = True
    is_on_a_line: ClassVar[bool] = True

    def misfit(self, domain: Domain, limits: Limits) -> Misfit | None:
        """It holds numbers."""
        if domain.are_numbers:
            return None
        return Misfit("has values that are no numbers", "map it to numbers, or use another form")

    def words(self, domain: Domain) -> str:
        """It has presence, or not."""
        return "scalar and presence" if domain.nullable else "scalar"

    def parts(self, domain: Domain) -> tuple[str, ...]:
        """The number needs no words."""
        return ("", "present") if domain.nullable else ("",)

    def ranges(self, domain: Domain) -> Ranges:
        """As far as the domain goes."""
        low, high = domain.bounds
        step = 0.0
        if isinstance(domain, Enumerated) and len(domain):
            step = float(grid_step(number_codes(domain)).min())
        signed = np.array([low < 0, False][: len(self.parts(domain))])
        return Ranges(signed, max(abs(low), abs(high), 1.0), step)

    def codes(self, domain: Enumerated) -> Float[Array, "classes coordinates"]:
        """The numbers."""
        return number_codes(domain)

    def numbers(self, domain: Domain) -> Affine | None:
        """The coordinates themselves."""
        return self.coordinates(domain)

    def room(self, domain: Domain) -> float:
        """The tolerance of a number."""
        numbers = domain.values if isinstance(domain, Enumerated) else ()
        smallest = min((abs(float(v)) for v in numbers if isinstance(v, int | float)), default=0.0)
        return TOLERANCE * max(1.0, smallest)
