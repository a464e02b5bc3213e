"""The training behind ``train_from``, in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from shoal.atlas.basis import directions_of
from shoal.model import Model
from shoal.targets.hooks import stream_hook
from shoal.targets.in_torch import TorchTransformer
from shoal.transformer.weights import Array, LayerWeights, Weights
from shoal_analysis.lab.realism.batches import Batch, loss_of, rows_of, threads, whole_batch
from shoal_analysis.lab.realism.interchange import Pairs, own_places
from shoal_analysis.lab.realism.samples import Sample
from shoal_analysis.lab.realism.schedule import Schedule


@dataclass(frozen=True, eq=False)
class _Interchange:
    """Pairs of inputs as tensors, and where the value is.

    Attributes:
        base: the inputs that are run, with the interpreter's counterfactual answers.
        source: [pairs, positions], numbers of tokens of the others.
        where: by the name of a module that the stream passes through, a projection
            [d_model, d_model] onto the directions of the value.
    """

    base: Batch
    source: Tensor
    where: dict[str, Tensor]


def train(
    model: Model,
    sample: Sample,
    pairs: Sequence[Pairs],
    schedule: Schedule,
    interchange_weight: float,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[Weights, float]:
    """The trained weights, and the mean loss of the last steps.

    Args:
        model: whose weights training begins with.
        sample: inputs with their answers.
        pairs: for each value that is interchanged; each step trains on one of them in turn.
        schedule: of the training.
        interchange_weight: of the loss on these.
        seed: of the batches.
        progress: called with how many steps are done, of how many.
    """
    with threads(1):
        module = model.to_torch()
        whole = whole_batch(model, sample)
        swaps = [_as_tensors(model, each) for each in pairs]
        optimiser = torch.optim.AdamW(
            module.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
        )
        pace = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, schedule.steps)
        generator = np.random.default_rng(seed)

        def draw(batch: Batch) -> Tensor:
            return torch.from_numpy(generator.integers(len(batch.ids), size=schedule.batch_size))

        losses = []
        for step in range(schedule.steps):
            batch = rows_of(whole, draw(whole))
            loss = loss_of(module, module(batch.ids), batch)
            if swaps:
                swap = swaps[step % len(swaps)]
                loss = loss + interchange_weight * _swapped_loss(module, swap, draw(swap.base))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            pace.step()
            losses.append(loss.item())
            if progress is not None:
                progress(step + 1, schedule.steps)
        return _weights_of(module, model.weights), float(np.mean(losses[-50:]))


def _as_tensors(model: Model, pairs: Pairs) -> _Interchange:
    base = whole_batch(model, Sample(pairs.bases, pairs.answers))
    where: dict[str, Tensor] = {}
    for place in own_places(model, pairs.name):
        along = directions_of(model.atlas, place.columns, model.d_model)
        onto = torch.tensor(along @ np.linalg.pinv(along), dtype=torch.float32)
        name = stream_hook("torch", place.first)
        where[name] = where[name] + onto if name in where else onto
    return _Interchange(base, torch.from_numpy(model.ids(pairs.sources)).long(), where)


def _swapped_loss(module: TorchTransformer, swap: _Interchange, rows: Tensor) -> Tensor:
    """The loss of bases in which the value is that of the sources; both are learnt from."""
    base = rows_of(swap.base, rows)
    with _streams(module, swap.where) as found:
        module(swap.source[rows])
    with _replaced(module, swap.where, found, base.is_token):
        result = module(base.ids)
    return loss_of(module, result, base)


@contextmanager
def _streams(module: TorchTransformer, where: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """The stream at some modules, of the forward pass meanwhile."""
    found: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(part: nn.Module, inputs: Any, output: Tensor) -> None:
            found[name] = output

        return hook

    with _hooked(module, {name: keep(name) for name in where}):
        yield found


@contextmanager
def _replaced(
    module: TorchTransformer, where: dict[str, Tensor], other: dict[str, Tensor], is_token: Tensor
) -> Iterator[None]:
    """Meanwhile the stream is that of another input in some directions, where there are tokens."""

    def change(name: str) -> Any:
        def hook(part: nn.Module, inputs: Any, output: Tensor) -> Tensor:
            return output + ((other[name] - output) @ where[name]) * is_token[..., None]

        return hook

    with _hooked(module, {name: change(name) for name in where}):
        yield


@contextmanager
def _hooked(module: TorchTransformer, hooks: dict[str, Any]) -> Iterator[None]:
    handles = [module.get_submodule(n).register_forward_hook(hook) for n, hook in hooks.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _weights_of(module: TorchTransformer, before: Weights) -> Weights:
    """What a module has learnt, as NumPy arrays."""
    state = {name: tensor.detach().numpy() for name, tensor in module.named_parameters()}

    def matrix(name: str) -> Array:
        return np.ascontiguousarray(state[f"{name}.weight"].T)

    def layer(number: int) -> LayerWeights:
        arrays: dict[str, Array] = {}
        for part, name in _LINEARS.items():
            arrays[f"{part}_w"] = matrix(f"blocks.{number}.{name}")
            arrays[f"{part}_b"] = state[f"blocks.{number}.{name}.bias"].copy()
        return LayerWeights(**arrays)

    return replace(
        before,
        token_embedding=state["embed.weight"].copy(),
        position_embedding=state["pos_embed.weight"].copy(),
        layers=tuple(map(layer, range(len(before.layers)))),
        unembedding_w=matrix("unembed"),
        unembedding_b=state["unembed.bias"].copy(),
    )


_LINEARS = {
    "query": "attn.q",
    "key": "attn.k",
    "value": "attn.v",
    "output": "attn.o",
    "hidden": "mlp.hidden",
    "mlp_output": "mlp.out",
}
"""Modules of a block by what their weights are called here."""
