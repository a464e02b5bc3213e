"""Affine maps between named spaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from shoal.craft.bases import Space, join
from shoal.craft.fitting import product
from shoal.shown import shown_fields

Matrix: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AffineMap:
    """``x -> x @ matrix + bias``.

    Attributes:
        source: the space that x is in.
        target: the space that the result is in.
        matrix: [source, target].
        bias: [target].
    """

    __repr__ = shown_fields

    source: Space
    target: Space
    matrix: Matrix
    bias: Matrix

    def __post_init__(self) -> None:
        expected = (len(self.source), len(self.target))
        if self.matrix.shape != expected or self.bias.shape != expected[1:]:
            raise ValueError(
                f"matrix {self.matrix.shape} and bias {self.bias.shape} do not map {expected[0]} "
                f"to {expected[1]} dimensions"
            )

    @property
    def only_shifts(self) -> bool:
        """Whether the result is x with a bias."""
        return np.array_equal(self.matrix, np.eye(len(self.source)))

    def __call__(self, x: Matrix) -> Matrix:
        """Map vectors [..., source] to [..., target]."""
        result: Matrix = x @ self.matrix + self.bias
        return result

    def then(self, after: AffineMap) -> AffineMap:
        """The map that applies this one and then ``after``, whose source is this target."""
        matrix = self.matrix @ after.matrix
        return AffineMap(self.source, after.target, matrix, after(self.bias))

    def into(self, target: Space, matrix: Matrix, bias: Matrix | float = 0.0) -> AffineMap:
        """The map whose result is multiplied by a matrix [this target, target]; and a bias."""
        own = product(self.bias, matrix) if self.bias.any() else np.zeros(len(target))
        return AffineMap(self.source, target, product(self.matrix, matrix), own + bias)

    def read_from(self, space: Space, x: Matrix) -> Matrix:
        """Map vectors of a larger space, of which only the source's directions are read."""
        return self(x[..., space.positions(self.source)])

    def over(self, space: Space) -> AffineMap:
        """The same map of a larger space, of which it reads nothing else."""
        matrix = np.zeros((len(space), len(self.target)))
        matrix[space.positions(self.source)] = self.matrix
        return AffineMap(space, self.target, matrix, self.bias)

    def plus(self, other: AffineMap) -> AffineMap:
        """The sum with a map into the same target."""
        source = join(self.source, other.source)
        matrix = np.zeros((len(source), len(self.target)))
        for part in (self, other):
            matrix[source.positions(part.source)] += part.matrix
        return AffineMap(source, self.target, matrix, self.bias + other.bias)


def linear(source: Space, target: Space, matrix: npt.ArrayLike) -> AffineMap:
    """A linear map from a matrix [source, target]."""
    array = np.asarray(matrix, dtype=np.float64).reshape(len(source), len(target))
    return AffineMap(source, target, array, np.zeros(len(target)))


def constant(target: Space, values: Matrix) -> AffineMap:
    """A map that reads nothing: [target] values, whatever the stream holds."""
    return AffineMap(Space(()), target, np.zeros((0, len(target))), values)


def concatenate(maps: list[AffineMap], target: Space) -> AffineMap:
    """Maps side by side: of all that they read, their results are stacked.

    Args:
        maps: several of them may read a direction.
        target: as large as the maps' targets together.
    """
    source = join(*(part.source for part in maps))
    matrix = np.zeros((len(source), len(target)))
    bias = np.zeros(len(target))
    start = 0
    for part in maps:
        columns = slice(start, start + len(part.target))
        matrix[source.positions(part.source), columns] += part.matrix
        bias[columns] = part.bias
        start += len(part.target)
    return AffineMap(source, target, matrix, bias)
