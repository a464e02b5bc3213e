"""Different rows are found as by ``numpy.unique``."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from shoal.rows import MOST_COLUMNS, different_rows

FEW = st.sampled_from([-1.0, 0.0, 0.5])


@given(arrays(float, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=6), elements=FEW))
def test_different_rows_are_those_of_numpy(rows: np.ndarray) -> None:
    first, which = different_rows(rows)
    different, expected, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    assert np.array_equal(rows[first], different)
    assert np.array_equal(first, expected)
    assert np.array_equal(which, inverse.ravel())


def test_long_rows_are_found_as_well() -> None:
    rows = np.random.default_rng(0).integers(0, 2, (5, MOST_COLUMNS + 1))
    first, which = different_rows(np.vstack([rows, rows]))
    assert sorted(first.tolist()) == [0, 1, 2, 3, 4]
    assert np.array_equal(which[:5], which[5:])
