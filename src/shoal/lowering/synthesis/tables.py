"""Tables over operands, and layers of hidden neurons that compute them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Float
from shoal.contract import TABLE_TOLERANCE
from shoal.craft.affine import AffineMap, Matrix
from shoal.forms.form import Form
from shoal.limits import Work
from shoal.program.facts.domains import Domain


@dataclass(frozen=True, eq=False)
class Leaf:
    """An operand of a table.

    Attributes:
        coordinates: from the stream's directions to the operand's coordinates.
        form: how its values lie in them.
        domain: what it can be; None is the zero vector.
        errors: [coordinates], how far float32 may take each of them off; None if not at all.
    """

    coordinates: AffineMap
    form: Form
    domain: Domain
    errors: Matrix | None = None


@dataclass(frozen=True, eq=False)
class Layer:
    """A hidden layer between coordinates and results.

    Attributes:
        into: [coordinates, neurons].
        threshold: [neurons], added before the relu.
        out: [neurons, results].
        bias: [results].
    """

    into: Float[Array, "coordinates neurons"]
    threshold: Float[Array, " neurons"]
    out: Float[Array, "neurons results"]
    bias: Float[Array, " results"]

    def __call__(self, points: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Results [rows, results] for points [rows, coordinates], in the points' precision."""
        kind = points.dtype
        result: npt.NDArray[np.floating] = self.hidden(points) @ self.out.astype(
            kind
        ) + self.bias.astype(kind)
        return result

    def itself(self) -> Layer:
        """The layer, for those who want to have it made."""
        return self

    def hidden(self, points: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Hidden values [rows, neurons], likewise."""
        kind = points.dtype
        result: npt.NDArray[np.floating] = np.maximum(
            points @ self.into.astype(kind) + self.threshold.astype(kind), 0
        )
        return result


@dataclass(frozen=True, eq=False)
class Table:
    """A function of leaves, row by row.

    Attributes:
        leaves: the operands.
        points: [rows, coordinates of all leaves].
        results: [rows, dimensions of the result].
        name: the variable that it computes.
        work: counts what is done with it.
    """

    leaves: list[Leaf]
    points: Matrix
    results: Matrix
    name: str = ""
    work: Work = field(default_factory=Work)

    @property
    def errors(self) -> Matrix:
        """[coordinates], how far each coordinate may be off."""
        parts = [
            np.zeros(len(leaf.coordinates.target)) if leaf.errors is None else leaf.errors
            for leaf in self.leaves
        ]
        return np.concatenate([np.zeros(0), *parts])

    @property
    def width(self) -> int:
        """Coordinates and results together."""
        return int(self.points.shape[1] + self.results.shape[1])


@dataclass(frozen=True, eq=False)
class Candidate:
    """One form that a table's MLP can take.

    Attributes:
        neurons: what it costs.
        build: makes the layer.
        tolerance: the greatest error that is accepted of it, relative to max(1, size).
        exact: whether float32 adds it up exactly in whatever order.
    """

    neurons: int
    build: Callable[[], Layer]
    tolerance: float = TABLE_TOLERANCE
    exact: bool = False


def slices_of(leaves: list[Leaf]) -> list[slice]:
    """Where each leaf's coordinates are among those of all leaves."""
    ends = np.cumsum([len(leaf.coordinates.target) for leaf in leaves])
    return [
        slice(int(end) - len(leaf.coordinates.target), int(end))
        for leaf, end in zip(leaves, ends, strict=True)
    ]
