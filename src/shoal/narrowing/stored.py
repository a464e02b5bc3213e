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
from shoal.forms.form import ranges_of
from shoal.lowering.held import Errors, StreamVariable
from shoal.narrowing.idle import without_idle


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
        written: how far off the columns are by the MLP that computes all dimensions, if one does.
    """

    before: StreamVariable
    basis: Float[Array, "dimensions columns"]
    points: Float[Array, "points dimensions"]
    bos_before: Float[Array, " dimensions"]
    mlp: MLP | None = None
    seen: Errors | None = None
    written: Errors | None = None

    @property
    def at_bos(self) -> Float[Array, " columns"]:
        """What is stored at the BOS position."""
        if self.mlp is not None:
            return self.mlp.output.bias  # its neurons are off
        return np.asarray(self.bos_before @ self.basis)

    @cached_property
    def space(self) -> Space:
        """The directions that are stored; single dimensions keep their names."""
        parts = []
        for number, column in enumerate(self.basis.T):
            there = np.flatnonzero(column)
            if len(there) == 1 and column[there[0]] == 1.0:
                parts.append(self.before.space.directions[there[0]].part)
            else:
                parts.append(f"functional {number}" if self.basis.shape[1] > 1 else "functional")
        return Space(tuple(Direction(self.before.name, part) for part in parts))

    def written_by(self, mlp: MLP) -> MLP:
        """What writes all dimensions, as it writes what is stored."""
        return without_idle(replace(mlp, output=mlp.output.into(self.space, self.basis)))

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
        if self.written is not None and self.written.together is not None:
            together.append(self.written.together)
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
        return replace(
            self.before,
            space=self.space,
            ranges=ranges_of(columns),
            words=f"{self.before.words}, in part",
            errors=self.errors,
        )
