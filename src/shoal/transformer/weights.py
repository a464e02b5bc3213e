"""A transformer as plain NumPy arrays, printed from a craft model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shoal.craft.affine import AffineMap
from shoal.craft.architecture import PLAIN, Architecture
from shoal.craft.bases import Direction, Space
from shoal.craft.components import MLP, Component, Head
from shoal.craft.model import CraftModel
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.shown import shown_fields
from shoal_solvers import ALTERNATING, Kind

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sizes:
    """The shape of a transformer, the same for all layers.

    Attributes:
        num_layers: attention + MLP pairs.
        num_heads: heads of each attention half-layer.
        key_size: dimensions in which queries and keys of a head meet.
        value_size: dimensions of a head's value.
        d_model: width of the residual stream.
        mlp_hidden_size: neurons of each MLP.
    """

    num_layers: int
    num_heads: int
    key_size: int
    value_size: int
    d_model: int
    mlp_hidden_size: int


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """One layer; matrices act from the right, ``x @ w + b``.

    Attributes:
        query_w: [d_model, num_heads * key_size], scaled up by sqrt(key_size), which attention
            divides by.
        query_b: [num_heads * key_size].
        key_w: [d_model, num_heads * key_size].
        key_b: [num_heads * key_size].
        value_w: [d_model, num_heads * value_size].
        value_b: [num_heads * value_size].
        output_w: [num_heads * value_size, d_model].
        output_b: [d_model].
        hidden_w: [d_model, mlp_hidden_size].
        hidden_b: [mlp_hidden_size].
        mlp_output_w: [mlp_hidden_size, d_model].
        mlp_output_b: [d_model].
    """

    __repr__ = shown_fields

    query_w: Array
    query_b: Array
    key_w: Array
    key_b: Array
    value_w: Array
    value_b: Array
    output_w: Array
    output_b: Array
    hidden_w: Array
    hidden_b: Array
    mlp_output_w: Array
    mlp_output_b: Array


@dataclass(frozen=True, eq=False)
class Weights:
    """All weights of a transformer.

    Attributes:
        sizes: its shape.
        causal: whether attention is masked causally.
        token_embedding: [tokens + 2, d_model]; the last rows are BOS and PAD.
        position_embedding: [max_seq_len + 1, d_model].
        layers: one entry for each layer.
        unembedding_w: [d_model, coordinates of the result].
        unembedding_b: [coordinates of the result].
        architecture: what heads, neurons and the unembedding see of the stream.
    """

    __repr__ = shown_fields

    sizes: Sizes
    causal: bool
    token_embedding: Array
    position_embedding: Array
    layers: tuple[LayerWeights, ...]
    unembedding_w: Array
    unembedding_b: Array
    architecture: Architecture = PLAIN

    @property
    def num_parameters(self) -> int:
        """All entries of ``haiku_params``; the unembedding is none of them."""
        return sum(array.size for row in self.haiku_params().values() for array in row.values())

    def haiku_params(self) -> dict[str, dict[str, Array]]:
        """The weights under Tracr's Haiku names; without the unembedding."""
        params = {
            "token_embed": {"embeddings": self.token_embedding},
            "pos_embed": {"embeddings": self.position_embedding},
        }
        for number, layer in enumerate(self.layers):
            prefix = f"transformer/layer_{number}"
            params |= {
                f"{prefix}/attn/query": {"w": layer.query_w, "b": layer.query_b},
                f"{prefix}/attn/key": {"w": layer.key_w, "b": layer.key_b},
                f"{prefix}/attn/value": {"w": layer.value_w, "b": layer.value_b},
                f"{prefix}/attn/linear": {"w": layer.output_w, "b": layer.output_b},
                f"{prefix}/mlp/linear_1": {"w": layer.hidden_w, "b": layer.hidden_b},
                f"{prefix}/mlp/linear_2": {"w": layer.mlp_output_w, "b": layer.mlp_output_b},
            }
        return params


def with_free_column(weights: Weights) -> Weights:
    """The same function with one more column of the stream, which is 0 and which nobody reads."""

    def reads(matrix: Array) -> Array:
        return np.pad(matrix, ((0, 1), (0, 0)))

    def writes(array: Array) -> Array:
        return np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, 1)])

    sizes = replace(weights.sizes, d_model=weights.sizes.d_model + 1)
    return replace(_over_stream(weights, reads, writes), sizes=sizes)


def in_basis(weights: Weights, basis: npt.NDArray[np.float64], least: float = 0.0) -> Weights:
    """Weights for a stream that is multiplied by a matrix, and by its transpose where it is read.

    If the matrix is orthogonal they are the same function in exact arithmetic.

    Args:
        weights: a plain transformer.
        basis: [d_model, new d_model]: the new stream is the old one times this.
        least: what is smaller is 0, relative to the length of all that one output reads, or that
            one input writes.
    """

    def reads(matrix: Array) -> Array:
        return _cleared(basis.T @ matrix.astype(np.float64), least, 0)

    def writes(array: Array) -> Array:
        return _cleared(array.astype(np.float64) @ basis, least, -1)

    sizes = replace(weights.sizes, d_model=basis.shape[1])
    return replace(_over_stream(weights, reads, writes), sizes=sizes)


def _cleared(array: npt.NDArray[np.float64], least: float, axis: int) -> Array:
    lengths = np.linalg.norm(array, axis=axis, keepdims=True)
    return np.where(np.abs(array) < least * lengths, 0.0, array).astype(np.float32)


def _over_stream(
    weights: Weights, reads: Callable[[Array], Array], writes: Callable[[Array], Array]
) -> Weights:
    """Weights of which all that reads the stream [d_model, ...] and writes it [..., d_model] is
    changed."""
    layers = tuple(
        replace(
            layer,
            query_w=reads(layer.query_w),
            key_w=reads(layer.key_w),
            value_w=reads(layer.value_w),
            hidden_w=reads(layer.hidden_w),
            output_w=writes(layer.output_w),
            output_b=writes(layer.output_b),
            mlp_output_w=writes(layer.mlp_output_w),
            mlp_output_b=writes(layer.mlp_output_b),
        )
        for layer in weights.layers
    )
    return replace(
        weights,
        token_embedding=writes(weights.token_embedding),
        position_embedding=writes(weights.position_embedding),
        layers=layers,
        unembedding_w=reads(weights.unembedding_w),
    )


def print_weights(
    craft: CraftModel,
    columns: Mapping[str, tuple[int, ...]],
    result: AffineMap,
    most_bytes: int,
    equal_sizes: bool = False,
) -> Weights:
    """Weights of a craft model.

    Args:
        craft: the model.
        columns: for every variable its residual columns, in the order of its directions.
        result: from the stream to the coordinates of the program's result.
        most_bytes: greatest size of all weights.
        equal_sizes: whether values are padded to the size of keys, as Tracr's are.

    Raises:
        UnsupportedProgramError: the weights would exceed ``most_bytes``.
    """
    place = _Places(craft.space, columns)
    sizes = _sizes(craft, place.d_model, equal_sizes)
    _require_memory(sizes, len(craft.embedding.tokens), len(craft.embedding.positions), most_bytes)
    layers = tuple(
        _layer(
            craft.half_layers[ALTERNATING.half_layer(i, Kind.ATTENTION)],
            craft.half_layers[ALTERNATING.half_layer(i, Kind.MLP)],
            sizes,
            place,
        )
        for i in range(sizes.num_layers)
    )
    where = place.of(craft.embedding.space)
    tokens = np.zeros((len(craft.embedding.tokens) + 1, sizes.d_model), dtype=np.float32)
    tokens[:-1, where] = craft.embedding.tokens
    positions = np.zeros((len(craft.embedding.positions), sizes.d_model), dtype=np.float32)
    positions[:, where] = craft.embedding.positions
    unembedding = np.zeros((sizes.d_model, len(result.target)), dtype=np.float32)
    np.add.at(unembedding, place.of(result.source), result.matrix.astype(np.float32))
    return Weights(
        sizes,
        craft.causal,
        tokens,
        positions,
        layers,
        unembedding,
        result.bias.astype(np.float32),
    )


class _Places:
    """The residual column of every direction."""

    def __init__(self, space: Space, columns: Mapping[str, tuple[int, ...]]) -> None:
        self.d_model = max((c + 1 for cs in columns.values() for c in cs), default=1)
        count: dict[str, int] = {}
        self._column: dict[Direction, int] = {}
        for direction in space.directions:
            number = count.get(direction.variable, 0)
            self._column[direction] = columns[direction.variable][number]
            count[direction.variable] = number + 1

    def of(self, space: Space) -> list[int]:
        return [self._column[direction] for direction in space.directions]


def _heads(components: tuple[Component, ...]) -> list[Head]:
    return [component for component in components if isinstance(component, Head)]


def _mlps(components: tuple[Component, ...]) -> list[MLP]:
    return [component for component in components if isinstance(component, MLP)]


def _sizes(craft: CraftModel, d_model: int, equal_sizes: bool) -> Sizes:
    heads = [_heads(half_layer) for half_layer in craft.half_layers]
    mlps = [_mlps(half_layer) for half_layer in craft.half_layers]
    key_size = max((len(head.key.target) for row in heads for head in row), default=1)
    value_size = max((len(head.target) for row in heads for head in row), default=1)
    if equal_sizes:
        key_size = value_size = max(key_size, value_size)
    return Sizes(
        num_layers=ALTERNATING.layer(len(craft.half_layers)),
        num_heads=max((len(row) for row in heads), default=0) or 1,
        key_size=max(key_size, 1),
        value_size=max(value_size, 1),
        d_model=d_model,
        mlp_hidden_size=max((sum(mlp.size for mlp in row) for row in mlps), default=0) or 1,
    )


def _require_memory(sizes: Sizes, tokens: int, positions: int, most_bytes: int) -> None:
    per_layer = sizes.d_model * (
        2 * sizes.num_heads * (sizes.key_size + sizes.value_size) + 2 * sizes.mlp_hidden_size
    )
    size = 4 * (sizes.num_layers * per_layer + sizes.d_model * (tokens + positions + 1))
    if size > most_bytes:
        raise UnsupportedProgramError(
            Refusal.MODEL_TOO_LARGE,
            "",
            f"the weights would take {_memory(size)} ({sizes.num_layers} layers, width "
            f"{sizes.d_model:,}, {sizes.num_heads} heads of key size {sizes.key_size:,}, "
            f"{sizes.mlp_hidden_size:,} neurons); the limit is {_memory(most_bytes)}",
            "use a smaller vocab or max_seq_len, or allow more by "
            "limits=shoal.Limits(model_bytes=...)",
        )


def _memory(size: int) -> str:
    """So many bytes in a unit in which they can be told apart from none."""
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size:,} bytes"


def _layer(
    attention: tuple[Component, ...], mlp: tuple[Component, ...], sizes: Sizes, place: _Places
) -> LayerWeights:
    d, h = sizes.d_model, sizes.num_heads
    query, query_b = _blocks(
        [head.query for head in _heads(attention)], d, h, sizes.key_size, place
    )
    key, key_b = _blocks([head.key for head in _heads(attention)], d, h, sizes.key_size, place)
    value, value_b = _blocks(
        [head.value for head in _heads(attention)], d, h, sizes.value_size, place
    )
    output = np.zeros((h * sizes.value_size, d), dtype=np.float32)
    for number, head in enumerate(_heads(attention)):
        where = place.of(head.target)
        output[number * sizes.value_size + np.arange(len(where)), where] = 1.0
    hidden, hidden_b, mlp_output, mlp_output_b = _mlp_arrays(_mlps(mlp), sizes, place)
    scale = np.float32(np.sqrt(sizes.key_size))
    return LayerWeights(
        query * scale,
        query_b * scale,
        key,
        key_b,
        value,
        value_b,
        output,
        np.zeros(d, dtype=np.float32),
        hidden,
        hidden_b,
        mlp_output,
        mlp_output_b,
    )


def _blocks(
    maps: list[AffineMap], d_model: int, num_heads: int, size: int, place: _Places
) -> tuple[Array, Array]:
    """Maps from the stream, one block of ``size`` columns for each head."""
    matrix = np.zeros((d_model, num_heads * size), dtype=np.float32)
    bias = np.zeros(num_heads * size, dtype=np.float32)
    for number, part in enumerate(maps):
        block = slice(number * size, number * size + len(part.target))
        matrix[place.of(part.source), block] = part.matrix
        bias[block] = part.bias
    return matrix, bias


def _mlp_arrays(mlps: list[MLP], sizes: Sizes, place: _Places) -> tuple[Array, Array, Array, Array]:
    hidden = np.zeros((sizes.d_model, sizes.mlp_hidden_size), dtype=np.float32)
    hidden_b = np.zeros(sizes.mlp_hidden_size, dtype=np.float32)
    output = np.zeros((sizes.mlp_hidden_size, sizes.d_model), dtype=np.float32)
    output_b = np.zeros(sizes.d_model, dtype=np.float32)
    start = 0
    for mlp in mlps:
        block = slice(start, start + mlp.size)
        where = place.of(mlp.target)
        hidden[place.of(mlp.source), block] = mlp.hidden.matrix
        hidden_b[block] = mlp.hidden.bias
        output[block, where] = mlp.output.matrix
        output_b[where] += mlp.output.bias.astype(np.float32)
        start += mlp.size
    return hidden, hidden_b, output, output_b
