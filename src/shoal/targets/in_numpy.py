"""The forward pass in NumPy: the reference for every other target."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Int
from shoal.targets.target import ForwardPass, Runnable, Runner
from shoal.transformer.weights import LayerWeights, Weights

MASKED = np.float32(-1e30)
"""The logit of keys that may not be seen."""


def runner(model: Runnable) -> Runner:
    """Run a model as it is."""
    pad = model.input_encoder.pad_encoding

    def run(ids: npt.NDArray[Any]) -> ForwardPass:
        passed = forward(model.weights, ids, pad)
        return replace(passed, logits=model.output_encoder.logits(passed.result))

    return run


def forward(weights: Weights, ids: Int[Array, "batch positions"], pad: int) -> ForwardPass:
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
    seen = weights.architecture.seen
    residuals, outputs, all_logits = [], [], []
    for layer in weights.layers:
        update, logits = _attention(layer, weights, seen(stream), visible)
        stream = stream + update
        residuals.append(stream)
        outputs.append(update)
        all_logits.append(logits)
        hidden = np.maximum(seen(stream) @ layer.hidden_w + layer.hidden_b, np.float32(0))
        update = hidden @ layer.mlp_output_w + layer.mlp_output_b
        stream = stream + update
        residuals.append(stream)
        outputs.append(update)
    result: Array = seen(stream) @ weights.unembedding_w + weights.unembedding_b
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
