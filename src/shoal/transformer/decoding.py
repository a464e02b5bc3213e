"""From coordinates to classes: the nearest code, as an affine function and an argmax."""

from __future__ import annotations

import numpy as np

from shoal.arrays import Array, Float
from shoal.forms.form import with_none


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
    matrix, bias = code_affine(codes, nullable)
    return np.asarray(coordinates.astype(np.float64) @ matrix + bias)


def code_affine(
    codes: Float[Array, "classes coordinates"], nullable: bool
) -> tuple[Float[Array, "coordinates choices"], Float[Array, " choices"]]:
    """Matrix and bias by which coordinates become logits: 2 c.x - |c|^2, and 0 for None."""
    table = with_none(codes, nullable)
    return 2 * table.T, -(table**2).sum(axis=1)
