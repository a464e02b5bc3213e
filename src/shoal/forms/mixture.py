"""A distribution: what attention makes of one-hot values that differ, read by its mean."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import ClassVar

import numpy as np

from shoal.arrays import Array, Float
from shoal.forms.form import Affine, Form, Misfit, Ranges, identity, with_presence
from shoal.forms.one_hot import OneHot, class_labels
from shoal.limits import Limits
from shoal.program.facts.domains import Domain, Enumerated
from shoal.rasp.values import canonical_key, is_number


@dataclass(frozen=True)
class Mixture(Form):
    """The dimensions are shares of the values that are averaged, and of the default.

    They are read by projecting to the mean; values that are no numbers, which are never averaged,
    get numbers of their own.

    Attributes:
        base: the values whose shares the dimensions are.
    """

    base: Enumerated

    name: ClassVar[str] = "distribution"
    is_on_a_line: ClassVar[bool] = True

    def misfit(self, domain: Domain, limits: Limits) -> Misfit | None:
        """It needs a dimension for each value that is averaged."""
        return OneHot().misfit(self.base, limits)

    def parts(self, domain: Domain) -> tuple[str, ...]:
        """The texts of the values."""
        return class_labels(self.base)

    def ranges(self, domain: Domain) -> Ranges:
        """Shares are between 0 and 1."""
        return Ranges(np.zeros(len(self.base), dtype=bool), 1.0)

    def codes(self, domain: Enumerated) -> Float[Array, "classes coordinates"]:
        """[classes, 1 or 2]: the mean, and presence."""
        others = count(domain.bounds[1] + 1.0)
        numbers = [float(v) if is_number(v) else next(others) for v in domain.values]
        return with_presence(numbers, domain)

    def coordinates(self, domain: Domain) -> Affine:
        """The mean of the shares' numbers, and their sum; what is averaged need not be a mean."""
        assert isinstance(domain, Enumerated)
        codes = self.codes(domain)
        weights = np.ones((len(self.base), codes.shape[1]))
        for row, value in zip(weights, self.base.values, strict=True):
            place = domain.class_of.get(canonical_key(value))
            if place is not None:
                row[:] = codes[place]
            else:
                row[0] = float(value) if isinstance(value, int | float) else 0.0
        return weights, np.zeros(weights.shape[1])

    def numbers(self, domain: Domain) -> Affine | None:
        """The coordinates themselves."""
        return identity(1 + domain.nullable)
