"""Tables over operands, and layers of hidden neurons that compute them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Float
from shoal.contract import TABLE_TOLERANCE
from shoal.craft.affine import AffineMap, Matrix, concatenate
from shoal.craft.bases import Space, numbered_space
from shoal.craft.components import MLP
from shoal.craft.fitting import without_noise
from shoal.limits import Work
from shoal.lowering.held import Held
from shoal.lowering.synthesis.in_order import product_in_order

Floats = npt.NDArray[np.floating]


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

    def __call__(self, points: Floats) -> Floats:
        """Results [rows, results] for points [rows, coordinates]."""
        return np.asarray(self.hidden(points) @ self.out + self.bias)

    def hidden(self, points: Floats) -> Floats:
        """Hidden values [rows, neurons], likewise."""
        return np.asarray(np.maximum(points @ self.into + self.threshold, 0))

    def summed_in_order(self, points: Floats) -> Floats:
        """The same as ``self(points)``, rounded alike by whatever processor."""
        hidden = np.maximum(product_in_order(points, self.into) + self.threshold, 0)
        return np.asarray(product_in_order(hidden, self.out) + self.bias)

    def in_float32(self) -> Layer:
        """The layer as a network holds it; it then computes in single precision."""
        parts = (self.into, self.threshold, self.out, self.bias)
        return Layer(*(part.astype(np.float32) for part in parts))


@dataclass(frozen=True, eq=False)
class Table:
    """A function of operands, row by row.

    Attributes:
        name: the variable that it computes.
        operands: what it is over; None is the zero vector.
        errors: [coordinates of all operands], how far float32 may take each of them off.
        points: [rows, coordinates of all operands].
        results: [rows, dimensions of the result].
        work: counts what is done with it.
    """

    name: str
    operands: Sequence[Held]
    errors: Matrix
    points: Matrix
    results: Matrix
    work: Work = field(default_factory=Work)

    @property
    def width(self) -> int:
        """Coordinates and results together."""
        return int(self.points.shape[1] + self.results.shape[1])

    @cached_property
    def lines(self) -> tuple[Float[Array, " coordinates"], ...]:
        """The weights by which each of the operands is a number."""
        found, end = [], 0
        for operand in self.operands:
            part = slice(end, end + operand.width)
            own = np.zeros(self.points.shape[1])
            own[part] = operand.form.line(operand.domain, self.points[:, part])
            found.append(own)
            end += operand.width
        return tuple(found)


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


def as_layer(mlp: MLP, table: Table) -> Layer:
    """The layer over operands' coordinates that a component over the stream is.

    Args:
        mlp: that ``as_mlp`` made, or one with other results.
        table: that it was made for, perhaps with other results.
    """
    space = numbered_space("operands", table.points.shape[1])
    together = concatenate([operand.coordinates for operand in table.operands], space)
    hidden = mlp.hidden.matrix[mlp.hidden.source.positions(together.source)]
    solved = np.linalg.lstsq(together.matrix, hidden, rcond=None)[0]
    into = without_noise(solved, np.abs(table.points).max(axis=0, initial=0.0)[:, None])
    threshold = mlp.hidden.bias - together.bias @ into
    return Layer(into, threshold, mlp.output.matrix, mlp.output.bias)


def as_mlp(name: str, operands: Sequence[Held], layer: Layer, target: Space) -> MLP:
    """A layer over operands as the component that computes the variable of that name."""
    joint = numbered_space(f"operands of {name}", len(layer.into))
    together = concatenate([operand.coordinates for operand in operands], joint)
    neurons = numbered_space(name, len(layer.threshold))
    hidden = together.into(neurons, layer.into, layer.threshold)
    return MLP(name, hidden, AffineMap(neurons, target, layer.out, layer.bias))
