"""The transformer in TransformerLens: its bridge, or HookedTransformer where an older one is there.

TransformerLens masks no PAD of its own accord, so the weights keep it away by themselves: one more
column, the last one, says that a token is PAD, and one more dimension of keys passes that on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import transformer_lens
from torch import nn

from shoal.errors import InvalidInputError
from shoal.files import write_file
from shoal.targets.foreign import readout, require_plain
from shoal.targets.lens_edits import lens_hooks, lens_weights
from shoal.targets.target import Runnable
from shoal.transformer.weights import Weights

__all__ = ["lens_hooks", "load", "to_transformer_lens", "write"]

Matrix = npt.NDArray[Any]

FORMAT = "shoal transformer-lens 1"

_UNREADABLE = (
    *(OSError, EOFError, UnpicklingError),
    *(KeyError, TypeError, ValueError, RuntimeError),
)
"""What ``torch.load`` and modules raise of files that are none of theirs."""


@dataclass(frozen=True)
class Parts:
    """What a model of TransformerLens is made of.

    Attributes:
        settings: the fields of its configuration.
        state: the state dict of a native model, for the bridge; or of a ``HookedTransformer``.
    """

    settings: dict[str, Any]
    state: dict[str, torch.Tensor]


def to_transformer_lens(model: Runnable, hooked: bool = False) -> Any:
    """A model as TransformerLens has it, on the CPU, in single precision.

    ``bridge(ids)`` gives logits [batch, positions, values, and None after them], or the coordinates
    of numbers, for numbers of tokens with BOS first and PAD last; ``run_with_cache`` and hooks work
    as of any other model. Columns of the stream are those of ``Model.labels_at``, and one more.

    Args:
        model: of which.
        hooked: whether it is to be a ``HookedTransformer``, which tools for finding circuits ask
            for, also where there is a bridge.

    Returns:
        A ``TransformerBridge`` (TransformerLens 4), or a ``HookedTransformer`` (before).

    Raises:
        InvalidInputError: it is no plain transformer, its heads are too large, its values are too
            close to each other for an unembedding, or there is no ``HookedTransformer``.
    """
    bridge = _has_bridge() and not hooked
    return _put_together(_parts(model, bridge), bridge)


def write(model: Runnable, path: Path) -> None:
    """Write a file that ``load`` reads, and ``torch.load(path, weights_only=True)`` as well."""
    parts = _parts(model, _has_bridge())
    content = {"format": FORMAT, "settings": parts.settings, "state_dict": parts.state}
    write_file(path, lambda file: torch.save(content, file))


def load(path: str | Path) -> Any:
    """Read a model of TransformerLens from a file.

    Raises:
        InvalidInputError: there is no such file, or it is no such model.
    """
    try:
        content = torch.load(path, weights_only=True)
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']!r}")
        return _put_together(Parts(content["settings"], content["state_dict"]), _has_bridge())
    except FileNotFoundError:
        raise InvalidInputError(f"there is no file {path}") from None
    except _UNREADABLE as error:
        raise InvalidInputError(
            f"{path} is no model for this version of TransformerLens, or is damaged: {error}; "
            "write one by shoal export --to transformer-lens"
        ) from error


def _has_bridge() -> bool:
    return hasattr(transformer_lens, "TransformerBridgeConfig")


def _parts(model: Runnable, bridge: bool) -> Parts:
    require_plain(model.weights, "transformer-lens")
    weights = lens_weights(model)
    read = readout(model)
    matrix = np.pad(read.matrix, ((0, 1), (0, 0)))  # nobody reads whether it is PAD
    state = (_native_state if bridge else _hooked_state)(weights, matrix, read.bias)
    return Parts(
        {
            "n_layers": weights.sizes.num_layers,
            "d_model": weights.sizes.d_model,
            "d_head": weights.sizes.key_size,
            "n_heads": weights.sizes.num_heads,
            "n_ctx": len(weights.position_embedding),
            "d_vocab": len(weights.token_embedding),
            "d_vocab_out": len(read.bias),
            "d_mlp": weights.sizes.mlp_hidden_size,
            "act_fn": "relu",
            "attention_dir": "causal" if weights.causal else "bidirectional",
            "normalization_type": None,
            "init_weights": False,
        },
        {name: torch.tensor(array, dtype=torch.float32) for name, array in state.items()},
    )


def _put_together(parts: Parts, bridge: bool) -> Any:
    if bridge:
        from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module
        from transformer_lens.model_bridge.sources.native import NativeModel

        settings = transformer_lens.TransformerBridgeConfig(**parts.settings)
        native = NativeModel(settings)
        native.head = nn.Linear(settings.d_model, settings.d_vocab_out)  # its own has no bias
        native.load_state_dict(parts.state)
        return build_bridge_from_module(
            native.eval(),
            architecture="TransformerLensNative",
            tl_config=settings,
            tokenizer=None,
            dtype=torch.float32,
            model_name="shoal",
        )
    try:
        config, kind = transformer_lens.HookedTransformerConfig, transformer_lens.HookedTransformer
    except (AttributeError, ImportError) as error:
        raise InvalidInputError(
            "this version of TransformerLens has no HookedTransformer; install an older one, "
            "pip install 'transformer-lens<4', or take the bridge"
        ) from error
    settings = config(**parts.settings, device="cpu")
    made = kind(settings)
    made.load_state_dict(parts.state, strict=False)  # buffers such as masks are there already
    return made.eval()


def _native_state(weights: Weights, matrix: Matrix, bias: Matrix) -> dict[str, Matrix]:
    state = {
        "tok_embed.weight": weights.token_embedding,
        "pos.weight": weights.position_embedding,
        "head.weight": matrix.T,
        "head.bias": bias,
    }
    for number, layer in enumerate(weights.layers):
        for name, w, b in (
            ("attn.q", layer.query_w, layer.query_b),
            ("attn.k", layer.key_w, layer.key_b),
            ("attn.v", layer.value_w, layer.value_b),
            ("attn.o", layer.output_w, layer.output_b),
            ("mlp.fc_in", layer.hidden_w, layer.hidden_b),
            ("mlp.fc_out", layer.mlp_output_w, layer.mlp_output_b),
        ):
            state[f"layers.{number}.{name}.weight"] = w.T
            state[f"layers.{number}.{name}.bias"] = b
    return state


def _hooked_state(weights: Weights, matrix: Matrix, bias: Matrix) -> dict[str, Matrix]:
    heads, size = weights.sizes.num_heads, weights.sizes.key_size
    state = {
        "embed.W_E": weights.token_embedding,
        "pos_embed.W_pos": weights.position_embedding,
        "unembed.W_U": matrix,
        "unembed.b_U": bias,
    }
    for number, layer in enumerate(weights.layers):
        block = f"blocks.{number}"
        for name, w, b in (
            ("Q", layer.query_w, layer.query_b),
            ("K", layer.key_w, layer.key_b),
            ("V", layer.value_w, layer.value_b),
        ):
            state[f"{block}.attn.W_{name}"] = w.reshape(-1, heads, size).transpose(1, 0, 2)
            state[f"{block}.attn.b_{name}"] = b.reshape(heads, size)
        state[f"{block}.attn.W_O"] = layer.output_w.reshape(heads, size, -1)
        state[f"{block}.attn.b_O"] = layer.output_b
        state[f"{block}.mlp.W_in"] = layer.hidden_w
        state[f"{block}.mlp.b_in"] = layer.hidden_b
        state[f"{block}.mlp.W_out"] = layer.mlp_output_w
        state[f"{block}.mlp.b_out"] = layer.mlp_output_b
    return state
