"""The same transformer in Haiku, under Tracr's parameter names. Imports JAX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from shoal.targets.in_numpy import MASKED
from shoal.targets.target import ForwardPass, Runnable, Runner
from shoal.transformer.weights import Array, Sizes, Weights


def runner(model: Runnable) -> Runner:
    """Compile a model with JAX, once for each shape of inputs."""
    jitted = jitted_forward(model.weights, model.input_encoder.pad_encoding)

    def run(ids: npt.NDArray[Any]) -> ForwardPass:
        passed = jitted(ids)
        return replace(passed, logits=model.output_encoder.logits(passed.result))

    return run


class Activations(NamedTuple):
    """The fields of ``ForwardPass`` as JAX arrays, without result and logits."""

    residuals: list[jax.Array]
    layer_outputs: list[jax.Array]
    attn_logits: list[jax.Array]
    input_embeddings: jax.Array


class _Attention(hk.Module):
    """Multi-head attention with biases; logits are returned as well."""

    def __init__(self, sizes: Sizes, name: str) -> None:
        super().__init__(name=name)
        self._sizes = sizes

    def __call__(self, x: jax.Array, visible: jax.Array) -> tuple[jax.Array, jax.Array]:
        sizes = self._sizes

        def project(name: str, size: int) -> jax.Array:
            flat = hk.Linear(sizes.num_heads * size, name=name)(x)
            heads: jax.Array = flat.reshape(*x.shape[:2], sizes.num_heads, size)
            return heads

        query = project("query", sizes.key_size)
        key = project("key", sizes.key_size)
        value = project("value", sizes.value_size)
        logits = jnp.einsum("bqhk,bthk->bhqt", query, key) / np.sqrt(sizes.key_size)
        logits = jnp.where(visible, logits, MASKED)
        mixed = jnp.einsum("bhqt,bthv->bqhv", jax.nn.softmax(logits), value)
        output = hk.Linear(sizes.d_model, name="linear")(mixed.reshape(*x.shape[:2], -1))
        return output, logits


class _MLP(hk.Module):
    """One hidden layer with ReLU."""

    def __init__(self, sizes: Sizes, name: str) -> None:
        super().__init__(name=name)
        self._sizes = sizes

    def __call__(self, x: jax.Array) -> jax.Array:
        hidden = jax.nn.relu(hk.Linear(self._sizes.mlp_hidden_size, name="linear_1")(x))
        output: jax.Array = hk.Linear(self._sizes.d_model, name="linear_2")(hidden)
        return output


class _Transformer(hk.Module):
    """Layers of attention and MLP without normalisation."""

    def __init__(self, weights: Weights, name: str = "transformer") -> None:
        super().__init__(name=name)
        self._sizes = weights.sizes
        self._causal = weights.causal
        self._seen = weights.architecture.seen

    def __call__(self, stream: jax.Array, is_token: jax.Array) -> Activations:
        visible = is_token[:, None, None, :]
        if self._causal:
            visible = visible & np.tri(stream.shape[1], dtype=bool)
        embeddings = stream
        residuals, outputs, all_logits = [], [], []
        for number in range(self._sizes.num_layers):
            with hk.experimental.name_scope(f"layer_{number}"):
                update, logits = _Attention(self._sizes, "attn")(self._seen(stream), visible)
                stream = stream + update
                residuals.append(stream)
                outputs.append(update)
                all_logits.append(logits)
                update = _MLP(self._sizes, "mlp")(self._seen(stream))
                stream = stream + update
                residuals.append(stream)
                outputs.append(update)
        return Activations(residuals, outputs, all_logits, embeddings)


def haiku_forward(weights: Weights, pad: int) -> hk.Transformed:
    """The model as a Haiku transform; ``apply(params, rng, ids)`` gives ``Activations``."""
    vocab_size, d_model = weights.token_embedding.shape
    max_positions = len(weights.position_embedding)

    def model(ids: jax.Array) -> Activations:
        tokens = hk.Embed(vocab_size, d_model, name="token_embed")(ids)
        positions = hk.Embed(max_positions, d_model, name="pos_embed")(jnp.arange(ids.shape[1]))
        return _Transformer(weights)(tokens + positions, ids != pad)

    return hk.without_apply_rng(hk.transform(model))


def jitted_forward(weights: Weights, pad: int) -> Callable[[npt.NDArray[np.int32]], ForwardPass]:
    """A compiled forward pass over ids [batch, positions]; compiled once for each shape.

    Matrix products run at the highest precision, without which averages are not exact enough
    on accelerators.
    """
    transformed = haiku_forward(weights, pad)
    params: Mapping[str, Any] = jax.tree_util.tree_map(jnp.asarray, weights.haiku_params())

    @jax.jit
    def run(params: Mapping[str, Any], ids: jax.Array) -> tuple[Activations, jax.Array]:
        with jax.default_matmul_precision("highest"):
            activations = transformed.apply(params, ids)
            stream = (activations.residuals or [activations.input_embeddings])[-1]
            seen = weights.architecture.seen(stream)
            return activations, seen @ weights.unembedding_w + weights.unembedding_b

    def call(ids: npt.NDArray[np.int32]) -> ForwardPass:
        activations, result = run(params, jnp.asarray(ids))
        return ForwardPass(
            tuple(map(_to_numpy, activations.residuals)),
            tuple(map(_to_numpy, activations.layer_outputs)),
            tuple(map(_to_numpy, activations.attn_logits)),
            _to_numpy(activations.input_embeddings),
            _to_numpy(result),
        )

    return call


def _to_numpy(x: jax.Array) -> Array:
    return np.asarray(x)
