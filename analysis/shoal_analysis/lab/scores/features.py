"""Directions that a probe or an autoencoder found, against those of the named values.

A direction is found if some named value's lies along it, whatever the sign: the mean of the largest
cosines is the usual score of dictionaries whose truth is known (Sharkey et al. 2022).
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

ALONG = 0.9
"""The least cosine at which a direction counts as found."""


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
    """How well directions fit the named values.

    Attributes:
        best: for each named feature the number of the direction that fits best, and the size of
            their cosine.
        mean_cosine: of these.
        recall: the share of named features with a cosine of ``ALONG`` or more.
        precision: the share of directions that fit some named feature so well.
    """

    best: dict[str, tuple[int, float]]
    mean_cosine: float
    recall: float
    precision: float

    def __str__(self) -> str:
        lines = [
            f"mean cosine {self.mean_cosine:.2f}, recall {self.recall:.2f}, precision "
            f"{self.precision:.2f} (cosine of {ALONG} or more)"
        ]
        lines += [f"  {label}: direction {n}, {c:.2f}" for label, (n, c) in self.best.items()]
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
    passed = model.run_ids(ids)
    stream = (passed.input_embeddings, *passed.residuals)[half_layer]
    is_token = (ids != model.input_encoder.pad_encoding) & (np.arange(ids.shape[1]) > 0)
    return np.asarray(stream[is_token], dtype=np.float64)


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
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    unit = np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 0)
    cosines = np.abs(true @ unit.T)
    best = {
        feature.label: (int(row.argmax()), float(row.max()))
        for feature, row in zip(features, cosines, strict=True)
    }
    return FeatureScores(
        best,
        float(cosines.max(axis=1).mean()),
        float((cosines.max(axis=1) >= ALONG).mean()),
        float((cosines.max(axis=0) >= ALONG).mean()),
    )
