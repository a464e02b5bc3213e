"""Batches of inputs for training, and the loss on outputs, in PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shoal.model import Model
from shoal.rasp.values import Value, canonical_key
from shoal.targets.in_torch import TorchTransformer
from shoal_analysis.lab.realism.samples import Sample

SHARPNESS = 10.0
"""Of compiled models the logit of the right class is 1 above the others, of which cross entropy
would want more. Times this it wants next to nothing."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Inputs with what is wanted.

    Attributes:
        ids: [batch, positions], numbers of tokens, BOS first.
        is_token: [batch, positions], where there are tokens: neither BOS nor PAD.
        wanted: [batch, positions], the number of the class; or [batch, positions, coordinates] of
            results that are numbers.
    """

    ids: Tensor
    is_token: Tensor
    wanted: Tensor


def rows_of(batch: Batch, rows: Tensor) -> Batch:
    """Some rows of a batch."""
    return Batch(batch.ids[rows], batch.is_token[rows], batch.wanted[rows])


def whole_batch(model: Model, sample: Sample) -> Batch:
    """A sample as one batch."""
    ids = model.ids(sample.inputs)
    is_token = model.input_encoder.is_token(ids)
    wanted = np.stack([_wanted(model, answer, ids.shape[1]) for answer in sample.answers])
    return Batch(torch.from_numpy(ids).long(), torch.from_numpy(is_token), torch.from_numpy(wanted))


def _wanted(model: Model, answer: tuple[Value, ...], positions: int) -> npt.NDArray[Any]:
    """What is wanted at each position; 0 where there is no token."""
    decoder = model.output_encoder
    if decoder.codes is None:
        numbers: npt.NDArray[Any] = np.zeros((positions, 1 + decoder.nullable), np.float32)
        for place, value in enumerate(answer):
            numbers[place + 1, 0] = 0.0 if value is None else value
            numbers[place + 1, 1:] = value is not None
        return numbers
    number_of = {canonical_key(value): number for number, value in enumerate(decoder.choices)}
    classes: npt.NDArray[Any] = np.zeros(positions, np.int64)
    classes[1 : 1 + len(answer)] = [number_of[canonical_key(value)] for value in answer]
    return classes


def loss_of(module: TorchTransformer, result: Tensor, batch: Batch) -> Tensor:
    """Cross entropy of classes, or the mean squared error of numbers, over all tokens.

    Logits are multiplied by ``SHARPNESS`` first.
    """
    found, wanted = result[batch.is_token], batch.wanted[batch.is_token]
    if module.values:
        return torch.nn.functional.cross_entropy(SHARPNESS * found.float(), wanted)
    return torch.nn.functional.mse_loss(found, wanted)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Meanwhile PyTorch computes on so many threads: sums are then in one order on any machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
