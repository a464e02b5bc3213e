"""Edits of the stream as hooks of TransformerLens, for ``run_with_hooks``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shoal.targets.foreign import exact_head_size, readout, with_heads_of, with_pad_kept_away
from shoal.targets.hooks import stream_hook
from shoal.targets.target import Runnable
from shoal.transformer.edits import Edit, edited, shown
from shoal.transformer.weights import Weights
from shoal_solvers import ALTERNATING, Kind

Hook = Callable[..., Any]

_HOOKS = {
    "query": "attn.hook_q",
    "key": "attn.hook_k",
    "value": "attn.hook_v",
    "hidden": "mlp.hook_pre",
}


def lens_weights(model: Runnable) -> Weights:
    """The weights that TransformerLens runs: heads of one exact size, and a column for PAD."""
    weights = with_pad_kept_away(model.weights, model.input_encoder.pad_encoding)
    sizes = weights.sizes
    return with_heads_of(weights, exact_head_size(max(sizes.key_size, sizes.value_size)))


def lens_hooks(model: Runnable, edits: tuple[Edit, ...]) -> list[tuple[str, Hook]]:
    """Names of hooks with functions, in the order in which ``run_with_hooks`` is to have them."""
    made: list[tuple[str, Hook]] = []
    end = ALTERNATING.last_state(model.weights.sizes.num_layers)
    weights = lens_weights(model)
    states = {edit.state for edit in edits if edit.read is None}
    readers = {(e.read.half_layer, e.read.role) for e in edits if e.read is not None}
    for state in range(end + 1):
        if state in states:
            made += _edit_state(edits, state)
        for half_layer, role in sorted(readers):
            if half_layer == state:
                streams: dict[str, Tensor] = {}
                made.append((stream_hook("transformer-lens", state), _keep(streams)))
                made.append(_edit_read(weights, model, edits, half_layer, role, streams))
    return made


def _edit_state(edits: tuple[Edit, ...], state: int) -> list[tuple[str, Hook]]:
    """Hooks that change the stream for everybody from a state on.

    After attention that is what attention adds: the bridge's ``hook_resid_mid`` is what the MLP
    reads, past which the stream flows unchanged.
    """
    if ALTERNATING.kind(state) is Kind.ATTENTION:
        return [(stream_hook("transformer-lens", state), _edit_stream(edits, state, {}))]
    before: dict[str, Tensor] = {}
    block = f"blocks.{ALTERNATING.layer(state)}"
    return [
        (f"{block}.hook_resid_pre", _keep(before)),
        (f"{block}.hook_attn_out", _edit_stream(edits, state, before)),
    ]


def _edit_stream(edits: tuple[Edit, ...], state: int, before: dict[str, Tensor]) -> Hook:
    """Change what a hook finds, as if what was kept before were added to it."""

    def hook(found: Tensor, hook: Any) -> Tensor:
        base = before.get("stream", torch.zeros_like(found))[..., :-1]
        stream = base + found[..., :-1]
        changed = edited(stream, edits, state, lambda a: torch.from_numpy(a).to(found))
        return torch.cat([changed - base, found[..., -1:]], dim=-1)

    return hook


def _keep(streams: dict[str, Tensor]) -> Hook:
    def hook(stream: Tensor, hook: Any) -> None:
        streams["stream"] = stream

    return hook


def _edit_read(
    weights: Weights,
    model: Runnable,
    edits: tuple[Edit, ...],
    half_layer: int,
    role: str,
    streams: dict[str, Tensor],
) -> tuple[str, Hook]:
    """Add to what a role reads what the change of its stream adds."""
    old, new = model.weights.sizes, weights.sizes
    if role == "result":
        name = "hook_unembed"
        matrix = readout(model).matrix
    else:
        number = ALTERNATING.layer(half_layer)
        name = f"blocks.{number}.{_HOOKS[role]}"
        matrix = getattr(weights.layers[number], f"{role}_w")[: old.d_model]

    def hook(read: Tensor, hook: Any) -> Tensor:
        stream = streams["stream"][..., :-1]

        def like(array: npt.NDArray[Any]) -> Tensor:
            return torch.from_numpy(np.array(array)).to(read)

        flat = read.reshape(*read.shape[:2], -1).clone()
        for units, changed in shown(stream, edits, half_layer, role, like).items():
            columns = _columns(role, units, old, new, flat.shape[-1])
            flat[..., columns] += (changed - stream) @ like(matrix[:, columns])
        return flat.reshape(read.shape)

    return name, hook


def _columns(role: str, units: tuple[int, ...], old: Any, new: Any, every: int) -> list[int]:
    """The numbers of units in heads of another size."""
    if role in ("query", "key"):
        return [u // old.key_size * new.key_size + u % old.key_size for u in units]
    if role == "value":
        return [u // old.value_size * new.value_size + u % old.value_size for u in units]
    return list(range(every)) if role == "result" else list(units)
