"""From coordinates to classes: the nearest code, as an affine function and an argmax."""

from __future__ import annotations

import numpy as np

from shoal.arrays import Array, Float


def code_logits(
    coordinates: Float[Array, "*positions coordinates"],
    codes: Float[Array, "classes coordinates"],
    nullable: bool,
) -> Float[Array, "*positions choices"]:
    """How near each code is: [..., classes], and None after them if there is None.

    The nearest code c to x has the greatest 2 c.x - |c|^2, since |x - c|^2 is |x|^2 less that. None
    is the zero vector.

    Args:
        coordinates: [..., coordinates].
        codes: [classes, coordinates].
        nullable: whether there is None.
    """
    table = np.vstack([codes, np.zeros((int(nullable), codes.shape[1]))])
    logits = 2 * coordinates.astype(np.float64) @ table.T - (table**2).sum(axis=1)
    return np.asarray(logits)
