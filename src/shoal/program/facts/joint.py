"""Joint values: which values of several s-ops can occur together at one position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Int
from shoal.program.facts.lookup import NONE, UNDEFINED
from shoal.rows import different_rows


@dataclass(frozen=True, eq=False)
class Choices:
    """The values of one s-op.

    Attributes:
        size: how many classes there are.
        nullable: whether it can be None.
        local: [tokens, positions], its class where token and position determine it, or None.
        by_length: [lengths, positions], its class where length and position do, or None.
    """

    size: int
    nullable: bool
    local: npt.NDArray[np.int32] | None = None
    by_length: npt.NDArray[np.int32] | None = None


class TooManyRowsError(Exception):
    """There are more joint values than a limit.

    Attributes:
        rows: how many there may be.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        super().__init__(rows)


def joint(operands: Sequence[Choices], most_rows: int) -> Int[Array, "rows operands"]:
    """[rows, operands], the classes (or NONE) that can occur together, or more than those.

    What token and position determine occurs together only where one token at one position has
    it, and so does what length and position determine; anything else may meet everything. Rows are
    in the order of the former, then of the latter.

    Raises:
        TooManyRowsError: there are more than ``most_rows`` rows.
    """
    local = [i for i, operand in enumerate(operands) if operand.local is not None]
    timed = [i for i, o in enumerate(operands) if o.local is None and o.by_length is not None]
    free = [i for i in range(len(operands)) if i not in (*local, *timed)]
    together = _together(
        [grid for o in operands if (grid := o.local) is not None],
        [grid for i in timed if (grid := operands[i].by_length) is not None],
    )
    local += timed
    count = prod(operands[i].size + operands[i].nullable for i in free)
    if count * len(together) > most_rows:
        raise TooManyRowsError(count * len(together))
    choices = [[*range(operands[i].size), *([NONE] if operands[i].nullable else [])] for i in free]
    grids = np.meshgrid(*(np.array(choice, dtype=int) for choice in choices), indexing="ij")
    apart = np.stack([grid.ravel() for grid in grids], axis=1) if free else np.zeros((1, 0), int)
    if not local:
        return apart
    rows = np.zeros((count * len(together), len(operands)), dtype=int)
    rows[:, local] = np.repeat(together, count, axis=0)
    rows[:, free] = np.tile(apart, (len(together), 1))
    return rows


def _together(
    local: Sequence[npt.NDArray[np.int32]], by_length: Sequence[npt.NDArray[np.int32]]
) -> npt.NDArray[np.int_]:
    """[rows, operands], what tokens and lengths bring together at some position."""
    if not local and not by_length:
        return np.zeros((1, 0), dtype=int)
    if not local or not by_length:
        rows = _different(np.stack([grid.ravel() for grid in (*local, *by_length)], axis=1))
        return rows.astype(int)
    found = []
    for position in range(by_length[0].shape[1]):
        first = _different(np.stack([grid[:, position] for grid in local], axis=1))
        second = _different(np.stack([grid[:, position] for grid in by_length], axis=1))
        left, right = np.repeat(first, len(second), axis=0), np.tile(second, (len(first), 1))
        found.append(np.hstack([left, right]))
    return _each_once(np.concatenate(found)).astype(int)


def _different(rows: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The rows that occur, each once."""
    return _each_once(rows[(rows != UNDEFINED).all(axis=1)])


def _each_once(rows: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return rows[different_rows(rows)[0]]


def in_order(rows: Int[Array, "rows operands"]) -> Int[Array, "rows operands"]:
    """Rows by their classes, the first operand's first; those with None come last."""
    none_is_last = np.where(rows < 0, rows.max(initial=0) + 1, rows)
    return rows[np.lexsort([*none_is_last.T[::-1], (rows < 0).any(axis=1)])]
