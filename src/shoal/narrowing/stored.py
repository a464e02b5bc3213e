"""A variable of which a basis is stored instead of all its dimensions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np

from shoal.arrays import Array, Float
from shoal.contract import ROUNDING
from shoal.craft.bases import Direction, Space
from shoal.craft.components import MLP, Component, Head, Heads
from shoal.craft.fitting import grid_step, product
from shoal.forms.form import Ranges, ranges_of
from shoal.lowering.held import Errors, StreamVariable
from shoal.narrowing.basis import ReadThrough
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
        levels: how many columns are variables of their own, those that are read longest first, so
            that the others can be erased before them.
        is_listed: whether the points are all that it can be, and not some that span its space.
    """

    before: StreamVariable
    basis: Float[Array, "dimensions columns"]
    points: Float[Array, "points dimensions"]
    bos_before: Float[Array, " dimensions"]
    mlp: MLP | None = None
    seen: Errors | None = None
    written: Errors | None = None
    levels: tuple[int, ...] = ()
    is_listed: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Of the variables that hold the columns; the one that is read longest keeps the name."""
        name = self.before.name
        more = [f"{name}.early" if n == 1 else f"{name}.early {n}" for n in range(len(self.levels))]
        return (name, *more[1:])

    @property
    def ends(self) -> tuple[int, ...]:
        """Where the columns of each variable end."""
        return tuple(accumulate(self.levels or (self.basis.shape[1],)))

    @property
    def parts(self) -> tuple[slice, ...]:
        """The columns of each variable."""
        return tuple(slice(*ends) for ends in pairwise((0, *self.ends)))

    def read(
        self,
        wanted: Float[Array, "dimensions functionals"],
        is_exact: bool = False,
    ) -> tuple[Float[Array, "columns functionals"], Float[Array, " functionals"]] | None:
        """Functionals from the columns, as ``ReadThrough`` has them, from the first that do.

        Args:
            wanted: functionals.
            is_exact: whether they have to be right at the BOS position as well.
        """
        readers = self._exact_readers if is_exact else self._readers
        for end, reader in zip(self.ends, readers, strict=True):
            found = reader(wanted)
            if found is not None:
                matrix = np.zeros((self.basis.shape[1], wanted.shape[1]))
                matrix[:end] = found[0]
                return matrix, found[1]
        return None

    @cached_property
    def _readers(self) -> tuple[ReadThrough, ...]:
        """For the first columns, and more and more of them."""
        return tuple(ReadThrough(self.basis[:, :end], self.points) for end in self.ends)

    @cached_property
    def _exact_readers(self) -> tuple[ReadThrough, ...]:
        return tuple(replace(reader, at_bos=self.bos_before) for reader in self._readers)

    @property
    def at_bos(self) -> Float[Array, " columns"]:
        """What is stored at the BOS position."""
        if self.mlp is not None:
            return self.mlp.output.bias  # its neurons are off
        return product(self.bos_before, self.basis)

    @cached_property
    def space(self) -> Space:
        """The directions that are stored; single dimensions keep their names."""
        found = []
        for name, part in zip(self.names, self.parts, strict=True):
            for number in range(part.start, part.stop):
                column = self.basis[:, number]
                there = np.flatnonzero(column)
                words = f"functional {number}" if self.basis.shape[1] > 1 else "functional"
                if len(there) == 1 and column[there[0]] == 1.0:
                    direction = self.before.space.directions[there[0]]
                    words = direction.label if self.before.of else direction.part
                found.append(Direction(name, words))
        return Space(tuple(found))

    def written_by(self, mlp: MLP) -> MLP:
        """What writes all dimensions, as it writes what is stored."""
        return without_idle(replace(mlp, output=mlp.output.into(self.space, self.basis)))

    def writer(self, before: Component) -> Component:
        """What writes the columns, by what wrote all dimensions; it may read less."""
        if self.mlp is not None:
            return self.mlp
        if isinstance(before, MLP):
            return self.written_by(before)
        if isinstance(before, Heads):
            return replace(before, heads=tuple(self._head(head) for head in before.heads))
        return self._head(before)

    def _head(self, before: Head) -> Head:
        value, at_bos = before.value.into(self.space, self.basis), before.value_at_bos
        at_bos = None if at_bos is None else product(at_bos, self.basis)
        return replace(before, value=value, value_at_bos=at_bos)

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
    def variables(self) -> tuple[StreamVariable, ...]:
        """The same as variables of the stream."""
        columns = np.vstack([self.points @ self.basis, self.at_bos])
        return tuple(
            replace(
                self.before,
                name=name,
                space=Space(self.space.directions[part]),
                ranges=ranges_of(columns[:, part]) if self.is_listed else self._bounds(part),
                words=f"{self.before.words}, in part",
                of=(),
                errors=self.errors.of(part),
            )
            for name, part in zip(self.names, self.parts, strict=True)
        )

    def _bounds(self, part: slice) -> Ranges:
        """What columns can be at most, by what each dimension can."""
        basis, before = self.basis[:, part], self.before.ranges
        signed = (basis < 0) | ((basis > 0) & before.signed[:, None])
        largest = before.largest * np.abs(basis).sum(axis=0).max(initial=0.0)
        return Ranges(np.asarray(signed.any(axis=0)), float(largest))
