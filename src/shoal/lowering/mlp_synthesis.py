"""From a table to the cheapest MLP with one hidden layer that is exact on every row.

Three forms are tried:

* affine: the results are an affine function of the operands; a neuron carries each
  non-negative dimension, two a signed one;
* look-up: with one-hot operands, relu(sum of the picked dimensions - (k - 1)) is an AND; one
  neuron for each row whose result is not the most frequent one, which goes into the bias;
* steps: the operands are projected to one number, and two neurons make a step wherever the
  result changes along it.

Source: section 5 of the design.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shoal.craft.affine import AffineMap, Matrix, concatenate
from shoal.craft.bases import Space, join, numbered_space
from shoal.craft.components import MLP
from shoal.errors import UnsupportedProgramError

STEP_MARGIN = 4e-6
"""A step's flat ends must be at least this wide, relative to the projection's size, so that
float32 rounding cannot move an operand off them."""

TOLERANCE = 2e-5
"""Greatest error of a result in float32, relative to max(1, size)."""

_LARGEST_FIT = 2**20
"""Affine fits are tried up to this many matrix entries."""


@dataclass(frozen=True, eq=False)
class Leaf:
    """An operand of a table.

    Attributes:
        coordinates: from the stream's directions to the operand's coordinates.
        one_hot: whether exactly one coordinate is 1 and the others 0 (all 0 for None).
        nullable: whether the operand can be None, the zero vector.
    """

    coordinates: AffineMap
    one_hot: bool
    nullable: bool


@dataclass(frozen=True, eq=False)
class Layer:
    """A hidden layer between coordinates and results.

    Attributes:
        into: [coordinates, neurons].
        threshold: [neurons], added before the relu.
        out: [neurons, results].
        bias: [results].
    """

    into: Matrix
    threshold: Matrix
    out: Matrix
    bias: Matrix

    def __call__(self, points: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Results [rows, results] for points [rows, coordinates], in the points' precision."""
        kind = points.dtype
        hidden = np.maximum(points @ self.into.astype(kind) + self.threshold.astype(kind), 0)
        result: npt.NDArray[np.floating] = hidden @ self.out.astype(kind) + self.bias.astype(kind)
        return result


@dataclass(frozen=True, eq=False)
class Table:
    """A function of leaves, row by row.

    Attributes:
        leaves: the operands.
        points: [rows, coordinates of all leaves].
        results: [rows, dimensions of the result].
    """

    leaves: list[Leaf]
    points: Matrix
    results: Matrix

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
    """

    neurons: int
    build: Callable[[], Layer]


def synthesise(
    name: str,
    leaves: list[Leaf],
    points: Matrix,
    results: Matrix,
    target: Space,
    most_weights: int,
) -> MLP | None:
    """The cheapest exact MLP for a table, or None if none is exact in float32.

    Where an operand is None the result is None, the zero vector; rows for that are added here.

    Args:
        name: the variable that it computes.
        leaves: the operands.
        points: [rows, coordinates of all leaves], without rows for None.
        results: [rows, target].
        target: the directions of the result.
        most_weights: greatest number of matrix entries.

    Raises:
        UnsupportedProgramError: every exact form that might do exceeds ``most_weights``.
    """
    table = _with_none(Table(leaves, points, results))
    forms = (_constant, _affine, _look_up, _steps)
    candidates = sorted(
        (candidate for form in forms for candidate in form(table)), key=lambda c: c.neurons
    )
    for candidate in candidates:
        if candidate.neurons * table.width > most_weights:
            raise UnsupportedProgramError(
                f"{name}: its table needs {candidate.neurons:,} neurons with "
                f"{points.shape[1]:,} inputs and {results.shape[1]:,} outputs, "
                f"{candidate.neurons * table.width:,} weights; the limit is {most_weights:,}. Use "
                "a smaller vocab or max_seq_len, or map the operands to fewer values first"
            )
        layer = candidate.build()
        if is_exact(layer, table.points, table.results):
            return _as_mlp(name, leaves, layer, target)
    return None


def is_exact(layer: Layer, points: Matrix, results: Matrix) -> bool:
    """Whether a layer gives every row's result when it computes in float32."""
    computed = layer(points.astype(np.float32)).astype(np.float64)
    return bool((np.abs(computed - results) <= TOLERANCE * np.maximum(1, np.abs(results))).all())


def _as_mlp(name: str, leaves: list[Leaf], layer: Layer, target: Space) -> MLP:
    source = join(*(leaf.coordinates.source for leaf in leaves))
    joint = numbered_space(f"operands of {name}", len(layer.into))
    neurons = numbered_space(name, len(layer.threshold))
    coordinates = concatenate([leaf.coordinates for leaf in leaves], source, joint)
    hidden = coordinates.then(AffineMap(joint, neurons, layer.into, layer.threshold))
    return MLP(name, hidden, AffineMap(neurons, target, layer.out, layer.bias))


def _slices(leaves: list[Leaf]) -> list[slice]:
    ends = np.cumsum([len(leaf.coordinates.target) for leaf in leaves])
    return [
        slice(int(end) - len(leaf.coordinates.target), int(end))
        for leaf, end in zip(leaves, ends, strict=True)
    ]


def _with_none(table: Table) -> Table:
    """The table with rows in which one or several nullable operands are None."""
    points, results = table.points, table.results
    for leaf, part in zip(table.leaves, _slices(table.leaves), strict=True):
        if leaf.nullable:
            without = points.copy()
            without[:, part] = 0.0
            without = np.unique(without, axis=0)
            points = np.vstack([points, without])
            results = np.vstack([results, np.zeros((len(without), results.shape[1]))])
    if not len(points):  # no operand ever has a value
        points = np.zeros((1, points.shape[1]))
        results = np.zeros((1, results.shape[1]))
    return Table(table.leaves, points, results)


def _constant(table: Table) -> Iterator[Candidate]:
    """No neuron at all where all results are the same."""
    points, results = table.points, table.results
    if (results == results[0]).all():
        width = results.shape[1]
        layer = Layer(np.zeros((points.shape[1], 0)), np.zeros(0), np.zeros((0, width)), results[0])
        yield Candidate(0, lambda: layer)


def _affine(table: Table) -> Iterator[Candidate]:
    points, results = table.points, table.results
    if points.size > _LARGEST_FIT or not points.shape[1]:
        return
    if len(table.leaves) == 1 and table.leaves[0].one_hot:
        matrix = np.zeros((points.shape[1], results.shape[1]))
        bias = np.zeros(results.shape[1])
        rows, columns = np.nonzero(points)
        matrix[columns] = results[rows]
    else:
        with_bias = np.hstack([points, np.ones((len(points), 1))])
        fitted = np.asarray(np.linalg.lstsq(with_bias, results)[0], dtype=np.float64)
        fitted[np.abs(fitted) < 1e-12] = 0.0
        matrix, bias = fitted[:-1], fitted[-1]
        if np.abs(points @ matrix + bias - results).max(initial=0.0) > 1e-9:
            return
    signed = (points @ matrix).min(axis=0, initial=0.0) < -1e-12
    layer = affine_layer(matrix, bias, signed)
    yield Candidate(len(layer.threshold), lambda: layer)


def affine_layer(matrix: Matrix, bias: Matrix, signed: npt.NDArray[np.bool_]) -> Layer:
    """A layer for ``points @ matrix + bias``.

    Args:
        matrix: [coordinates, results].
        bias: [results].
        signed: [results], whether ``points @ matrix`` can be negative; x is then carried as
            relu(x) - relu(-x).
    """
    used = np.abs(matrix).max(axis=0, initial=0.0) > 0
    plus = np.flatnonzero(used)
    minus = np.flatnonzero(used & signed)
    columns = np.concatenate([plus, minus])
    signs = np.concatenate([np.ones(len(plus)), -np.ones(len(minus))])
    out = np.zeros((len(columns), matrix.shape[1]))
    out[np.arange(len(columns)), columns] = signs
    return Layer(matrix[:, columns] * signs, np.zeros(len(columns)), out, bias)


def _look_up(table: Table) -> Iterator[Candidate]:
    points, results = table.points, table.results
    if not all(leaf.one_hot for leaf in table.leaves):
        return
    bias = np.zeros(results.shape[1])
    if not any(leaf.nullable for leaf in table.leaves):
        kinds, counts = np.unique(results, axis=0, return_counts=True)
        bias = kinds[counts.argmax()]
    special = (results != bias).any(axis=1)

    def build() -> Layer:
        into = points[special].T
        threshold = np.full(into.shape[1], 1.0 - len(table.leaves))
        return Layer(into, threshold, results[special] - bias, bias)

    yield Candidate(int(special.sum()), build)


def _steps(table: Table) -> Iterator[Candidate]:
    if all(leaf.one_hot for leaf in table.leaves):
        return  # the look-up is never worse by more than a factor of two, and safer
    for weights in _projections(table):
        yield from _steps_along(table, weights)


def _projections(table: Table) -> Iterator[Matrix]:
    """Weights [coordinates] under which the operands may become one separating number."""
    leaves = table.leaves
    points = [table.points[:, part] for part in _slices(leaves)]
    weights = [_leaf_weights(leaf, part) for leaf, part in zip(leaves, points, strict=True)]
    lines = [part @ w for part, w in zip(points, weights, strict=True)]
    if len(leaves) == 1:
        yield weights[0]
    elif len(leaves) == 2:
        for factor in _factors(lines[0], lines[1]):
            yield np.concatenate([weights[0], factor * weights[1]])
        for factor in _factors(lines[1], lines[0])[2:]:
            yield np.concatenate([factor * weights[0], weights[1]])


def _factors(fine: Matrix, coarse: Matrix) -> list[float]:
    """Factors for the second number: a difference, a sum, and one that orders by it first."""
    gaps = np.diff(np.unique(coarse))
    if not len(gaps):
        return [-1.0, 1.0]
    return [-1.0, 1.0, float(2 * max(np.ptp(fine), 1e-3) / gaps.min())]


def _leaf_weights(leaf: Leaf, points: Matrix) -> Matrix:
    """Weights [coordinates] of one operand that keep its values, and None, apart."""
    if leaf.one_hot:
        return np.arange(1.0, points.shape[1] + 1)
    weights = np.zeros(points.shape[1])
    weights[0] = 1.0
    if leaf.nullable:
        weights[1] = 1.0 - float(points[:, 0].min(initial=0.0))
    return weights


def _steps_along(table: Table, weights: Matrix) -> Iterator[Candidate]:
    """Two neurons for each change of the result along a line, if rounding leaves them room."""
    line = table.points @ weights
    order = np.argsort(line, kind="stable")
    line, ordered = line[order], table.results[order]
    size = max(1.0, float(np.abs(line).max(initial=0.0)))
    changes = np.flatnonzero((np.abs(np.diff(ordered, axis=0)) > 1e-9).any(axis=1))
    left, right = line[changes], line[changes + 1]
    quarter = (right - left) / 4
    if (quarter < STEP_MARGIN * size).any():
        return
    slope = 1 / (2 * quarter)
    jump = ordered[changes + 1] - ordered[changes]
    starts, ends = left + quarter, right - quarter

    def upwards() -> Layer:
        """relu(slope (x - start)) - relu(slope (x - end)) rises from 0 to 1."""
        return Layer(
            np.outer(weights, np.concatenate([slope, slope])),
            np.concatenate([-slope * starts, -slope * ends]),
            np.vstack([jump, -jump]),
            ordered[0],
        )

    def downwards() -> Layer:
        """The same steps seen from the other end, kinder to rounding if they get denser."""
        return Layer(
            np.outer(weights, np.concatenate([-slope, -slope])),
            np.concatenate([slope * ends, slope * starts]),
            np.vstack([-jump, jump]),
            ordered[-1],
        )

    yield Candidate(2 * len(changes), upwards)
    yield Candidate(2 * len(changes), downwards)
