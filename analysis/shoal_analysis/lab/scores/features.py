"""What a probe or an autoencoder found, against the named values.

A named value is found if a direction lies along its own, whatever the sign: the mean of the largest
cosines is the usual score of dictionaries whose truth is known (Sharkey et al. 2022). Directions
are not all that there is to it: of a one-hot value exactly one coordinate is 1, so that the same
vector may be added to the directions of all its coordinates and taken from the constant, and
nothing changes. Whether a feature is *active* where a coordinate is 1 does not depend on that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.atlas.basis import directions_of
from shoal.errors import InvalidInputError
from shoal.model import Model
from shoal.rasp.values import Value
from shoal_solvers import ALTERNATING

FOUND = 0.9
"""The least cosine, or correlation, at which a named feature counts as found."""


@dataclass(frozen=True, eq=False)
class Feature:
    """A coordinate of a named value, and where it lies.

    Attributes:
        label: the value and what the coordinate says, such as "hist:2".
        direction: [d_model], of length 1.
    """

    label: str
    direction: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FeatureScores:
    """How well what was found fits the named values.

    Attributes:
        best: for each named feature the number of what fits best, and the size of their cosine, or
            correlation.
        mean: of these.
        recall: the share of named features with ``FOUND`` or more.
        precision: the share of what was found that fits some named feature so well.
    """

    best: dict[str, tuple[int, float]]
    mean: float
    recall: float
    precision: float

    def __str__(self) -> str:
        lines = [
            f"mean {self.mean:.2f}, recall {self.recall:.2f}, precision {self.precision:.2f} "
            f"({FOUND} or more)"
        ]
        lines += [f"  {label}: number {n}, {size:.2f}" for label, (n, size) in self.best.items()]
        return "\n".join(lines)


def named_features(
    model: Model, half_layer: int, inputs: Sequence[Sequence[Value]]
) -> tuple[Feature, ...]:
    """The coordinates of all named values in the stream just before a half-layer.

    Args:
        model: rotated or not.
        half_layer: counted from 0; the number of half-layers for the end.
        inputs: coordinates that are the same in all of them, at all positions, are left out, since
            nothing could find them.

    Raises:
        InvalidInputError: there is no such half-layer, or an input does not fit the model.
    """
    end = ALTERNATING.last_state(model.num_layers)
    if half_layer not in range(end + 1):
        raise InvalidInputError(
            f"there is no half-layer {half_layer}; the model has {end}, counted from 0, and that "
            "number itself stands for the end"
        )
    stream = activations(model, half_layer, inputs)
    found = []
    for place in model.atlas.places.values():
        if not place.first <= half_layer <= place.last:
            continue
        directions = directions_of(model.atlas, place.columns, model.d_model).T
        for label, direction in zip(place.labels, directions, strict=True):
            if np.ptp(stream @ direction) > 1e-3 * max(1.0, place.largest or 1.0):
                found.append(Feature(label, direction))
    return tuple(found)


def activations(
    model: Model, half_layer: int, inputs: Sequence[Sequence[Value]]
) -> npt.NDArray[np.float64]:
    """[tokens of all inputs, d_model], the stream just before a half-layer, without BOS."""
    ids = model.ids(inputs)
    stream = model.run_ids(ids).states[half_layer]
    return np.asarray(stream[model.input_encoder.is_token(ids)], dtype=np.float64)


def score_features(features: Sequence[Feature], directions: npt.NDArray[Any]) -> FeatureScores:
    """Directions against named features.

    Args:
        features: of ``named_features``.
        directions: [directions, d_model], of any length but 0: rows of a decoder, or of a probe.

    Raises:
        InvalidInputError: there are none, or they are of another stream.
    """
    found = np.asarray(directions, dtype=np.float64)
    if not features or found.ndim != 2 or not len(found):
        raise InvalidInputError(
            "there is nothing to compare: give features of named_features, and directions as an "
            f"array [directions, d_model]; this one is {list(found.shape)}"
        )
    true = np.array([feature.direction for feature in features])
    if found.shape[1] != true.shape[1]:
        raise InvalidInputError(
            f"the directions have {found.shape[1]} entries, and the stream has {true.shape[1]} "
            "columns; take them from the same model and half-layer"
        )
    return _scores(features, _alike(true, found))


def score_activity(
    features: Sequence[Feature],
    stream: npt.NDArray[Any],
    activity: npt.NDArray[Any],
) -> FeatureScores:
    """When things are active against when the named features are, by correlation.

    Args:
        features: of ``named_features``.
        stream: [rows, d_model], as of ``activations``.
        activity: [rows, found], of an autoencoder's features, or of probes, on the same rows.

    Raises:
        InvalidInputError: there are no features, or the rows are others.
    """
    found = np.asarray(activity, dtype=np.float64)
    if not features or found.ndim != 2 or len(found) != len(stream):
        raise InvalidInputError(
            "there is nothing to compare: give features of named_features, and the activity of "
            f"what was found as an array [{len(stream)} rows, found]; this one is "
            f"{list(found.shape)}"
        )
    true = np.stack([stream @ feature.direction for feature in features], axis=1)
    return _scores(features, _alike((true - true.mean(axis=0)).T, (found - found.mean(axis=0)).T))


def _alike(
    true: npt.NDArray[np.float64], found: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """[true, found], the sizes of the cosines between rows; 0 of what is 0."""

    def unit(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0))

    return np.asarray(np.abs(unit(true) @ unit(found).T))


def _scores(features: Sequence[Feature], alike: npt.NDArray[np.float64]) -> FeatureScores:
    best = {
        feature.label: (int(row.argmax()), float(row.max()))
        for feature, row in zip(features, alike, strict=True)
    }
    return FeatureScores(
        best,
        float(alike.max(axis=1).mean()),
        float((alike.max(axis=1) >= FOUND).mean()),
        float((alike.max(axis=0) >= FOUND).mean()),
    )
