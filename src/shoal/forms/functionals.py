"""What is left of another form where only some of its functionals are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shoal.arrays import Array, Float
from shoal.forms.form import Form, Misfit, Ranges, ranges_of
from shoal.limits import Limits
from shoal.program.facts.domains import Domain, Enumerated


@dataclass(frozen=True, eq=False)
class Functionals(Form):
    """Values are the nearest of some codes.

    Attributes:
        table: [classes, coordinates], the codes.
    """

    table: Float[Array, "classes coordinates"]
    name: ClassVar[str] = "functionals"

    def misfit(self, domain: Domain, limits: Limits) -> Misfit | None:
        """It is for one domain."""
        if isinstance(domain, Enumerated) and len(domain) == len(self.table):
            return None
        return Misfit("has other values than the codes are for", "use another form")

    def parts(self, domain: Domain) -> tuple[str, ...]:
        """Numbers."""
        return tuple(f"functional {number}" for number in range(self.table.shape[1]))

    def words(self, domain: Domain) -> str:
        """What it is."""
        return "what is read of it"

    def ranges(self, domain: Domain) -> Ranges:
        """As far as the codes go."""
        return ranges_of(self.table)

    def codes(self, domain: Enumerated) -> Float[Array, "classes coordinates"]:
        """[classes, coordinates]."""
        return self.table
