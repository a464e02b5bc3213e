"""Models of one shape: arrays padded so that each computes what it did."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.errors import InvalidInputError
from shoal.transformer.weights import LayerWeights, Sizes, Weights

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class CommonSizes:
    """A shape into which several models are padded.

    Attributes:
        num_layers: attention + MLP pairs.
        num_heads: heads of each layer.
        key_size: dimensions in which queries and keys of a head meet.
        value_size: dimensions of a head's value.
        d_model: width of the residual stream.
        mlp_hidden_size: neurons of each MLP.
        tokens: of the vocab; BOS has this number, and PAD the next.
        positions: BOS and tokens.
        coordinates: of the result.
    """

    num_layers: int
    num_heads: int
    key_size: int
    value_size: int
    d_model: int
    mlp_hidden_size: int
    tokens: int
    positions: int
    coordinates: int

    def hold(self, other: CommonSizes) -> bool:
        """Whether a model of another shape can be padded into this one."""
        return all(mine >= theirs for mine, theirs in zip(_sizes(self), _sizes(other), strict=True))


def _sizes(sizes: CommonSizes) -> tuple[int, ...]:
    return tuple(asdict(sizes).values())


def sizes_of_row(row: Mapping[str, Any]) -> CommonSizes:
    """The shape of a model, from its row of the index (of which ``description`` is enough)."""
    description = json.loads(row["description"])
    return CommonSizes(
        **description["sizes"],
        tokens=len(description["vocab"]),
        positions=description["max_seq_len"] + 1,
        coordinates=description["coordinates"],
    )


def smallest_common(sizes: Iterable[CommonSizes]) -> CommonSizes:
    """The smallest shape into which all models can be padded.

    Raises:
        InvalidInputError: there are no models.
    """
    rows = [_sizes(one) for one in sizes]
    if not rows:
        raise InvalidInputError("there are no models, so they have no common sizes")
    return CommonSizes(*(max(column) for column in zip(*rows, strict=True)))


def padded(
    arrays: Mapping[str, npt.NDArray[Any]], own: CommonSizes, to: CommonSizes
) -> dict[str, Array]:
    """A model's arrays in a larger shape, layers stacked and heads apart.

    New columns, neurons, heads and layers are zeros, which change nothing; queries are scaled by
    the root of the ratio of key sizes, since attention divides by the root of that size. BOS and
    PAD stay the last two tokens.

    Args:
        arrays: of the model, as shards have them.
        own: its shape.
        to: a shape that holds it.

    Returns:
        ``token_embedding`` [tokens + 2, d_model], ``position_embedding`` [positions, d_model],
        ``query_w`` and ``key_w`` [layers, d_model, heads, key_size], ``value_w`` [layers, d_model,
        heads, value_size], ``output_w`` [layers, heads, value_size, d_model], ``hidden_w`` [layers,
        d_model, neurons], ``mlp_output_w`` [layers, neurons, d_model], ``unembedding_w`` [d_model,
        coordinates], and biases ``*_b`` without the axis that is summed over.

    Raises:
        InvalidInputError: the shape does not hold the model.
    """
    if not to.hold(own):
        raise InvalidInputError(f"a model of {own} does not fit into {to}")
    tokens = arrays["token_embedding"]
    result = {
        "token_embedding": np.concatenate(
            [
                _to(tokens[:-2], (to.tokens, to.d_model)),
                _to(tokens[-2:], (2, to.d_model)),
            ]
        ),
        "position_embedding": _to(arrays["position_embedding"], (to.positions, to.d_model)),
        "unembedding_w": _to(arrays["unembedding_w"], (to.d_model, to.coordinates)),
        "unembedding_b": _to(arrays["unembedding_b"], (to.coordinates,)),
    }
    for name, shape in _layer_shapes(to).items():
        stacked = np.zeros((to.num_layers, *shape), dtype=np.float32)
        for layer in range(own.num_layers):
            own_shape = _layer_shapes(own)[name]
            array = arrays[f"layer_{layer}/{name}"].reshape(own_shape)
            stacked[layer] = _to(array, shape)
        if name.startswith("query"):
            stacked *= np.float32(np.sqrt(to.key_size / own.key_size))
        result[name] = stacked
    return result


def _to(array: npt.NDArray[Any], shape: tuple[int, ...]) -> Array:
    """An array with zeros after it."""
    wider = [(0, size - have) for size, have in zip(shape, array.shape, strict=True)]
    return np.pad(array, wider).astype(np.float32)


def _layer_shapes(sizes: CommonSizes) -> dict[str, tuple[int, ...]]:
    """The shape of each array of a layer, heads apart."""
    d, h, m = sizes.d_model, sizes.num_heads, sizes.mlp_hidden_size
    k, v = sizes.key_size, sizes.value_size
    return {
        "query_w": (d, h, k),
        "query_b": (h, k),
        "key_w": (d, h, k),
        "key_b": (h, k),
        "value_w": (d, h, v),
        "value_b": (h, v),
        "output_w": (h, v, d),
        "output_b": (d,),
        "hidden_w": (d, m),
        "hidden_b": (m,),
        "mlp_output_w": (m, d),
        "mlp_output_b": (d,),
    }


def as_weights(arrays: Mapping[str, npt.NDArray[Any]], sizes: CommonSizes, causal: bool) -> Weights:
    """Weights that Shoal's targets run, from what ``padded`` gives, or a network has learned."""
    flat = {
        "query": (sizes.d_model, -1),
        "key": (sizes.d_model, -1),
        "value": (sizes.d_model, -1),
        "output": (-1, sizes.d_model),
    }

    def layer(number: int) -> LayerWeights:
        parts = {}
        for field in fields(LayerWeights):
            array = np.asarray(arrays[field.name][number], dtype=np.float32)
            word, _, kind = field.name.rpartition("_")
            if word in flat:
                array = array.reshape(flat[word] if kind == "w" else -1)
            parts[field.name] = array
        return LayerWeights(**parts)

    shape = {field.name: getattr(sizes, field.name) for field in fields(Sizes)}
    return Weights(
        Sizes(**shape),
        causal,
        arrays["token_embedding"],
        arrays["position_embedding"],
        tuple(layer(number) for number in range(sizes.num_layers)),
        arrays["unembedding_w"],
        arrays["unembedding_b"],
    )
