"""Weights of which every array is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

from shoal.transformer.weights import Array, LayerWeights, Weights


def over_arrays(weights: Weights, change: Callable[[Array], Array]) -> Weights:
    """Weights with each array changed by itself, in a fixed order.

    Args:
        weights: of a transformer.
        change: from an array to one of the same shape.
    """

    def layer(old: LayerWeights) -> LayerWeights:
        return LayerWeights(**{f.name: change(getattr(old, f.name)) for f in fields(old)})

    return replace(
        weights,
        token_embedding=change(weights.token_embedding),
        position_embedding=change(weights.position_embedding),
        layers=tuple(map(layer, weights.layers)),
        unembedding_w=change(weights.unembedding_w),
        unembedding_b=change(weights.unembedding_b),
    )
