"""A plain transformer as GPT-2, whose LayerNorms then do nothing.

With an epsilon far above any variance LayerNorm divides by a power of two, and its weight
multiplies by it again. What it subtracts, the mean of all columns, has to be 0, or not to matter:

* *pairs*: each column is held as x and -x, and read as (x - x') / 2, from which any mean cancels;
* *balance*: one column holds minus the sum of all others. That is cheaper, and exact where every
  column is a multiple of a step small enough to be added up without rounding. Averages are not, so
  it is taken for models that attend to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from shoal.contract import EXACT
from shoal.craft.fitting import grid_step
from shoal.errors import InvalidInputError
from shoal.targets.foreign import exact_head_size, with_heads_of, with_pad_kept_away
from shoal.transformer.weights import Array, LayerWeights, Weights

Scheme = Literal["pairs", "balance"]

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
        scheme: how the mean is kept out.
        reading: [columns of the model, n_embd], which turns a reading of the model's stream, and of
            a constant 1 below it, into one of GPT-2's.
    """

    arrays: dict[str, Array]
    n_embd: int
    n_head: int
    n_inner: int
    epsilon: float
    scheme: Scheme
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
    scheme: Scheme = "balance" if _is_on_a_grid(weights) else "pairs"
    wanted = sizes.d_model + 1  # and a constant for the head's bias
    needed = 2 * wanted if scheme == "pairs" else wanted + 1
    n_head = max(sizes.num_heads, -(-needed // size))
    writing, reading = _maps(scheme, wanted, n_head * size)
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
    return GPT2Weights(
        arrays, n_head * size, n_head, sizes.mlp_hidden_size, root**2, scheme, reading
    )


def _root_of_epsilon(largest: float) -> float:
    """A power of two so far above the stream that its variance does not count."""
    exponent = max(40, int(np.ceil(np.log2(max(largest, 1.0)))) + _PER_BITS)
    if exponent > _LARGEST_EXPONENT:
        raise InvalidInputError(
            f"its stream holds numbers up to {largest:.3g}, beside which LayerNorm cannot be kept "
            "from changing anything; use smaller numbers, or the target torch or onnx"
        )
    return float(2.0**exponent)


def _maps(
    scheme: Scheme, wanted: int, n_embd: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """How a column is written, and how it is read: two matrices [wanted, n_embd]."""
    writing, reading = np.zeros((wanted, n_embd)), np.zeros((wanted, n_embd))
    columns = np.arange(wanted)
    if scheme == "balance":
        writing[columns, columns] = reading[columns, columns] = 1.0
        writing[:-1, wanted] = -1.0  # the constant comes after the norm
        return writing, reading
    writing[columns, 2 * columns], writing[columns, 2 * columns + 1] = 1.0, -1.0
    return writing, writing / 2


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


def _is_on_a_grid(weights: Weights) -> bool:
    """Whether no head writes anything, and every sum is exact in whatever order.

    Followed are, for each column, a step that it is a multiple of, and its largest absolute value.
    """
    if any(layer.output_w.any() or layer.output_b.any() for layer in weights.layers):
        return False
    tokens, places = weights.token_embedding, weights.position_embedding
    steps = np.minimum(grid_step(tokens.astype(float)), grid_step(places.astype(float)))
    sizes = np.abs(tokens).max(axis=0) + np.abs(places).max(axis=0)
    for layer in weights.layers:
        hidden = _affine(steps, sizes, layer.hidden_w, layer.hidden_b)
        written = _affine(*hidden, layer.mlp_output_w, layer.mlp_output_b)
        steps, sizes = np.minimum(steps, written[0]), sizes + written[1]
    return bool((steps > 0).all() and sizes.sum() <= EXACT * steps.min())


def _affine(
    steps: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64], matrix: Array, bias: Array
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The same of ``x @ matrix + bias``; a step of 0 where something may be rounded."""
    entries = grid_step(matrix.reshape(1, -1).astype(float)).reshape(matrix.shape)
    products = np.where(matrix == 0, 1.0, steps[:, None] * entries)
    step = np.minimum(products.min(axis=0, initial=1.0), grid_step(bias[None].astype(float)))
    size = sizes @ np.abs(matrix) + np.abs(bias)
    return np.where(size <= EXACT * step, step, 0.0), size
