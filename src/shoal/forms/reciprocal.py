"""1 / (1 + n): what a head that averages the mark of BOS makes of n selected keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shoal.arrays import Array, Float
from shoal.forms.form import Affine, Form, Misfit, Ranges, number_codes
from shoal.limits import Limits
from shoal.program.facts.domains import Domain, Enumerated


@dataclass(frozen=True)
class Reciprocal(Form):
    """The form of a selector's width before it is decoded."""

    name: ClassVar[str] = "reciprocal"
    is_on_a_line: ClassVar[bool] = True

    def misfit(self, domain: Domain, limits: Limits) -> Misfit | None:
        """It holds counts."""
        if domain.are_numbers and domain.bounds[0] >= 0 and not domain.nullable:
            return None
        return Misfit("is no count", "use another form")

    def parts(self, domain: Domain) -> tuple[str, ...]:
        """One number."""
        return ("",)

    def ranges(self, domain: Domain) -> Ranges:
        """Between 0 and 1."""
        return Ranges(np.array([False]), 1.0)

    def codes(self, domain: Enumerated) -> Float[Array, "classes coordinates"]:
        """[classes, 1]."""
        return np.asarray(1.0 / (1.0 + number_codes(domain)))

    def numbers(self, domain: Domain) -> Affine | None:
        """The count is no affine function of its reciprocal."""
        return None
