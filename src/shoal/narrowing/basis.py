"""Which directions of a variable have to be stored so that all its readers have what they read.

A reader takes linear functionals of a variable and adds constants, so functionals count as they
are on the points that the variable can take, and all that are equal there up to a constant are one.
A basis of what is read is the least that can be stored: by a smaller one some reader would be
given the same on two points that it tells apart. Readers that cannot add a constant, since it would
have to be exact beside numbers that are far larger, or since what they see of BOS counts, need
functionals as they are, at the BOS position as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shoal.arrays import Array, Bool, Float
from shoal.craft.affine import Matrix
from shoal.craft.fitting import NOISE, power_of_two_above, without_noise

TOLERANCE = 1e-9
"""What is left of a functional, relative to its size, below which it depends on others."""

_FAR_ENOUGH = 0.1
"""A single dimension is taken rather than a mixture if so much of it is new."""

MOST_WHOLE = 2.0**12
"""Functionals are stored as whole numbers up to this."""


def chosen_basis(
    points: Float[Array, "points dimensions"],
    at_bos: Float[Array, " dimensions"],
    exact: Float[Array, "dimensions functionals"],
    free: Float[Array, "dimensions functionals"],
    before: Float[Array, "dimensions known"] | None = None,
) -> Float[Array, "dimensions columns"]:
    """Functionals from which all that is wanted follows, as few as there can be.

    Single dimensions are preferred where at least half of them are needed, since they say what
    they said before.

    Args:
        points: what the variable can be, or points that span the same affine space.
        at_bos: what it is at the BOS position.
        exact: functionals that are wanted as they are, at the BOS position as well.
        free: functionals that are wanted up to constants, on the points.
        before: functionals that are stored in any case, which come first.
    """
    everywhere = np.vstack([points, at_bos])
    known = np.zeros((points.shape[1], 0)) if before is None else before
    basis = _extended(known, everywhere, everywhere, exact)
    count = basis.shape[1]
    basis = _extended(basis, points - points.mean(axis=0), points, free)
    free_ones = without_noise(_never_negative(basis[:, count:], points))
    return np.hstack([basis[:, :count], free_ones])


def size_of_basis(
    points: Float[Array, "points dimensions"],
    at_bos: Float[Array, " dimensions"],
    exact: Float[Array, "dimensions functionals"],
    free: Float[Array, "dimensions functionals"],
) -> int:
    """How many functionals ``chosen_basis`` has, without choosing them; arguments as there."""
    everywhere = np.vstack([points, at_bos])
    rows = points - points.mean(axis=0)
    known = _normalised(rows @ exact)
    span = np.hstack([known, _normalised(rows @ free)])
    ranks = [_normalised(everywhere @ exact), span, known]
    first, both, before = (len(orthonormal(columns).T) for columns in ranks)
    return first + both - before


def _never_negative(basis: Matrix, points: Matrix) -> Matrix:
    """Functionals with constants, where there are any, so that the least they say is 0."""
    least = (points @ basis).min(axis=0, initial=0.0)
    if not least.any():
        return basis
    one = np.linalg.lstsq(points, np.ones(len(points)), rcond=None)[0]
    one = np.where(np.abs(one - np.round(one)) <= TOLERANCE, np.round(one), one)
    if np.abs(points @ one - 1.0).max(initial=0.0) > TOLERANCE:
        return basis
    return np.asarray(basis - np.outer(one, least))


def _extended(
    basis: Float[Array, "dimensions columns"],
    rows: Float[Array, "rows dimensions"],
    points: Float[Array, "points dimensions"],
    wanted: Float[Array, "dimensions functionals"],
) -> Float[Array, "dimensions more"]:
    """A basis with more functionals, so that it spans what is wanted on some rows.

    Args:
        basis: so far.
        rows: the points, moved so that constants count for nothing.
        points: where a functional says what it is stored as.
        wanted: functionals.
    """
    if not wanted.size:
        return basis
    known = _normalised(rows @ basis)
    before = orthonormal(known)
    span = orthonormal(np.hstack([known, _normalised(rows @ wanted)]))
    count = span.shape[1] - before.shape[1]
    if not count:
        return basis
    size = rows.shape[1]
    units = np.eye(size if 2 * count >= size else 0, size).T
    candidates = np.hstack([units, wanted])
    seen = _normalised(rows @ candidates)
    inside = _sizes(_without(span, seen)) <= 10 * TOLERANCE
    usable = inside & seen.any(axis=0)
    left = _without(before, seen)
    columns = [basis]
    for _ in range(count):
        number = _next(left, usable, units.shape[1])
        if number is None:
            break
        columns.append(_scaled(candidates[:, [number]], points))
        direction = left[:, number] / _sizes(left[:, [number]])
        left = left - np.outer(direction, direction @ left)
    return np.hstack(columns)


def each_once(columns: Matrix) -> Matrix:
    """Columns in order, those that are equal once."""
    if columns.shape[1] < 2:
        return columns
    ordered = columns[:, np.lexsort(columns[::-1])]
    is_new = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    return np.asarray(ordered[:, np.concatenate([[True], is_new])])


def _next(left: Matrix, usable: Bool[Array, " candidates"], units: int) -> int | None:
    """The candidate of which most is new, a single dimension if enough of one is."""
    sizes = np.where(usable, np.round(_sizes(left), 6), 0.0)
    single = int(sizes[:units].argmax()) if units else 0
    if units and sizes[single] >= _FAR_ENOUGH:
        return single
    best = int(sizes.argmax())
    return best if sizes[best] > 10 * TOLERANCE else None


def _scaled(functional: Matrix, rows: Matrix) -> Matrix:
    """A functional in units of the least that it says, if that makes it whole; else up to 1.

    Units that are no powers of two are taken only where they divide what it says everywhere.
    """
    if np.count_nonzero(functional) == 1:
        return np.asarray((functional != 0).astype(float))
    values = np.abs(rows @ functional).ravel()
    largest = float(values.max(initial=0.0))
    there = values[values > NOISE * largest]
    if not len(there):
        return functional
    unit = float(there.min())
    parts = functional / unit
    whole = np.round(parts)
    if largest / unit <= MOST_WHOLE and np.abs(parts - whole).max() <= TOLERANCE:
        return np.asarray(whole)
    return np.asarray(functional / power_of_two_above(np.asarray(largest)))


def _sizes(columns: Matrix) -> Matrix:
    return np.asarray(np.sqrt((columns * columns).sum(axis=0)))


def _normalised(columns: Matrix) -> Matrix:
    sizes = _sizes(columns)
    kept = sizes > NOISE * max(1.0, float(sizes.max(initial=0.0)))
    return np.where(kept, columns / np.where(kept, sizes, 1.0), 0.0)


def orthonormal(columns: Matrix, tolerance: float = TOLERANCE) -> Matrix:
    """An orthonormal basis of the space that columns span.

    Args:
        columns: of about the same size.
        tolerance: of the largest singular value, or 1: what is smaller is rounding.
    """
    if not columns.size:
        return np.zeros((len(columns), 0))
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(left[:, sizes > tolerance * max(1.0, float(sizes[0]))])


def _without(basis: Matrix, columns: Matrix) -> Matrix:
    """Columns without what an orthonormal basis says of them."""
    return np.asarray(columns - basis @ (basis.T @ columns))


@dataclass(frozen=True, eq=False)
class ReadThrough:
    """Functionals from what is stored.

    Attributes:
        basis: what is stored.
        points: what the variable can be.
        at_bos: if given, functionals are wanted as they are at this point, too, and no constant is
            added.
    """

    basis: Float[Array, "dimensions columns"]
    points: Float[Array, "points dimensions"]
    at_bos: Float[Array, " dimensions"] | None = None

    @cached_property
    def _middle(self) -> Matrix:
        """Where no constant is added: at 0, if none may be."""
        size = self.points.shape[1]
        return self.points.mean(axis=0) if self.at_bos is None else np.zeros(size)

    @cached_property
    def _rows(self) -> Matrix:
        if self.at_bos is None:
            return np.asarray(self.points - self._middle)
        return np.vstack([self.points, self.at_bos])

    @cached_property
    def _seen(self) -> tuple[Matrix, Matrix]:
        """[rows, columns], what is stored, and its pseudo-inverse."""
        seen = self._rows @ self.basis
        inverse = np.linalg.pinv(seen, rtol=max(seen.shape) * np.finfo(float).eps)
        return seen, np.asarray(inverse)

    def __call__(
        self, wanted: Float[Array, "dimensions functionals"]
    ) -> tuple[Float[Array, "columns functionals"], Float[Array, " functionals"]] | None:
        """A matrix, and the constants that are added; None if they do not follow from it.

        Args:
            wanted: functionals.
        """
        middle, values = self._middle @ wanted, self._rows @ wanted
        largest = np.maximum(np.abs(values).max(axis=0, initial=0.0), np.abs(middle))
        size = power_of_two_above(np.where(largest > 0, largest, 1.0))
        seen, inverse = self._seen
        values = values / size
        matrix = without_noise(inverse @ values)
        if np.abs(seen @ matrix - values).max(initial=0.0) > TOLERANCE:
            return None
        constants = without_noise(middle / size - self._middle @ self.basis @ matrix)
        return np.asarray(matrix * size), np.asarray(constants * size)
