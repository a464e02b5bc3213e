"""A distribution: what attention makes of one-hot values that differ, read by its mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shoal.arrays import Array, Float
from shoal.forms.form import Affine, Form, Misfit, Ranges
from shoal.forms.one_hot import OneHot, class_labels
from shoal.limits import Limits
from shoal.program.facts.domains import Domain, Enumerated
from shoal.rasp.values import is_number


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
        _, high = domain.bounds
        numbers = []
        for value in domain.values:
            if is_number(value):
                numbers.append(float(value))  # type: ignore[arg-type]
            else:
                high += 1.0
                numbers.append(high)
        codes = np.array(numbers)[:, None]
        return np.hstack([codes, np.ones((len(codes), 1))]) if domain.nullable else codes

    def coordinates(self, domain: Domain) -> Affine:
        """The mean of the shares' numbers, and their sum."""
        assert isinstance(domain, Enumerated)
        number = self.codes(domain)[:, 0]
        classes = [domain.class_of[key] for key in self.base.class_of]
        weights = number[classes][:, None]
        if domain.nullable:
            weights = np.hstack([weights, np.ones((len(weights), 1))])
        return weights, np.zeros(weights.shape[1])

    def indicators(self, domain: Domain) -> Affine | None:
        """A mean is not taken apart by an affine function."""
        return None

    def numbers(self, domain: Domain) -> Affine | None:
        """The coordinates themselves, where they are the values."""
        size = 2 if domain.nullable else 1
        return (np.eye(size), np.zeros(size)) if domain.are_numbers else None

    def line(
        self, domain: Domain, points: Float[Array, "rows coordinates"]
    ) -> Float[Array, " coordinates"]:
        """As of a number, with None below all of them."""
        weights = np.zeros(points.shape[1])
        weights[0] = 1.0
        if domain.nullable:
            weights[1] = 1.0 - float(points[:, 0].min(initial=0.0))
        return weights
