"""Linear inequalities over whole numbers, in arrays: the one model that all exact solvers read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

IntArray: TypeAlias = npt.NDArray[np.int64]

FALSE, TRUE = 0, 1
"""The first two columns of every model are constants."""

NO_LIMIT = np.iinfo(np.int64).min
"""The lower limit of a row that has none."""


@dataclass(frozen=True)
class LinearModel:
    """Minimise a weighted sum of columns such that every row lies within its limits.

    Entries are sorted by row, then by column; no two are of the same place.

    Attributes:
        row: of each entry.
        column: of each entry.
        coefficient: of each entry.
        lower: of each row; ``NO_LIMIT`` for none.
        upper: of each row.
        column_lower: the least value of each column.
        column_upper: the largest value of each column.
        objective: weights by column.
    """

    row: IntArray
    column: IntArray
    coefficient: IntArray
    lower: IntArray
    upper: IntArray
    column_lower: IntArray
    column_upper: IntArray
    objective: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def num_rows(self) -> int:
        """How many inequalities there are."""
        return len(self.upper)

    @property
    def num_columns(self) -> int:
        """How many whole numbers are sought, the two constants included."""
        return len(self.column_upper)

    def within(self, limits: Mapping[int, tuple[int, int]]) -> LinearModel:
        """The same model with other limits of some columns."""
        lower, upper = self.column_lower.copy(), self.column_upper.copy()
        for column, (least, most) in limits.items():
            lower[column], upper[column] = least, most
        return replace(self, column_lower=lower, column_upper=upper)

    def minimizing(self, objective: Mapping[int, int]) -> LinearModel:
        """The same model with other weights."""
        return replace(self, objective=MappingProxyType(dict(objective)))


class Rows:
    """Collects inequalities, many at a time, and makes a model of them."""

    def __init__(self) -> None:
        self.count = 0
        self._terms: list[IntArray] = []
        self._signs: list[int] = []
        self._first_rows: list[int] = []
        self._limits: list[tuple[int, int, int]] = []  # rows, lower, upper
        self._weighted: list[tuple[int, IntArray, IntArray]] = []

    def at_most(
        self, less: Sequence[IntArray], more: Sequence[IntArray], constant: int = 0
    ) -> None:
        """Place by place, the sum of ``less`` is at most the sum of ``more`` plus a constant.

        Args:
            less: columns of the model, shape (rows,) each.
            more: likewise.
            constant: added to the right.
        """
        self._add(less, more, NO_LIMIT, constant)

    def exactly_one(self, terms: Sequence[IntArray]) -> None:
        """Place by place, the sum of the columns is 1."""
        self._add(terms, (), 1, 1)

    def weighted_at_most(self, columns: IntArray, weights: IntArray, most: int) -> int:
        """The weighted sum of columns is at most the column ``most``; the number of this row."""
        self._weighted.append((self.count, columns, weights))
        self._terms.append(np.array([most]))
        self._signs.append(-1)
        self._first_rows.append(self.count)
        self._limit(1, NO_LIMIT, 0)
        return self.count - 1

    def model(self, column_lower: IntArray, column_upper: IntArray) -> tuple[LinearModel, IntArray]:
        """All rows that something within the columns' limits could break.

        Args:
            column_lower: of every column; the first two are 0 and 1.
            column_upper: likewise.

        Returns:
            The model, and the number in it of each row that was added; -1 for what always holds.
        """
        row, column, coefficient = self._entries()
        size = len(column_lower)
        key, where = np.unique(row * size + column, return_inverse=True)
        merged = np.zeros(len(key), np.int64)
        np.add.at(merged, where, coefficient)
        row, column = key // size, key % size
        times, low, high = np.array(self._limits, np.int64).reshape(-1, 3).T
        lower, upper = np.repeat(low, times), np.repeat(high, times)
        constant = np.zeros(self.count, np.int64)
        true = column == TRUE
        np.add.at(constant, row[true], merged[true])
        kept = (column > TRUE) & (merged != 0)
        row, column, merged = row[kept], column[kept], merged[kept]
        upper = upper - constant
        lower = np.where(lower == NO_LIMIT, NO_LIMIT, lower - constant)
        most = np.where(merged > 0, merged * column_upper[column], merged * column_lower[column])
        least = np.where(merged > 0, merged * column_lower[column], merged * column_upper[column])
        highest, lowest = np.zeros(self.count, np.int64), np.zeros(self.count, np.int64)
        np.add.at(highest, row, most)
        np.add.at(lowest, row, least)
        binding = (highest > upper) | ((lower != NO_LIMIT) & (lowest < lower))
        number = np.cumsum(binding) - 1
        kept = binding[row]
        model = LinearModel(
            number[row[kept]],
            column[kept],
            merged[kept],
            lower[binding],
            upper[binding],
            column_lower,
            column_upper,
        )
        return model, np.where(binding, number, -1)

    def _add(
        self, positive: Sequence[IntArray], negative: Sequence[IntArray], lower: int, upper: int
    ) -> None:
        count = len(positive[0] if positive else negative[0])
        if not count:
            return
        for terms, sign in ((positive, 1), (negative, -1)):
            for term in terms:
                self._terms.append(term)
                self._signs.append(sign)
                self._first_rows.append(self.count)
        self._limit(count, lower, upper)

    def _limit(self, count: int, lower: int, upper: int) -> None:
        self._limits.append((count, lower, upper))
        self.count += count

    def _entries(self) -> tuple[IntArray, IntArray, IntArray]:
        """Rows, columns and coefficients of everything collected, in no order."""
        lengths = np.array([len(term) for term in self._terms], np.int64)
        starts = np.cumsum(lengths) - lengths
        within = np.arange(lengths.sum()) - np.repeat(starts, lengths)
        rows = [np.repeat(np.array(self._first_rows, np.int64), lengths) + within]
        columns = [np.concatenate([*self._terms, np.empty(0, np.int64)])]
        coefficients = [np.repeat(np.array(self._signs, np.int64), lengths)]
        for row, terms, weights in self._weighted:
            rows.append(np.full(len(terms), row))
            columns.append(terms)
            coefficients.append(weights)
        return np.concatenate(rows), np.concatenate(columns), np.concatenate(coefficients)
