"""From a table to the cheapest MLP with one hidden layer that is exact on every row.

Three forms are tried:

* affine: the results are an affine function of the operands; a neuron carries each
  non-negative dimension, two a signed one;
* look-up: with one-hot operands, relu(sum of the picked dimensions - (k - 1)) is an AND; one
  neuron for each row whose result is not the most frequent one, which goes into the bias. Where
  the operands are too inexact for that, two neurons make a ramp from 0 to 1 that is flat at both
  ends;
* steps: the operands are projected to one number, and two neurons make a step wherever the
  result changes along it;
* gated steps: for each value of the one-hot operands, steps along the scalar one that are switched
  off elsewhere.

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
from shoal.lowering.precision import largest_rows

STEP_MARGIN = 4e-6
"""A step's flat ends must be at least this wide, relative to the projection's size, so that
float32 rounding cannot move an operand off them."""

TOLERANCE = 4e-5
"""Greatest error of a result in float32, relative to max(1, size)."""

SHARP = 1e-5
"""A dearer form is preferred to a cheaper one that is off by more than this."""

_LARGEST_FIT = 2**17
"""Affine fits are tried up to this many matrix entries."""

_LARGEST_BLOCK = 2**22
"""Hidden values that are computed at once when a layer is checked."""


@dataclass(frozen=True, eq=False)
class Leaf:
    """An operand of a table.

    Attributes:
        coordinates: from the stream's directions to the operand's coordinates.
        one_hot: whether exactly one coordinate is 1 and the others 0 (all 0 for None).
        nullable: whether the operand can be None, the zero vector.
        errors: [coordinates], how far float32 may take each of them off; None if not at all.
    """

    coordinates: AffineMap
    one_hot: bool
    nullable: bool
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

    into: Matrix
    threshold: Matrix
    out: Matrix
    bias: Matrix

    def __call__(self, points: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Results [rows, results] for points [rows, coordinates], in the points' precision."""
        kind = points.dtype
        result: npt.NDArray[np.floating] = self.hidden(points) @ self.out.astype(
            kind
        ) + self.bias.astype(kind)
        return result

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
    """

    leaves: list[Leaf]
    points: Matrix
    results: Matrix

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
    """

    neurons: int
    build: Callable[[], Layer]


@dataclass(frozen=True, eq=False)
class Synthesis:
    """An MLP, and the errors that it was seen to make.

    Attributes:
        mlp: the component.
        residuals: [samples, target], or None if it is exact in float32.
    """

    mlp: MLP
    residuals: Matrix | None


def synthesise(
    name: str,
    leaves: list[Leaf],
    points: Matrix,
    results: Matrix,
    target: Space,
    most_weights: int,
    refuse: bool = True,
) -> Synthesis | None:
    """The cheapest exact MLP for a table, or None if none is exact in float32.

    Args:
        name: the variable that it computes.
        leaves: the operands.
        points: [rows, coordinates of all leaves], rows for None operands included.
        results: [rows, target].
        target: the directions of the result.
        most_weights: greatest number of matrix entries.
        refuse: whether to raise if that is exceeded; otherwise None is returned.

    Raises:
        UnsupportedProgramError: every exact form that might do exceeds ``most_weights``.
    """
    if not len(points):  # the operands never meet
        points, results = np.zeros((1, points.shape[1])), np.zeros((1, results.shape[1]))
    table = Table(leaves, points, results)
    forms = (_constant, _affine, _look_up, _steps, _gated_steps)
    candidates = sorted(
        (candidate for form in forms for candidate in form(table)), key=lambda c: c.neurons
    )
    allowed = np.maximum(1, np.abs(results))
    good_enough: Synthesis | None = None
    for candidate in candidates:
        if candidate.neurons * table.width > most_weights:
            if good_enough is not None or not refuse:
                break
            raise UnsupportedProgramError(
                f"{name}: its table needs {candidate.neurons:,} neurons with "
                f"{points.shape[1]:,} inputs and {results.shape[1]:,} outputs, "
                f"{candidate.neurons * table.width:,} weights; the limit is {most_weights:,}. Use "
                "a smaller vocab or max_seq_len, or map the operands to fewer values first"
            )
        layer = candidate.build()
        residuals, rounding = _residuals(layer, table)
        error = float((np.abs(residuals) / allowed).max(initial=0.0))
        in_any_order = float((rounding / allowed).max(initial=0.0))
        if max(error, in_any_order) <= TOLERANCE and (good_enough is None or error <= SHARP):
            made = Synthesis(_as_mlp(name, leaves, layer, target), largest_rows(residuals))
            if error <= SHARP:
                return made
            good_enough = made
    return good_enough


def _residuals(layer: Layer, table: Table) -> tuple[Matrix, Matrix]:
    """[rows, results], the greatest errors in float32, also with operands a little off.

    The second matrix bounds what rounding makes of the sums in whatever order a library adds
    up; it is half of the strict bound, which rounding errors of both signs do not come near.
    """
    errors = table.errors
    patterns = [np.zeros(len(errors))]
    if errors.any():
        signs = np.random.default_rng(0).choice([-1.0, 1.0], (4, len(errors)))
        patterns += [errors, -errors, *(errors * signs)]
    worst = np.zeros(table.results.shape)
    bound = np.zeros(table.results.shape)
    rows = max(1, _LARGEST_BLOCK // max(1, len(layer.threshold)))
    for start in range(0, len(worst), rows):
        block = slice(start, start + rows)
        for pattern in patterns:
            points = (table.points[block] + pattern).astype(np.float32)
            seen = layer(points).astype(np.float64) - table.results[block]
            worst[block] = np.where(np.abs(seen) > np.abs(worst[block]), seen, worst[block])
        bound[block] = 2.0**-25 * (layer.hidden(table.points[block]) @ np.abs(layer.out))
    likely = bound / 2
    return np.where(likely > np.abs(worst), likely, worst), bound


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
        fitted = fit_affine(points, results)
        if fitted is None:
            return
        matrix, bias = fitted
    signed = (points @ matrix).min(axis=0, initial=0.0) < -1e-12
    layer = affine_layer(matrix, bias, signed)
    yield Candidate(len(layer.threshold), lambda: layer)


def fit_affine(points: Matrix, results: Matrix) -> tuple[Matrix, Matrix] | None:
    """Matrix and bias with ``points @ matrix + bias == results`` on every row, if there are any."""
    with_bias = np.hstack([points, np.ones((len(points), 1))])
    fitted = np.asarray(np.linalg.lstsq(with_bias, results)[0], dtype=np.float64)
    fitted[np.abs(fitted) < 1e-12] = 0.0
    matrix, bias = fitted[:-1], fitted[-1]
    if np.abs(points @ matrix + bias - results).max(initial=0.0) > 1e-9:
        return None
    return matrix, bias


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

    def build_sharp() -> Layer:
        into = 2 * points[special].T
        threshold = np.full(into.shape[1], 1.5 - 2 * len(table.leaves))
        jump = results[special] - bias
        return Layer(
            np.hstack([into, into]),
            np.concatenate([threshold, threshold - 1]),
            np.vstack([jump, -jump]),
            bias,
        )

    yield Candidate(int(special.sum()), build)
    yield Candidate(2 * int(special.sum()), build_sharp)


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
    steps = _steps_on(table.points @ weights, table.results, float(np.abs(weights) @ table.errors))
    if steps is None:
        return
    base, slopes, ends, jumps = steps
    yield Candidate(
        len(slopes), lambda: Layer(np.outer(weights, slopes), -slopes * ends, jumps, base)
    )


def _steps_on(
    line: Matrix, results: Matrix, error: float
) -> tuple[Matrix, Matrix, Matrix, Matrix] | None:
    """Steps that take a number to results: the bias, and slopes, ends and jumps of neurons.

    Neuron j adds jumps[j] * relu(slopes[j] * (x - ends[j])). Seen upwards, relu(slope (x - start))
    - relu(slope (x - end)) rises from 0 to 1; seen downwards, relu(slope (end - x)) - relu(slope
    (start - x)) falls from 1 to 0.

    Args:
        line: [rows], the numbers.
        results: [rows, results].
        error: how far the numbers may be off.

    Returns:
        None if different results are too close together on the line.
    """
    order = np.argsort(line, kind="stable")
    line, ordered = line[order], results[order]
    size = max(1.0, float(np.abs(line).max(initial=0.0)))
    changes = np.flatnonzero((np.abs(np.diff(ordered, axis=0)) > 1e-9).any(axis=1))
    left, right = line[changes], line[changes + 1]
    quarter = (right - left) / 4
    if (quarter < STEP_MARGIN * size + 1.5 * error).any():
        return None
    # ramps over the middle half of each gap, or a little less: powers of two multiply exactly
    slope = 2.0 ** np.ceil(-np.log2(2 * quarter))
    middle, half_ramp = (left + right) / 2, 0.5 / slope
    starts, ends = middle - half_ramp, middle + half_ramp
    jump = ordered[changes + 1] - ordered[changes]
    # a step is seen from the end at which its two neurons stay smaller, which loses fewer bits
    upwards = line[-1] - starts <= ends - line[0]
    sign = np.where(upwards, 1.0, -1.0)
    near, far = np.where(upwards, starts, ends), np.where(upwards, ends, starts)
    signed_jump = jump * sign[:, None]
    return (
        ordered[0] + jump[~upwards].sum(axis=0),
        np.concatenate([sign * slope, sign * slope]),
        np.concatenate([near, far]),
        np.vstack([signed_jump, -signed_jump]),
    )


def _gated_steps(table: Table) -> Iterator[Candidate]:
    """Steps along one scalar operand, for each joint value of one or more one-hot operands.

    With a gate g above any |slope (x - end)|, relu(slope (x - end) + g (picked - k)) is a neuron
    that is off unless all k one-hot dimensions are picked. No bias is used, so that None operands,
    which open no gate, give None.
    """
    scalars = [i for i, leaf in enumerate(table.leaves) if not leaf.one_hot]
    if len(scalars) != 1 or len(table.leaves) < 2:
        return
    parts = _slices(table.leaves)
    scalar = parts[scalars[0]]
    gates = np.ones(table.points.shape[1], dtype=bool)
    gates[scalar] = False
    picked = table.points[:, gates]
    weights = np.zeros(table.points.shape[1])
    weights[scalar] = _leaf_weights(table.leaves[scalars[0]], table.points[:, scalar])
    line = table.points @ weights
    count = len(table.leaves) - 1
    open_rows = picked.sum(axis=1) == count
    if table.results[~open_rows].any():
        return
    span = float(np.ptp(line))
    columns, thresholds, outs = [], [], []
    for pattern in np.unique(picked[open_rows], axis=0):
        rows = (picked == pattern).all(axis=1)
        steps = _steps_on(line[rows], table.results[rows], float(np.abs(weights) @ table.errors))
        if steps is None:
            return
        base, slopes, ends, jumps = steps
        gate = np.zeros(table.points.shape[1])
        gate[gates] = pattern
        if base.any():
            columns.append(gate[:, None])
            thresholds.append(np.array([1.0 - count]))
            outs.append(base[None, :])
        strength = 2.0 ** np.ceil(np.log2(2 * np.abs(slopes) * (span + 1) + 1))
        columns.append(np.outer(weights, slopes) + np.outer(gate, strength))
        thresholds.append(-slopes * ends - strength * count)
        outs.append(jumps)

    def build() -> Layer:
        return Layer(
            np.hstack(columns),
            np.concatenate(thresholds),
            np.vstack(outs),
            np.zeros(table.results.shape[1]),
        )

    if columns:
        yield Candidate(sum(len(threshold) for threshold in thresholds), build)
