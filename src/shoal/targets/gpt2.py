"""A plain transformer as GPT-2, whose LayerNorms then do nothing.

With an epsilon far above any variance LayerNorm divides by a power of two, and its weight
multiplies by it again. What it subtracts, the mean of all columns, must not matter: each column is
held as x and -x, and read as (x - x') / 2, from which any mean cancels.

A single column that holds minus the sum of all others would be cheaper, and does not do: PyTorch
computes means by running updates with divisions, so that the mean of 1, -1 and zeros comes out as
1e-8, which a reader with large weights notices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.errors import InvalidInputError
from shoal.targets.foreign import exact_head_size, with_heads_of, with_pad_kept_away
from shoal.transformer.weights import Array, LayerWeights, Weights

_LARGEST_EXPONENT = 60
"""Of the root of epsilon; epsilon itself and the variances beside it must be finite in float32."""

_PER_BITS = 13
"""The variance is lost in epsilon if the stream is below the root of epsilon by so many bits."""


@dataclass(frozen=True, eq=False)
class GPT2Weights:
    """All that a GPT-2 needs but its head.

    Attributes:
        arrays: by the names of GPT-2's state dict, without ``transformer.``.
        n_embd: columns; heads times the size of a head.
        n_head: heads of a layer, some of which do nothing.
        n_inner: neurons of an MLP.
        epsilon: of all LayerNorms.
        reading: [columns of the model, n_embd], which turns a reading of the model's stream, and of
            a constant 1 below it, into one of GPT-2's.
    """

    arrays: dict[str, Array]
    n_embd: int
    n_head: int
    n_inner: int
    epsilon: float
    reading: npt.NDArray[np.float64]


def gpt2_weights(weights: Weights, pad: int, largest: float) -> GPT2Weights:
    """The weights of a GPT-2 that computes the same.

    Args:
        weights: a plain transformer.
        pad: the number of PAD.
        largest: no column of the stream is ever larger.

    Raises:
        InvalidInputError: the stream holds numbers that are too large, or its heads do.
    """
    root = _root_of_epsilon(largest)
    weights = with_pad_kept_away(weights, pad)
    sizes = weights.sizes
    size = exact_head_size(max(sizes.key_size, sizes.value_size))
    weights = with_heads_of(weights, size)
    wanted = sizes.d_model + 1  # and a constant for the head's bias
    n_head = max(sizes.num_heads, -(-2 * wanted // size))
    writing = np.zeros((wanted, n_head * size))
    columns = np.arange(wanted)
    writing[columns, 2 * columns], writing[columns, 2 * columns + 1] = 1.0, -1.0
    reading = writing / 2
    own = writing[:-1]
    arrays = {
        "wte.weight": _single(weights.token_embedding @ own),
        "wpe.weight": _single(weights.position_embedding @ own),
    }
    for number, layer in enumerate(weights.layers):
        made = _layer(layer, own, reading[:-1], sizes.num_heads * size, n_head * size)
        arrays |= {f"h.{number}.{name}": array for name, array in made.items()}
    norms = [f"h.{n}.{norm}" for n in range(len(weights.layers)) for norm in ("ln_1", "ln_2")]
    for norm in (*norms, "ln_f"):
        arrays[f"{norm}.weight"] = np.full(n_head * size, root, np.float32)
        arrays[f"{norm}.bias"] = np.zeros(n_head * size, np.float32)
    arrays["ln_f.bias"] = _single(writing[-1])
    return GPT2Weights(arrays, n_head * size, n_head, sizes.mlp_hidden_size, root**2, reading)


def _root_of_epsilon(largest: float) -> float:
    """A power of two so far above the stream that its variance does not count."""
    exponent = max(40, int(np.ceil(np.log2(max(largest, 1.0)))) + _PER_BITS)
    if exponent > _LARGEST_EXPONENT:
        raise InvalidInputError(
            f"its stream holds numbers up to {largest:.3g}, beside which LayerNorm cannot be kept "
            "from changing anything; use smaller numbers, or the target torch or onnx"
        )
    return float(2.0**exponent)


def _layer(
    layer: LayerWeights,
    writing: npt.NDArray[np.float64],
    reading: npt.NDArray[np.float64],
    used: int,
    width: int,
) -> dict[str, Array]:
    """One layer; heads that are not used have zeros."""

    def heads(matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.pad(matrix, ((0, 0), (0, width - used)))

    def read(matrix: Array) -> npt.NDArray[np.float64]:
        return np.asarray(reading.T @ matrix.astype(np.float64))

    queries = [(layer.query_w, layer.query_b), (layer.key_w, layer.key_b)]
    parts = [*queries, (layer.value_w, layer.value_b)]
    return {
        "attn.c_attn.weight": _single(np.hstack([heads(read(w)) for w, _ in parts])),
        "attn.c_attn.bias": _single(np.hstack([heads(b[None])[0] for _, b in parts])),
        "attn.c_proj.weight": _single(heads((layer.output_w @ writing).T).T),
        "attn.c_proj.bias": _single(layer.output_b @ writing),
        "mlp.c_fc.weight": _single(read(layer.hidden_w)),
        "mlp.c_fc.bias": layer.hidden_b,
        "mlp.c_proj.weight": _single(layer.mlp_output_w @ writing),
        "mlp.c_proj.bias": _single(layer.mlp_output_b @ writing),
    }


def _single(array: npt.NDArray[np.float64]) -> Array:
    return array.astype(np.float32)
