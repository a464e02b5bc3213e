"""Products of matrices whose sums are added up in the same order by whatever processor.

A library for matrices adds up in an order of its own for each kind of processor, and what is
decided by the last bits of a sum would depend on that.
"""

from __future__ import annotations

import numpy as np

from shoal.arrays import Array, Float

_LARGE = 2**20
"""Products of so many terms are worth looking for zeros."""

_FEW = 1 / 4
"""Of the terms; if no more are left without zeros, these are not added."""


def product_in_order(
    left: Float[Array, "rows terms"], right: Float[Array, "terms columns"]
) -> Float[Array, "rows columns"]:
    """``left @ right``, rounded alike by whatever processor; slower, unless right is sparse."""
    if len(left) * right.size >= _LARGE and np.count_nonzero(right) <= _FEW * right.size:
        from scipy.sparse import csr_array  # it takes a moment to import, and is rarely needed

        return np.asarray(left @ csr_array(right))
    return np.asarray(np.einsum("rt,tc->rc", left, right))
