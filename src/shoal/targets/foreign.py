"""The same function in the shapes that other people's transformers allow.

Their heads have one size for keys and values, they do not mask PAD by themselves, and their
unembedding is one affine map, with an argmax after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shoal import arrays
from shoal.arrays import Float
from shoal.craft.architecture import PLAIN
from shoal.errors import InvalidInputError
from shoal.forms.form import with_none
from shoal.rasp.values import show_value
from shoal.targets.target import Runnable
from shoal.transformer.encoders import OutputDecoder
from shoal.transformer.weights import Array, LayerWeights, Sizes, Weights, with_free_column

_KEPT_AWAY = 2.0**20
"""How far the score of PAD is below all others; e to the minus that is 0."""

_LARGEST_HEAD = 4096


def exact_head_size(least: int) -> int:
    """The least power of 16 that is large enough.

    Attention divides by the root of the size, and PyTorch's plain kernel multiplies queries and
    keys by the inverse of its *fourth* root each. Only for powers of 16 are both powers of two,
    which round nothing.

    Raises:
        InvalidInputError: the size would be absurd.
    """
    size = 1
    while size < least:
        size *= 16
    if size > _LARGEST_HEAD:
        raise InvalidInputError(
            f"its heads have {least:,} dimensions, and {size:,} would be needed for exact "
            "arithmetic; map keys and queries to fewer values, or use the target torch"
        )
    return size


def with_heads_of(weights: Weights, size: int) -> Weights:
    """The same function with keys and values of one size, filled up with zeros."""
    old = weights.sizes
    factor = np.sqrt(size) / np.sqrt(old.key_size)  # attention will divide by the new root

    def columns(matrix: Array, least: int, scale: float = 1.0) -> Array:
        """[..., heads * least] to [..., heads * size]."""
        heads = matrix.reshape(*matrix.shape[:-1], old.num_heads, least).astype(np.float64) * scale
        wide = [(0, 0)] * (heads.ndim - 1) + [(0, size - least)]
        return np.pad(heads, wide).reshape(*matrix.shape[:-1], -1).astype(np.float32)

    layers = tuple(
        replace(
            layer,
            query_w=columns(layer.query_w, old.key_size, factor),
            query_b=columns(layer.query_b, old.key_size, factor),
            key_w=columns(layer.key_w, old.key_size),
            key_b=columns(layer.key_b, old.key_size),
            value_w=columns(layer.value_w, old.value_size),
            value_b=columns(layer.value_b, old.value_size),
            output_w=columns(layer.output_w.T, old.value_size).T,
        )
        for layer in weights.layers
    )
    return replace(weights, sizes=replace(old, key_size=size, value_size=size), layers=layers)


def with_pad_kept_away(weights: Weights, pad: int) -> Weights:
    """The same function where nobody masks PAD: its keys score far below all others.

    One more column of the stream says that a token is PAD, and one more dimension of the keys of
    each head passes that on.

    Args:
        weights: a model.
        pad: the number of PAD.
    """
    wide = with_free_column(weights)
    wide.token_embedding[pad, -1] = 1.0
    sizes = replace(wide.sizes, key_size=wide.sizes.key_size + 1)
    layers = tuple(_with_pad_dimension(layer, wide.sizes) for layer in wide.layers)
    return replace(wide, sizes=sizes, layers=layers)


def _with_pad_dimension(layer: LayerWeights, sizes: Sizes) -> LayerWeights:
    """One more dimension of the keys, which is the last column; queries have it very negative.

    Args:
        layer: whose keys do not read the last column yet.
        sizes: of it.
    """
    root = np.sqrt(sizes.key_size + 1)
    scale = root / np.sqrt(sizes.key_size)  # attention will divide by the new root

    def wide(matrix: Array, last: float = 0.0, factor: float = 1.0) -> Array:
        """[..., heads * size] to [..., heads * (size + 1)]."""
        heads = matrix.reshape(*matrix.shape[:-1], sizes.num_heads, -1).astype(np.float64) * factor
        more = np.full((*heads.shape[:-1], 1), last)
        joined = np.concatenate([heads, more], axis=-1).reshape(*matrix.shape[:-1], -1)
        return joined.astype(np.float32)

    key_w = wide(layer.key_w)
    key_w.reshape(sizes.d_model, sizes.num_heads, -1)[-1, :, -1] = 1.0
    return replace(
        layer,
        query_w=wide(layer.query_w, factor=scale),
        query_b=wide(layer.query_b, last=-_KEPT_AWAY * root, factor=scale),
        key_w=key_w,
        key_b=wide(layer.key_b),
    )


def require_plain(weights: Weights, target: str) -> None:
    """Refuse transformers that the target would run as if they had no norm.

    Raises:
        InvalidInputError: says of which architecture it is.
    """
    if weights.architecture != PLAIN:
        raise InvalidInputError(
            f"the target {target} holds plain transformers alone, and this model's architecture is "
            f"{weights.architecture.name!r}; use another target"
        )


@dataclass(frozen=True, eq=False)
class Readout:
    """An affine map from the stream at the end to logits, or to a number.

    Attributes:
        matrix: [d_model, logits].
        bias: [logits].
    """

    matrix: Float[arrays.Array, "columns logits"]
    bias: Float[arrays.Array, " logits"]


def readout(model: Runnable) -> Readout:
    """Unembedding and decoding in one: 2 c.x - |c|^2 of each code c, and 0 for None.

    Raises:
        InvalidInputError: in single precision it would not tell all values apart.
    """
    weights, decoder = model.weights, model.output_encoder
    matrix = weights.unembedding_w.astype(np.float64)
    bias = weights.unembedding_b.astype(np.float64)
    if decoder.codes is None:
        return Readout(matrix, bias)
    table = with_none(decoder.codes, decoder.nullable)
    middle = (table.max(axis=0, initial=0) + table.min(axis=0, initial=0)) / 2
    table = table - middle  # logits all change by as much, and are smaller
    _require_apart(decoder, table, matrix, middle)
    return Readout(2 * matrix @ table.T, 2 * (bias - middle) @ table.T - (table**2).sum(axis=1))


def _require_apart(
    decoder: OutputDecoder,
    table: Float[arrays.Array, "codes coordinates"],
    matrix: Float[arrays.Array, "columns coordinates"],
    middle: Float[arrays.Array, " coordinates"],
) -> None:
    """Refuse codes that float32 may not tell apart by their logits.

    At a code c the logit of c' is |c - c'|^2 below that of c. Lowering leaves half of that to what
    the stream is off; half of the rest must bear the rounding of both sums, each about sqrt(n)
    units in the last place of the sum of all absolute values (Higham and Mary, 2019). Columns of
    the stream that are read are shares or digits, so that the absolute values of a coordinate sum
    up to no more than the largest code or entry of the matrix.

    Args:
        decoder: has the values, for messages.
        table: the codes, less their middle.
        matrix: the unembedding.
        middle: of the codes.
    """
    if not np.setdiff1d(table, (-0.5, 0.5)).size:
        return
    largest = np.maximum(np.abs(table + middle), np.abs(matrix).max(axis=0, initial=0)).max(axis=0)
    sizes = 2 * np.abs(table) @ (largest + np.abs(middle)) + (table**2).sum(axis=1)
    off = np.sqrt(np.count_nonzero(matrix) + 2) * 2.0**-24 * sizes
    for number, code in enumerate(table[:-1]):
        others = slice(number + 1, None)
        short = off[number] + off[others] - ((table[others] - code) ** 2).sum(axis=1) / 4
        if short.max() > 0:
            other = number + 1 + int(short.argmax())
            one, two = (show_value(decoder.choices[i]) for i in (number, other))
            raise InvalidInputError(
                f"its results {one} and {two} are too close for an unembedding in float32 to tell "
                "apart; use the target torch or onnx, which decode in double precision, or "
                "annotate the result with rasp.numerical"
            )
