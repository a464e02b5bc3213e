"""A count as a head writes it: n itself, of which only the nearest whole number matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shoal.forms.form import Form
from shoal.forms.scalar import Scalar
from shoal.program.facts.domains import Domain


@dataclass(frozen=True)
class Count(Scalar):
    """The form of a selector's width where it need not be decoded to be a number.

    It lies as a scalar does, but stands for classes, so it may be farther off than a number may.
    """

    name: ClassVar[str] = "count"
    is_number: ClassVar[bool] = False

    def room(self, domain: Domain) -> float:
        """As of any code."""
        return Form.room(self, domain)
