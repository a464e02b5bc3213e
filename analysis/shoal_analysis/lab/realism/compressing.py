"""The training behind ``compress``, in PyTorch: matrices are learnt, all weights are frozen.

With a stream x W of d columns, which components read as (x W) W^T, the stream as they see it starts
at x G, G = W W^T, and whatever a component adds to it is multiplied by G. So the compiled model is
run as it is, with G behind the embedding and behind every half-layer; several W side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from shoal.atlas.atlas import Matrix
from shoal.model import Model
from shoal.targets.in_torch import TorchTransformer
from shoal_analysis.lab.realism.batches import Batch, loss_of, rows_of, threads, whole_batch
from shoal_analysis.lab.realism.rotation import orthogonal
from shoal_analysis.lab.realism.samples import Sample
from shoal_analysis.lab.realism.schedule import Schedule


def learn(
    model: Model,
    wanted: Sequence[tuple[int, int]],
    sample: Sample,
    schedule: Schedule,
    progress: Callable[[int, int], None] | None,
) -> tuple[list[Matrix], npt.NDArray[np.float64]]:
    """Matrices [d_model, d], and the losses of each [matrices, steps].

    Args:
        model: a compiled model.
        wanted: for each matrix its d, and the seed of what it begins with.
        sample: inputs with their answers, of which batches are drawn.
        schedule: of the training.
        progress: called with how many steps are done, of how many.
    """
    with threads(1):
        module = model.to_torch().requires_grad_(False)
        whole = whole_batch(model, sample)
        added = _added(module, whole.ids)
        starts = [orthogonal(model.d_model, seed)[:, :d] for d, seed in wanted]
        learnt = [nn.Parameter(torch.tensor(start, dtype=torch.float32)) for start in starts]
        optimiser = torch.optim.AdamW(
            learnt, lr=schedule.learning_rate, weight_decay=schedule.weight_decay, foreach=True
        )
        pace = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, schedule.steps)
        generator = np.random.default_rng(0)
        losses = np.zeros((schedule.steps, len(wanted)))
        for step in range(schedule.steps):
            rows = torch.from_numpy(generator.integers(len(whole.ids), size=schedule.batch_size))
            each = _losses(
                module,
                torch.stack([w @ w.T for w in learnt]),
                rows_of(whole, rows),
                [part[rows] for part in added],
                schedule.layer_weight,
            )
            optimiser.zero_grad()
            each.sum().backward()
            optimiser.step()
            pace.step()
            losses[step] = each.detach().numpy()
            if progress is not None:
                progress(step + 1, schedule.steps)
    return [w.detach().numpy().astype(np.float64) for w in learnt], losses.T


def _losses(
    module: TorchTransformer, grams: Tensor, batch: Batch, added: list[Tensor], layer_weight: float
) -> Tensor:
    """The loss of each matrix [matrices].

    Args:
        module: the compiled model.
        grams: [matrices, d_model, d_model], W W^T.
        batch: on which they are compared.
        added: by the compiled model in each half-layer, [batch, positions, d_model].
        layer_weight: of the loss on what half-layers add.
    """
    copies = len(grams)
    with _multiplied(module, grams) as found:
        result = module(batch.ids.repeat(copies, 1)).unflatten(0, (copies, -1))
    losses = torch.stack([loss_of(module, part, batch) for part in result])
    if layer_weight:
        for one, other in zip(found, added, strict=True):
            off = (one - other)[:, batch.is_token]
            losses = losses + layer_weight / len(added) * off.square().mean(dim=(1, 2))
    return losses


@contextmanager
def _multiplied(module: TorchTransformer, grams: Tensor) -> Iterator[list[Tensor]]:
    """Meanwhile all that is written to the stream is multiplied; what half-layers add is kept.

    Args:
        module: which runs a batch once for each matrix, one after the other.
        grams: [matrices, d_model, d_model].
    """
    found: list[Tensor] = []

    def multiply(keep: bool, part: nn.Module, inputs: Any, output: Any) -> Any:
        stream = output[0] if isinstance(output, tuple) else output
        copies = stream.unflatten(0, (len(grams), -1))
        made = (copies.flatten(1, 2) @ grams).view_as(copies)
        if keep:
            found.append(made)
        flat = made.flatten(0, 1)
        return (flat, *output[1:]) if isinstance(output, tuple) else flat

    handles = [module.start.register_forward_hook(partial(multiply, False))]
    for part in _half_layers(module):
        handles.append(part.register_forward_hook(partial(multiply, True)))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _added(module: TorchTransformer, ids: Tensor) -> list[Tensor]:
    """What each half-layer of the compiled model adds to the stream."""
    with torch.no_grad():
        found = module.activations(ids)
    return [found[name] for name in _names(module)]


def _names(module: TorchTransformer) -> list[str]:
    return [f"blocks.{i}.{part}" for i in range(len(module.blocks)) for part in ("attn", "mlp")]


def _half_layers(module: TorchTransformer) -> list[nn.Module]:
    return [module.get_submodule(name) for name in _names(module)]
