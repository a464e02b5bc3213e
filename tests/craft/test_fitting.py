"""What matrices have in common is found exactly."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shoal.craft.fitting import fit_affine, grid_step

multiples = st.builds(
    lambda whole, exponent: whole * 2.0**exponent, st.integers(-(2**30), 2**30), st.integers(-24, 6)
)


@given(st.lists(multiples, max_size=6))
def test_a_grid_is_the_coarsest_that_holds_all_numbers(numbers: list[float]) -> None:
    step = float(grid_step(np.array(numbers)[:, None])[0])
    grids = [2.0**-exponent for exponent in range(21)]
    assert step == next((g for g in grids if all(x % g == 0 for x in numbers)), 0.0)


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_affine_functions_are_found(inputs: int, outputs: int, rows: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    points = generator.integers(-4, 5, (rows, inputs)).astype(float)
    matrix, bias = generator.integers(-3, 4, (inputs, outputs)), generator.integers(-3, 4, outputs)
    fitted = fit_affine(points, (points @ matrix + bias).astype(float))
    assert fitted is not None
    assert np.allclose(points @ fitted[0] + fitted[1], points @ matrix + bias)


def test_what_is_not_affine_is_not_fitted() -> None:
    points = np.array([[0.0], [1.0], [2.0]])
    assert fit_affine(points, points**2) is None
