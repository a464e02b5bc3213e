"""Models that are not, or no longer, what the atlas speaks of: rotated streams, other weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.atlas.atlas import Atlas, Matrix
from shoal.errors import InvalidInputError
from shoal.transformer.weights import Weights, in_basis

ROUNDED = 1e-6
"""Of all that one output reads, or one input writes: what is smaller is rounding of a rotation."""

WEIGHTS = "weights"
"""The claim that says what was done to the weights since they were compiled, other than a change of
basis: the model may not compute what the atlas says."""


def directions_of(atlas: Atlas, columns: Sequence[int], d_model: int) -> Matrix:
    """[d_model, columns]: what the stream is multiplied by to find columns of the atlas."""
    whole = np.eye(d_model) if atlas.basis is None else atlas.basis
    return np.asarray(whole[:, list(columns)])


def in_columns(atlas: Atlas, stream: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A stream [..., d_model] of the model, in the columns that the atlas speaks of."""
    if atlas.basis is None:
        return stream
    return np.asarray(stream @ atlas.basis.astype(stream.dtype))


def from_columns(atlas: Atlas, stream: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A stream [..., d_model] in the columns that the atlas speaks of, as the model has it."""
    return stream if atlas.basis is None else np.asarray(stream @ atlas.basis.T)


def weights_in_columns(atlas: Atlas, weights: Weights) -> Weights:
    """The weights in the columns that the atlas speaks of, where what they do not touch is 0."""
    if atlas.basis is None:
        return weights
    return in_basis(weights, atlas.basis, least=ROUNDED)


def columns_of(atlas: Atlas, name: str) -> tuple[int, ...]:
    """The model's own columns for a variable; none if its stream was rotated."""
    return () if atlas.basis is not None else atlas.places[name].columns


def require_columns(atlas: Atlas, what: str) -> None:
    """Refuse what makes no sense where no value has columns of its own.

    Args:
        atlas: of the model.
        what: that asks for columns, in words.

    Raises:
        InvalidInputError: the stream was rotated.
    """
    if atlas.basis is not None:
        raise InvalidInputError(
            f"{what} would speak of columns, and the stream of this model was rotated: its values "
            "lie along directions, which shoal_analysis.lab.directions(model, name) gives; ask the "
            "model from before, or multiply the stream by model.atlas.basis"
        )


def require_compiled(atlas: Atlas, what: str) -> None:
    """Refuse what follows the compiled circuit where the weights may not.

    Args:
        atlas: of the model.
        what: that does so, in words.

    Raises:
        InvalidInputError: the weights were changed since.
    """
    if WEIGHTS in atlas.claims:
        raise InvalidInputError(
            f"{what} follows the circuit that was compiled, and the weights of this model are "
            f"others ({atlas.claims[WEIGHTS]}); ask the model from before, or measure by "
            "shoal_analysis.lab.circuit_holds(model) how far the circuit still holds"
        )
