"""Models with other weights than those that were compiled, and atlases that say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

from shoal.atlas.basis import WEIGHTS
from shoal.model import Model
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


def with_weights(model: Model, weights: Weights, what: str) -> Model:
    """The model with other weights.

    Args:
        model: whose weights are changed.
        weights: the new ones.
        what: was done to them, which the atlas then says, after what it says already.
    """
    before = model.atlas.claims.get(WEIGHTS)
    claims = {**model.atlas.claims, WEIGHTS: what if before is None else f"{before}, then {what}"}
    atlas = replace(model.atlas, claims=claims)
    return Model(weights, model.input_encoder, model.output_encoder, model.stages, atlas)
