"""Edits of the stream as forward hooks of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor, nn

from shoal.transformer.edits import Edit, Read, edited, shown


def hooks(edits: tuple[Edit, ...], num_layers: int) -> dict[str, Callable[..., Tensor]]:
    """Forward hooks by the names of the modules of a ``TorchTransformer``."""
    streams = [
        "start",
        *(f"blocks.{i}.{part}" for i in range(num_layers) for part in ("mid", "end")),
    ]
    hooks: dict[str, Callable[..., Tensor]] = {
        streams[edit.state]: partial(_edit_stream, edits, edit.state)
        for edit in edits
        if edit.read is None
    }
    modules = {"query": "attn.q", "key": "attn.k", "value": "attn.v", "hidden": "mlp.hidden"}
    for read in (edit.read for edit in edits if edit.read is not None):
        name = (
            "unembed"
            if read.role == "result"
            else (f"blocks.{read.half_layer // 2}.{modules[read.role]}")
        )
        hooks[name] = partial(_edit_read, edits, read)
    return hooks


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
