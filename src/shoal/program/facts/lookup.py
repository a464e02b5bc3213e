"""Functions of classes as tables, with None and with what never occurs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NONE = -1
"""In a table: None."""
UNDEFINED = -2
"""In a table: the operands never meet, or the function raises on them."""

Classes = npt.NDArray[np.integer]
"""Numbers of classes, or NONE, or UNDEFINED."""


@dataclass(frozen=True, eq=False)
class Lookup:
    """A function of the classes of some operands.

    None flows through: it is the result where any operand is None.

    Attributes:
        entries: one axis for each operand with its classes; the class of the result, or NONE, or
            UNDEFINED.
    """

    entries: npt.NDArray[np.int32]

    def __call__(self, operands: Sequence[Classes] | Classes) -> npt.NDArray[np.int32]:
        """The classes of results, of the operands' shape; none is UNDEFINED if no operand is.

        Args:
            operands: for each the classes, all of one shape.
        """
        stacked = np.asarray(operands)
        known = (stacked >= 0).all(axis=0)
        missing = (stacked == UNDEFINED).any(axis=0)
        result = np.where(missing, UNDEFINED, NONE).astype(np.int32)
        result[known] = self.entries[tuple(stacked[:, known])]
        return result

    @property
    def operands(self) -> int:
        """How many operands there are."""
        return self.entries.ndim

    @property
    def rows(self) -> npt.NDArray[np.intp]:
        """[rows, operands], the classes on which the function is defined, in order."""
        return np.argwhere(self.entries != UNDEFINED)

    def of_equal_operands(self) -> Lookup:
        """The function of one operand that takes the place of all, of which there may be many."""
        classes = np.arange(len(self.entries))
        return Lookup(self.entries[(classes,) * self.entries.ndim])

    def without(self, axis: int, number: int = 0) -> Lookup:
        """The function with one operand held at a class."""
        return Lookup(np.asarray(self.entries.take(number, axis=axis)))

    def of_first_classes(self, firsts: Mapping[int, Classes]) -> Lookup:
        """The function of blocks of classes, by axis, of which it has the same result for each.

        Args:
            firsts: for some axes the first class of each block.
        """
        entries = self.entries
        for axis, first in firsts.items():
            entries = entries.take(first, axis=axis)
        return Lookup(entries)

    def renamed(self, new: Classes) -> Lookup:
        """The function with other numbers for its results' classes.

        Args:
            new: [classes], the new number of each; NONE and UNDEFINED stay.
        """
        return Lookup(np.append(new, [UNDEFINED, NONE]).astype(np.int32)[self.entries])
