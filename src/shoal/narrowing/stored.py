"""A variable of which a basis is stored instead of all its dimensions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from shoal.arrays import Array, Float
from shoal.contract import ROUNDING
from shoal.craft.bases import Direction, Space
from shoal.craft.components import MLP
from shoal.craft.fitting import grid_step
from shoal.forms.form import Ranges
from shoal.lowering.held import Errors, StreamVariable


@dataclass(frozen=True, eq=False)
class Stored:
    """A variable as it is stored.

    Attributes:
        before: the variable with all its dimensions.
        basis: [dimensions, columns], the functionals that are stored.
        points: [points, dimensions], what it can be at tokens.
        bos_before: [dimensions], what it is at the BOS position.
        mlp: what computes the columns in fewer neurons than what computes all dimensions, if
            anything does; it reads variables with all their dimensions.
        seen: how far off its results are.
    """

    before: StreamVariable
    basis: Float[Array, "dimensions columns"]
    points: Float[Array, "points dimensions"]
    bos_before: Float[Array, " dimensions"]
    mlp: MLP | None = None
    seen: Errors | None = None

    @property
    def at_bos(self) -> Float[Array, " columns"]:
        """What is stored at the BOS position."""
        if self.mlp is not None:
            return self.mlp.output.bias  # its neurons are off
        return np.asarray(self.bos_before @ self.basis)

    @cached_property
    def space(self) -> Space:
        """The directions that are stored; single dimensions keep their names."""
        return space_of(self.before, self.basis)

    @cached_property
    def errors(self) -> Errors:
        """How far the columns may be off."""
        if self.seen is not None:
            return self.seen
        errors = self.before.errors
        apart = np.broadcast_to(np.asarray(errors.apart, dtype=float), (len(self.basis),))
        together = [apart[:, None] * self.basis]  # columns are off by what one dimension is off
        if errors.together is not None:
            together.append(errors.together @ self.basis)
        samples = np.vstack(together)
        samples = samples[samples.any(axis=1)]
        columns = self.points @ self.basis
        is_whole = grid_step(columns) > 0
        rounding = np.where(is_whole, 0.0, ROUNDING * np.abs(columns).max(axis=0, initial=0.0))
        return Errors(samples if len(samples) else None, rounding)

    @cached_property
    def variable(self) -> StreamVariable:
        """The same as a variable of the stream."""
        columns = np.vstack([self.points @ self.basis, self.at_bos])
        step = float(grid_step(columns).min(initial=1.0)) if columns.size else 1.0
        largest = float(np.abs(columns).max(initial=0.0))
        ranges = Ranges(np.asarray((columns < 0).any(axis=0)), largest, step)
        words = f"{self.before.words}, in part"
        return replace(
            self.before, space=self.space, ranges=ranges, words=words, errors=self.errors
        )


def space_of(variable: StreamVariable, basis: Float[Array, "dimensions columns"]) -> Space:
    """The directions of a variable of which a basis is stored."""
    parts = []
    for number, column in enumerate(basis.T):
        there = np.flatnonzero(column)
        if len(there) == 1 and column[there[0]] == 1.0:
            parts.append(variable.space.directions[there[0]].part)
        else:
            parts.append(f"functional {number}" if basis.shape[1] > 1 else "functional")
    return Space(tuple(Direction(variable.name, part) for part in parts))
