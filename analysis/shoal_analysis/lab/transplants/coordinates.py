"""Values as coordinates: one for each value, or the number itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shoal.arrays import Array, Float
from shoal.errors import InvalidInputError
from shoal.rasp.values import Key, Value, canonical_key, is_number, normalise, show_value


@dataclass(frozen=True, eq=False)
class Coordinates:
    """How a host and a part tell each other the values of a variable.

    Attributes:
        name: of the variable.
        classes: the values in classes that nothing tells apart; empty for numbers that are not
            listed. The first value of a class stands for it.
        codes: [classes, coordinates] of each class: rows of a unit matrix where values are one-hot.
            None for numbers, which are their own coordinate. None, the value, has 0 in all.
    """

    name: str
    classes: tuple[tuple[Value, ...], ...]
    codes: Float[Array, "classes coordinates"] | None

    @property
    def values(self) -> tuple[Value, ...]:
        """One value of each class, in order."""
        return tuple(members[0] for members in self.classes)

    @property
    def size(self) -> int:
        """How many coordinates there are."""
        return 1 if self.codes is None else int(self.codes.shape[1])

    @cached_property
    def _number_of(self) -> dict[Key, int]:
        return {canonical_key(v): i for i, members in enumerate(self.classes) for v in members}

    def of(self, values: Sequence[Value]) -> Float[Array, "rows coordinates"]:
        """The coordinates [rows, coordinates] of values.

        Raises:
            InvalidInputError: a value is none of the variable's, or no number where it is one.
        """
        result = np.zeros((len(values), self.size))
        for row, value in zip(result, map(normalise, values), strict=True):
            if value is None:
                continue
            if self.codes is None:
                row[0] = self._number(value)
            else:
                row[:] = self.codes[self._class(value)]
        return result

    def _number(self, value: Value) -> float:
        if not is_number(value):
            raise InvalidInputError(
                f"{self.name!r} is a number, and {show_value(value)} is none; leave such rows out"
            )
        return float(value)

    def _class(self, value: Value) -> int:
        number = self._number_of.get(canonical_key(value))
        if number is None:
            known = ", ".join(map(show_value, self.values[:8]))
            more = ", ..." if len(self.classes) > 8 else ""
            raise InvalidInputError(
                f"{self.name!r} is never {show_value(value)} (a {type(value).__name__}); its "
                f"values are {known}{more}"
            )
        return number


def require_names(
    given: Iterable[str], known: Iterable[str], what: str, *, all_of_them: bool = True
) -> None:
    """Refuse names other than the known ones.

    Args:
        given: by a user.
        known: of a part's inputs or outputs.
        what: they are, in a word.
        all_of_them: whether each has to be given.

    Raises:
        InvalidInputError: a name is unknown, or missing.
    """
    unknown = [name for name in given if name not in known]
    missing = [name for name in known if name not in given]
    if unknown or (missing and all_of_them):
        problem = (
            f"there is no {what} {show_value(unknown[0])}"
            if unknown
            else f"the {what} {missing[0]!r} is missing"
        )
        raise InvalidInputError(f"{problem}; the part has the {what}s {', '.join(known)}")
