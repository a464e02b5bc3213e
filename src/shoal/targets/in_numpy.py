"""The forward pass in NumPy: the reference for every other target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Int
from shoal.targets.target import ForwardPass, Runnable, Runner
from shoal.transformer.edits import Edit, edited, shown
from shoal.transformer.weights import LayerWeights, Weights
from shoal_solvers import ALTERNATING, Kind

MASKED = np.float32(-1e30)
"""The logit of keys that may not be seen."""


def runner(model: Runnable) -> Runner:
    """Run a model as it is."""
    pad = model.input_encoder.pad_encoding

    def run(ids: npt.NDArray[Any], edits: tuple[Edit, ...] = ()) -> ForwardPass:
        passed = forward(model.weights, ids, pad, edits)
        return replace(passed, logits=model.output_encoder.logits(passed.result))

    return run


def forward(
    weights: Weights, ids: Int[Array, "batch positions"], pad: int, edits: tuple[Edit, ...] = ()
) -> ForwardPass:
    """Run a transformer in single precision.

    Args:
        weights: the transformer.
        ids: [batch, positions], token numbers; the first column is BOS.
        pad: the number of PAD, which is never attended to.
        edits: of the stream, on the way.
    """
    positions = ids.shape[1]
    visible = (ids != pad)[:, None, None, :]
    if weights.causal:
        visible = visible & np.tri(positions, dtype=bool)
    stream: Array = weights.token_embedding[ids] + weights.position_embedding[:positions]
    stream = embeddings = edited(stream, edits, 0)
    seen = weights.architecture.seen
    residuals, outputs, all_logits = [], [], []
    for number, layer in enumerate(weights.layers):
        attention, mlp = (ALTERNATING.half_layer(number, kind) for kind in Kind)
        read = _Reading(stream, seen, attention, edits)
        update, logits = _attention(layer, weights, read, visible)
        stream = edited(stream + update, edits, attention + 1)
        residuals.append(stream)
        outputs.append(update)
        all_logits.append(logits)
        read = _Reading(stream, seen, mlp, edits)
        hidden = np.maximum(read("hidden", layer.hidden_w, layer.hidden_b), np.float32(0))
        update = hidden @ layer.mlp_output_w + layer.mlp_output_b
        stream = edited(stream + update, edits, mlp + 1)
        residuals.append(stream)
        outputs.append(update)
    read = _Reading(stream, seen, ALTERNATING.last_state(len(weights.layers)), edits)
    result = read("result", weights.unembedding_w, weights.unembedding_b)
    return ForwardPass(tuple(residuals), tuple(outputs), tuple(all_logits), embeddings, result)


@dataclass(frozen=True, eq=False)
class _Reading:
    """What the roles of a half-layer read of the stream; edits may show some of them another."""

    stream: Array
    seen: Callable[[Array], Array]
    half_layer: int
    edits: tuple[Edit, ...]

    def __call__(self, role: str, matrix: Array, bias: Array) -> Array:
        read: Array = self.seen(self.stream) @ matrix + bias
        streams = shown(self.stream, self.edits, self.half_layer, role)
        for units, stream in streams.items():
            columns = list(units)
            read[..., columns] = self.seen(stream) @ matrix[:, columns] + bias[columns]
        return read


def _attention(
    layer: LayerWeights, weights: Weights, read: _Reading, visible: npt.NDArray[np.bool_]
) -> tuple[Array, Array]:
    batch, positions, _ = read.stream.shape
    heads = weights.sizes.num_heads

    def split(x: Array) -> Array:
        return x.reshape(batch, positions, heads, -1).transpose(0, 2, 1, 3)

    query = split(read("query", layer.query_w, layer.query_b))
    key = split(read("key", layer.key_w, layer.key_b))
    value = split(read("value", layer.value_w, layer.value_b))
    logits = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(weights.sizes.key_size))
    logits = np.where(visible, logits, MASKED).astype(np.float32)
    scores = np.exp(logits - logits.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    mixed = (scores @ value).transpose(0, 2, 1, 3).reshape(batch, positions, -1)
    return mixed @ layer.output_w + layer.output_b, logits
