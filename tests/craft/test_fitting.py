"""What matrices have in common is found exactly."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shoal.craft.fitting import fit_affine, grid_step, power_of_two_above, without_noise

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


def test_numbers_on_a_grid_lose_their_rounding_and_others_are_left_alone() -> None:
    numbers = np.array([2.000000000000001, 0.75 - 1e-16, 1 / 3, 2.7e-17, 3e-30])
    assert without_noise(numbers).tolist() == [2.0, 0.75, 1 / 3, 0.0, 0.0]
    sizes = np.array([[1.0], [1e30]])
    assert without_noise(np.array([[3e-30], [3e-30]]), sizes).tolist() == [[0.0], [3e-30]]


@given(st.integers(-30, 30), st.integers(-4, 4))
def test_powers_of_two_are_not_doubled_by_rounding(exponent: int, ulps: int) -> None:
    power = 2.0**exponent
    assert power_of_two_above(np.array(power * (1 + ulps * 2.0**-52))) == power
    assert power_of_two_above(np.array(power * 1.001)) == 2 * power
