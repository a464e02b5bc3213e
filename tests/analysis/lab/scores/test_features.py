"""True directions have full marks, in every basis; random ones have not."""

from __future__ import annotations

import numpy as np
import pytest

import shoal
from shoal_analysis.lab.cases.case import make_case
from shoal_analysis.lab.realism.rotation import rotate
from shoal_analysis.lab.scores.features import (
    activations,
    named_features,
    score_activity,
    score_features,
)

CASE = make_case("hist", "faithful", pairs=16)
ROTATED = rotate(CASE.model, seed=1)


def test_the_true_directions_are_found_in_every_basis() -> None:
    for model in (CASE.model, ROTATED):
        features = named_features(model, 2, CASE.clean)
        labels = {feature.label for feature in features}
        assert {"tokens:a", "hist:1"} <= labels
        scores = score_features(features, np.array([-3 * f.direction for f in features]))
        assert scores.mean == pytest.approx(1)
        assert scores.recall == scores.precision == 1


def test_columns_are_no_directions_of_a_rotated_model() -> None:
    features = named_features(ROTATED, 2, CASE.clean)
    scores = score_features(features, np.eye(ROTATED.d_model))
    assert scores.recall < 0.2
    assert scores.mean < 0.9
    assert "mean 0." in str(scores)


def test_probes_of_coordinates_are_along_them() -> None:
    """Least squares on the stream finds the direction, up to what is the same on all inputs."""
    stream = activations(ROTATED, 2, CASE.clean)
    (feature,) = [f for f in named_features(ROTATED, 2, CASE.clean) if f.label == "hist:2"]
    wanted = stream @ feature.direction
    probe = np.linalg.lstsq(stream, wanted, rcond=None)[0]
    assert np.allclose(stream @ probe, wanted, atol=1e-3)


def test_activity_is_the_same_whatever_is_added_to_all_coordinates_of_a_value() -> None:
    """Directions of a one-hot value may all be shifted; what is active when may not."""
    stream = activations(ROTATED, 2, CASE.clean)
    features = named_features(ROTATED, 2, CASE.clean)
    true = np.stack([stream @ f.direction for f in features], axis=1)
    scores = score_activity(features, stream, 5 - 2 * true)
    assert scores.mean == pytest.approx(1)
    assert scores.recall == scores.precision == 1
    noise = np.random.default_rng(0).standard_normal((len(stream), 3))
    assert score_activity(features, stream, noise).recall == 0
    with pytest.raises(shoal.InvalidInputError, match="nothing to compare"):
        score_activity(features, stream, true[1:])


def test_what_never_changes_is_no_feature() -> None:
    labels = {f.label for f in named_features(CASE.model, 0, [["a", "b"]])}
    assert labels == {"tokens:a", "tokens:b"}


def test_what_does_not_fit_is_refused() -> None:
    features = named_features(CASE.model, 2, CASE.clean)
    with pytest.raises(shoal.InvalidInputError, match="have 3 entries, and the stream has"):
        score_features(features, np.zeros((1, 3)))
    with pytest.raises(shoal.InvalidInputError, match="nothing to compare"):
        score_features(features, np.zeros(3))
    with pytest.raises(shoal.InvalidInputError, match="no half-layer 9"):
        named_features(CASE.model, 9, CASE.clean)
    zero = score_features(features, np.zeros((1, CASE.model.d_model)))
    assert zero.mean == 0
