"""Compiled models whose weights are off at random, as no compiler would make them."""

from __future__ import annotations

from math import isfinite

import numpy as np

from shoal.errors import InvalidInputError
from shoal.model import Model
from shoal.rasp.values import show_value
from shoal.transformer.weights import Array
from shoal_analysis.lab.realism.changes import over_arrays, with_weights
from shoal_analysis.lab.realism.seeds import require_seed


def noise(model: Model, scale: float, seed: int = 0) -> Model:
    """The model with Gaussian noise on all weights; how far it still holds, ``circuit_holds`` says.

    Args:
        model: compiled, rotated, or with other weights already.
        scale: the standard deviation of the noise, relative to the root mean square of the matrix
            or bias that it is on. What is 0 throughout stays so.
        seed: of the noise; the same seed gives the same weights.

    Raises:
        InvalidInputError: the scale is no number from 0 on, there is no such seed, or the model has
            no atlas.
    """
    require_seed(seed)
    is_number = isinstance(scale, int | float) and not isinstance(scale, bool)
    if not (is_number and isfinite(scale) and scale >= 0):
        raise InvalidInputError(
            f"the scale of noise is a number from 0 on, such as 0.01, and not {show_value(scale)}"
        )
    if not isinstance(model, Model):
        raise InvalidInputError(
            f"noise is put on models with an atlas, and {show_value(model)} has none; compile one, "
            "or load one from a .safetensors file"
        )
    generator = np.random.default_rng(seed)

    def change(array: Array) -> Array:
        size = np.sqrt(np.mean(np.square(array, dtype=np.float64))) if array.size else 0.0
        off = scale * size * generator.standard_normal(array.shape)
        return (array + off).astype(np.float32)

    what = f"with noise of {scale:g} by the seed {seed}"
    return with_weights(model, over_arrays(model.weights, change), what)
