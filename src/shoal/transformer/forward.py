"""The forward pass in NumPy: the reference for every other backend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shoal.transformer.weights import Array, LayerWeights, Weights

MASKED = np.float32(-1e30)
"""The logit of keys that may not be seen."""


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """What a forward pass computes.

    Attributes:
        residuals: the stream [batch, positions, d_model] after each half-layer.
        layer_outputs: what each half-layer adds to it, likewise.
        attn_logits: [batch, heads, queries, keys] of each layer, after masking.
        input_embeddings: the stream before half-layer 0.
        result: [batch, positions, coordinates of the result].
    """

    residuals: tuple[Array, ...]
    layer_outputs: tuple[Array, ...]
    attn_logits: tuple[Array, ...]
    input_embeddings: Array
    result: Array


def forward(weights: Weights, ids: npt.NDArray[np.int32], pad: int) -> ForwardPass:
    """Run a transformer in single precision.

    Args:
        weights: the transformer.
        ids: [batch, positions], token numbers; the first column is BOS.
        pad: the number of PAD, which is never attended to.
    """
    positions = ids.shape[1]
    visible = (ids != pad)[:, None, None, :]
    if weights.causal:
        visible = visible & np.tri(positions, dtype=bool)
    stream: Array = weights.token_embedding[ids] + weights.position_embedding[:positions]
    embeddings = stream
    residuals, outputs, all_logits = [], [], []
    for layer in weights.layers:
        update, logits = _attention(layer, weights, stream, visible)
        stream = stream + update
        residuals.append(stream)
        outputs.append(update)
        all_logits.append(logits)
        hidden = np.maximum(stream @ layer.hidden_w + layer.hidden_b, np.float32(0))
        update = hidden @ layer.mlp_output_w + layer.mlp_output_b
        stream = stream + update
        residuals.append(stream)
        outputs.append(update)
    result: Array = stream @ weights.unembedding_w + weights.unembedding_b
    return ForwardPass(tuple(residuals), tuple(outputs), tuple(all_logits), embeddings, result)


def _attention(
    layer: LayerWeights, weights: Weights, stream: Array, visible: npt.NDArray[np.bool_]
) -> tuple[Array, Array]:
    batch, positions, _ = stream.shape
    heads = weights.sizes.num_heads

    def split(x: Array) -> Array:
        return x.reshape(batch, positions, heads, -1).transpose(0, 2, 1, 3)

    query = split(stream @ layer.query_w + layer.query_b)
    key = split(stream @ layer.key_w + layer.key_b)
    value = split(stream @ layer.value_w + layer.value_b)
    logits = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(weights.sizes.key_size))
    logits = np.where(visible, logits, MASKED).astype(np.float32)
    scores = np.exp(logits - logits.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    mixed = (scores @ value).transpose(0, 2, 1, 3).reshape(batch, positions, -1)
    return mixed @ layer.output_w + layer.output_b, logits
