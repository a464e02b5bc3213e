"""A score for each class, of which the greatest one counts: what an argmax can be given directly.

It costs nothing where the scores of a result are affine functions of what is in the stream anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shoal.arrays import Array, Float
from shoal.forms.form import Affine, Form, Misfit, Ranges
from shoal.forms.one_hot import OneHot, class_labels
from shoal.limits import Limits
from shoal.program.facts.domains import Domain, Enumerated


@dataclass(frozen=True)
class Scores(Form):
    """The form of a result that is decided by the decoder.

    Its coordinates are any numbers of which the value's own is the greatest, nearly ``APART`` above
    all others, and above 1/2 exactly where it is not None. The nearest unit vector is that of the
    greatest coordinate, so the decoder of one-hot values decodes them: but nobody else can read
    them, since they are no one-hot values.
    """

    name: ClassVar[str] = "scores"

    def misfit(self, domain: Domain, limits: Limits) -> Misfit | None:
        """It needs a list."""
        return OneHot().misfit(domain, limits)

    def parts(self, domain: Domain) -> tuple[str, ...]:
        """The texts of the classes."""
        assert isinstance(domain, Enumerated)
        return class_labels(domain)

    def ranges(self, domain: Domain) -> Ranges:
        """Any numbers."""
        return Ranges(np.ones(len(self.parts(domain)), dtype=bool), float("inf"))

    def codes(self, domain: Enumerated) -> Float[Array, "classes coordinates"]:
        """The identity: what the decoder looks for the nearest of."""
        return np.eye(len(domain))

    def indicators(self, domain: Domain) -> Affine | None:
        """None: the scores are not 0 and 1."""
        return None

    def numbers(self, domain: Domain) -> Affine | None:
        """None, likewise."""
        return None

    def room(self, domain: Domain) -> float:
        """Two scores that are off by so much each are still in their order, and half as far off."""
        return 0.25 * APART


APART = 0.5
"""How far the greatest score is above all others, and from 1/2, but for what rounding takes."""
