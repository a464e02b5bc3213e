"""Products of matrices that are rounded alike by whatever processor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import shoal.lowering.synthesis.in_order as in_order


@given(rows=st.integers(0, 9), terms=st.integers(1, 30), columns=st.integers(1, 9), seed=st.data())
def test_sums_leave_out_zeros_and_keep_their_order(
    rows: int, terms: int, columns: int, seed: st.DataObject
) -> None:
    numbers = np.random.default_rng(seed.draw(st.integers(0, 2**32)))
    left = numbers.normal(size=(rows, terms)).astype(np.float32)
    right = numbers.normal(size=(terms, columns)).astype(np.float32)
    right *= numbers.random(size=right.shape) < 1 / 8
    wanted = np.zeros((rows, columns), dtype=np.float32)
    for term in range(terms):
        wanted += left[:, [term]] * right[term]
    dense = in_order.product_in_order(left, right)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(in_order, "_LARGE", 0)
        patched.setattr(in_order, "_FEW", 1)
        sparse = in_order.product_in_order(left, right)
    assert dense.dtype == sparse.dtype == np.float32
    np.testing.assert_array_equal(sparse, wanted)
    np.testing.assert_allclose(dense, wanted, rtol=0, atol=1e-5)
