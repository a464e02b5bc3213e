"""Maps that are given and fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal.errors import InvalidInputError
from shoal_analysis.lab.transplants import LinearMap, fit_discriminant, fit_map
from shoal_analysis.lab.transplants.maps import reading_unembedding, writing_unembedding


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 4))
def test_an_affine_map_is_found_again(seed: int, dimensions: int, results: int) -> None:
    generator = np.random.default_rng(seed)
    wanted = LinearMap(generator.normal(size=(dimensions, results)), generator.normal(size=results))
    sources = generator.normal(size=(100, dimensions))
    fit = fit_map(sources, wanted(sources), ridge=0.0)
    assert np.allclose(fit.map.matrix, wanted.matrix, atol=1e-8)
    assert np.allclose(fit.map.bias, wanted.bias, atol=1e-8)
    assert fit.r_squared == pytest.approx(1.0)
    assert fit.rows == 20


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_map_has_smaller_squares(seed: int) -> None:
    generator = np.random.default_rng(seed)
    sources, targets = generator.normal(size=(60, 3)), generator.normal(size=(60, 2))
    found = fit_map(sources, targets, ridge=0.0).map
    other = LinearMap(
        found.matrix + 0.1 * generator.normal(size=(3, 2)), found.bias + generator.normal(size=2)
    )
    fitted_on = np.arange(60) % 5 != 4
    squares = [
        ((each(sources[fitted_on]) - targets[fitted_on]) ** 2).sum() for each in (found, other)
    ]
    assert squares[0] < squares[1]


def test_noise_that_nothing_explains_is_not_explained() -> None:
    generator = np.random.default_rng(0)
    fit = fit_map(generator.normal(size=(500, 4)), generator.normal(size=(500, 3)))
    assert fit.r_squared is not None
    assert fit.r_squared < 0.1
    assert fit.accuracy is None


def on_a_line() -> tuple[Any, Any]:
    """Five values along a line, of which least squares tells the outer ones alone."""
    generator = np.random.default_rng(0)
    numbers = generator.integers(0, 5, size=1_000)
    line = (numbers + 0.1 * generator.normal(size=1_000))[:, None] @ np.array([[1.0, -2.0, 0.5]])
    return line + 0.01 * generator.normal(size=line.shape), np.eye(5)[numbers]


def test_a_discriminant_tells_what_lies_between() -> None:
    activations, values = on_a_line()
    discriminant, squares = fit_discriminant(activations, values), fit_map(activations, values)
    assert discriminant.accuracy == 1.0
    assert discriminant.r_squared is None
    assert squares.accuracy is not None
    assert squares.accuracy < 0.7


def test_a_discriminant_tells_what_never_varies() -> None:
    rows = np.arange(200) % 4
    assert (
        fit_discriminant(
            np.random.default_rng(0).normal(size=(4, 8))[rows], np.eye(4)[rows]
        ).accuracy
        == 1.0
    )


def test_tensors_are_taken_as_they_are() -> None:
    torch = pytest.importorskip("torch")
    sources = torch.randn(50, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert fit_map(sources, 2 * sources).map.matrix == pytest.approx(2 * np.eye(3), abs=1e-4)


def test_a_fit_says_how_good_it_is() -> None:
    activations, values = on_a_line()
    assert repr(fit_discriminant(activations, values)) == (
        "<Fit: 100.0% of values right on 200 rows held out>"
    )
    assert repr(fit_map(activations, activations)) == "<Fit: R^2 1.000 on 200 rows held out>"


def test_logits_read_and_write_values() -> None:
    unembedding = np.random.default_rng(0).normal(size=(8, 3))
    assert reading_unembedding(unembedding)(np.eye(8)).shape == (8, 3)
    written = writing_unembedding(unembedding, 5.0)(np.eye(3))
    assert written @ unembedding == pytest.approx(5.0 * np.eye(3))


@pytest.mark.parametrize(
    ("matrix", "bias", "says"),
    [
        ([[1.0, 2.0]], [1.0], "it may have to be transposed"),
        ([1.0, 2.0], None, r"shape \(2,\)"),
        ([["a"]], None, "no array of numbers"),
        ([[float("nan")]], None, "not finite"),
    ],
)
def test_what_is_no_map_is_refused(matrix: Any, bias: Any, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        LinearMap(matrix, bias)


@pytest.mark.parametrize(
    ("sources", "targets", "ridge", "says"),
    [
        (np.ones((20, 2)), np.ones((19, 2)), 0.0, "20 rows of sources and 19 of targets"),
        (np.ones((9, 2)), np.ones((9, 2)), 0.0, "too few"),
        (np.ones((20, 3, 2)), np.ones((20, 2)), 0.0, "2 axes"),
        (np.ones((20, 2)), np.ones((20, 2)), -1.0, "ridge is -1.0"),
        (np.full((20, 2), np.inf), np.ones((20, 2)), 0.0, "not finite"),
    ],
)
def test_rows_that_nothing_can_be_fitted_on_are_refused(
    sources: Any, targets: Any, ridge: float, says: str
) -> None:
    with pytest.raises(InvalidInputError, match=says):
        fit_map(sources, targets, ridge)


def test_a_discriminant_needs_categories_that_occur() -> None:
    sources = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(InvalidInputError, match="not one-hot"):
        fit_discriminant(sources, sources)
    with pytest.raises(InvalidInputError, match=r"value 1 of 2 .counted from 0. is in none"):
        fit_discriminant(sources, np.eye(2)[np.zeros(20, dtype=int)])
