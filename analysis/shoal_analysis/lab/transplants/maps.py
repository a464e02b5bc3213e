"""Linear maps between a host's stream and named values: given, or fitted on activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from shoal.arrays import Array, Float
from shoal.errors import InvalidInputError
from shoal.shown import shown_fields

_HELD_OUT = 5
"""One row in so many is kept from a fit, to say how well it does."""

_FEWEST_ROWS = 2 * _HELD_OUT


@dataclass(frozen=True, eq=False)
class LinearMap:
    """An affine function ``x @ matrix + bias``.

    Attributes:
        matrix: [dimensions, results].
        bias: [results]; zeros if it is not given.

    Raises:
        InvalidInputError: they are no numbers, or do not fit each other.
    """

    __repr__ = shown_fields

    matrix: Float[Array, "dimensions results"]
    bias: Float[Array, " results"] | None = None

    def __post_init__(self) -> None:
        matrix = array_of(self.matrix, "matrix", 2)
        bias = np.zeros(matrix.shape[1]) if self.bias is None else array_of(self.bias, "bias", 1)
        if bias.shape != matrix.shape[1:]:
            raise InvalidInputError(
                f"a map's matrix {matrix.shape} has {matrix.shape[1]} results, and its bias "
                f"{len(bias)}; a matrix is [dimensions, results], so it may have to be transposed"
            )
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "bias", bias)

    def __call__(self, rows: Float[Array, "*rows dimensions"]) -> Float[Array, "*rows results"]:
        """What it makes of rows."""
        result: Float[Array, "*rows results"] = rows @ self.matrix + self.bias
        return result

    @property
    def dimensions(self) -> int:
        """How many numbers it takes."""
        return int(self.matrix.shape[0])

    @property
    def results(self) -> int:
        """How many numbers it gives."""
        return int(self.matrix.shape[1])


def reading_unembedding(
    unembedding: Float[Array, "d_host values"], bias: Float[Array, " values"] | None = None
) -> LinearMap:
    """Reads values as a host's own logits say them: the greatest is the value.

    Args:
        unembedding: the columns of it that belong to the input's values, in their order.
        bias: of these.
    """
    return LinearMap(unembedding, bias)


def writing_unembedding(unembedding: Float[Array, "d_host values"], logit: float) -> LinearMap:
    """Writes values so that a host's own logits say them.

    The least change of the stream that makes the value's logit greater by ``logit`` and leaves the
    others, by the pseudo-inverse; what columns do not tell apart is shared among them.

    Args:
        unembedding: the columns of it that belong to the output's values, in their order.
        logit: how much is added.
    """
    return LinearMap(logit * np.linalg.pinv(array_of(unembedding, "unembedding", 2)))


@dataclass(frozen=True, eq=False)
class Fit:
    """A map that was fitted, and how well it does on rows that it was not fitted on.

    Attributes:
        map: it.
        r_squared: the share of the targets' variance that it explains, over all of their
            dimensions; None for a discriminant, whose results are scores.
        accuracy: the share of rows on which the greatest result is the value; None where targets
            are not one-hot.
        rows: how many there are.
    """

    map: LinearMap
    r_squared: float | None
    accuracy: float | None
    rows: int

    def __repr__(self) -> str:
        parts = [] if self.r_squared is None else [f"R^2 {self.r_squared:.3f}"]
        if self.accuracy is not None:
            parts.append(f"{self.accuracy:.1%} of values right")
        return f"<Fit: {', '.join(parts)} on {self.rows:,} rows held out>"


def fit_map(sources: Any, targets: Any, ridge: float = 1e-6) -> Fit:
    """The affine map with the least squares from rows to rows, by ridge regression.

    From activations to an input's coordinates it reads the input; from an output's coordinates to
    activations it writes the output.

    Args:
        sources: [rows, dimensions], arrays or tensors.
        targets: [rows, results].
        ridge: weight of the matrix's squares, relative to the mean variance of a dimension of the
            sources.

    Raises:
        InvalidInputError: the arrays do not fit each other, or are too few rows or no numbers.
    """
    xs, ys = _pairs(sources, targets, ridge)
    train, held_out = _split(len(xs))
    centre, mean = xs[train].mean(axis=0), ys[train].mean(axis=0)
    matrix = np.linalg.lstsq(
        _covariance(xs[train] - centre, ridge * xs[train].var(axis=0).mean()),
        (xs[train] - centre).T @ (ys[train] - mean) / train.sum(),
        rcond=None,
    )[0]
    found = LinearMap(matrix, mean - centre @ matrix)
    off = ((found(xs[held_out]) - ys[held_out]) ** 2).sum()
    spread = ((ys[held_out] - mean) ** 2).sum()
    r_squared = float(1 - off / spread) if spread > 0 else float(off == 0)
    return Fit(found, r_squared, _accuracy(found, xs[held_out], ys[held_out]), int(held_out.sum()))


def fit_discriminant(activations: Any, one_hot: Any, ridge: float = 1e-6) -> Fit:
    """Scores [values] of which the greatest tells the value, by linear discriminant analysis.

    Where a value is read as the greatest of several coordinates this is better than least squares,
    which passes over values that lie between others on a line. Source: Hastie, Tibshirani and
    Friedman, The Elements of Statistical Learning, section 4.3.

    Args:
        activations: [rows, dimensions], an array or a tensor.
        one_hot: [rows, values], an input's coordinates.
        ridge: as of ``fit_map``.

    Raises:
        InvalidInputError: as of ``fit_map``; or targets are not one-hot, or a value never occurs.
    """
    xs, ys = _pairs(activations, one_hot, ridge)
    if not _is_one_hot(ys):
        raise InvalidInputError(
            "a discriminant tells categories apart, and the targets are not one-hot; fit numbers "
            "by fit_map"
        )
    train, held_out = _split(len(xs))
    counts = ys[train].sum(axis=0)
    if not counts.all():
        raise InvalidInputError(
            f"value {int(np.argmin(counts))} of {len(counts)} (counted from 0) is in none of the "
            "rows, so that nothing says how to tell it; give activations of inputs that have it"
        )
    means = ys[train].T @ xs[train] / counts[:, None]
    within = _covariance(xs[train] - ys[train] @ means, ridge * xs[train].var(axis=0).mean())
    matrix = np.linalg.lstsq(within, means.T, rcond=None)[0]
    bias = np.log(counts / counts.sum()) - (means * matrix.T).sum(axis=1) / 2
    found = LinearMap(matrix, bias)
    accuracy = _accuracy(found, xs[held_out], ys[held_out])
    return Fit(found, None, accuracy, int(held_out.sum()))


def array_of(given: Any, what: str, axes: int) -> Float[Array, "*axes"]:
    """An array or tensor as an array in double precision.

    Raises:
        InvalidInputError: it is no such array, or holds what is no finite number.
    """
    if hasattr(given, "detach"):
        given = given.detach().cpu().double().numpy()
    try:
        array = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInputError(f"the {what} is no array of numbers, but {given!r:.80}") from None
    if array.ndim != axes:
        raise InvalidInputError(
            f"the {what} has the shape {array.shape}; it is to have {axes} axes"
        )
    if not np.isfinite(array).all():
        raise InvalidInputError(f"the {what} holds numbers that are not finite")
    return array


def _pairs(
    sources: Any, targets: Any, ridge: float
) -> tuple[Float[Array, "rows dimensions"], Float[Array, "rows results"]]:
    xs, ys = array_of(sources, "array of sources", 2), array_of(targets, "array of targets", 2)
    if len(xs) != len(ys):
        raise InvalidInputError(
            f"there are {len(xs):,} rows of sources and {len(ys):,} of targets; give one of each "
            "for every position, flattened: activations[mask]"
        )
    if len(xs) < _FEWEST_ROWS:
        raise InvalidInputError(
            f"{len(xs)} rows are too few to fit a map and say how well it does; give at least "
            f"{_FEWEST_ROWS}, and better some for each dimension"
        )
    if not ridge >= 0:
        raise InvalidInputError(f"ridge is {ridge}; give 0 or more")
    return xs, ys


def _split(rows: int) -> tuple[Any, Any]:
    """Which rows are fitted on, and which are held out."""
    held_out = np.arange(rows) % _HELD_OUT == _HELD_OUT - 1
    return ~held_out, held_out


def _covariance(
    rows: Float[Array, "rows dimensions"], ridge: float
) -> Float[Array, "dimensions dimensions"]:
    """The mean of the rows' outer products, with a ridge on its diagonal."""
    result: Float[Array, "dimensions dimensions"] = rows.T @ rows / len(rows)
    return result + np.diag(np.full(len(result), ridge))


def _is_one_hot(ys: Float[Array, "rows values"]) -> bool:
    return bool(np.isin(ys, (0.0, 1.0)).all() and (ys.sum(axis=1) == 1).all())


def _accuracy(
    fitted: LinearMap, xs: Float[Array, "rows dimensions"], ys: Float[Array, "rows results"]
) -> float | None:
    if ys.shape[1] < 2 or not _is_one_hot(ys):
        return None
    return float((fitted(xs).argmax(axis=1) == ys.argmax(axis=1)).mean())
