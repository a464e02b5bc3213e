"""Edits of the stream as forward hooks of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor, nn

from shoal.targets.hooks import stream_hook
from shoal.transformer.edits import Edit, Read, edited, shown
from shoal_solvers import ALTERNATING

_MODULES = {"query": "attn.q", "key": "attn.k", "value": "attn.v", "hidden": "mlp.hidden"}
"""Of a block, by role."""


def hooks(edits: tuple[Edit, ...]) -> dict[str, Callable[..., Tensor]]:
    """Forward hooks by the names of the modules of a ``TorchTransformer``."""
    made: dict[str, Callable[..., Tensor]] = {}
    for edit in edits:
        if edit.read is None:
            name = stream_hook("torch", edit.state)
            made[name] = partial(_edit_stream, edits, edit.state)
        else:
            made[_module(edit.read)] = partial(_edit_read, edits, edit.read)
    return made


def _module(read: Read) -> str:
    if read.role == "result":
        return "unembed"
    return f"blocks.{ALTERNATING.layer(read.half_layer)}.{_MODULES[read.role]}"


def _edit_stream(
    edits: tuple[Edit, ...], state: int, module: nn.Module, inputs: Any, output: Tensor
) -> Tensor:
    result: Tensor = edited(output, edits, state, _like(output))
    return result


def _edit_read(
    edits: tuple[Edit, ...], read: Read, module: nn.Linear, inputs: Any, output: Tensor
) -> Tensor:
    output = output.clone()
    streams = shown(inputs[0], edits, read.half_layer, read.role, _like(output))
    for units, stream in streams.items():
        columns = list(units)
        output[..., columns] = nn.functional.linear(
            stream, module.weight[columns], module.bias[columns]
        )
    return output


def _like(tensor: Tensor) -> Callable[[npt.NDArray[Any]], Tensor]:
    """From arrays to tensors of the same type at the same place."""
    return lambda array: torch.from_numpy(array).to(tensor)
