"""Neurons that write nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shoal.craft.affine import AffineMap
from shoal.craft.bases import Space
from shoal.craft.components import MLP


def without_idle(mlp: MLP) -> MLP:
    """An MLP without the neurons that write nothing."""
    kept = np.flatnonzero(mlp.output.matrix.any(axis=1))
    if len(kept) == mlp.size:
        return mlp
    neurons = Space(tuple(mlp.hidden.target.directions[i] for i in kept))
    hidden, output = mlp.hidden, mlp.output
    return replace(
        mlp,
        hidden=AffineMap(hidden.source, neurons, hidden.matrix[:, kept], hidden.bias[kept]),
        output=AffineMap(neurons, output.target, output.matrix[kept], output.bias),
    )
