"""A compiled model, of which one part is learnt anew while the rest is frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import nn

import shoal
from benchmarks.transplants.host import LETTERS, LONGEST, MODULUS, accuracy, train
from benchmarks.transplants.replacing import count_of
from shoal.rasp import tokens

WIDER = 8
"""How many times the neurons a wider MLP has."""

LEARNERS: Mapping[str, Callable[[nn.Module], nn.Module]] = MappingProxyType(
    {
        "attention": lambda block: _anew(block.get_submodule("attn")),
        "MLP": lambda block: _anew(block.get_submodule("mlp")),
        f"MLP, {WIDER} times the neurons": lambda block: _wider(block.get_submodule("mlp")),
    }
)
"""What is learnt, and what gives it random weights in the layer of a compiled model."""


def compiled() -> shoal.Model:
    """The compiled model of what hosts learn."""
    program = count_of(tokens) % MODULUS
    return shoal.compile(program, vocab=set(LETTERS), max_seq_len=LONGEST, result="one-hot")


def relearnt(learner: str, seed: int, steps: int, every: int) -> list[float]:
    """The accuracy while a half-layer of the compiled model is learnt from random weights.

    Args:
        learner: of ``LEARNERS``.
        seed: of the weights and of the words.
        steps: of training.
        every: so many steps the accuracy is measured, and at the end.
    """
    torch.manual_seed(seed)
    module = compiled().to_torch()
    module.requires_grad_(False)
    LEARNERS[learner](module.blocks[0]).requires_grad_(True)
    found: list[float] = []

    def watch(step: int) -> None:
        if step % every == 0:
            found.append(accuracy(module))

    train(module, steps, seed, 3e-2, watch)
    return [*found, accuracy(module)]


def _anew(half_layer: nn.Module) -> nn.Module:
    for linear in half_layer.modules():
        if isinstance(linear, nn.Linear):
            linear.reset_parameters()
    return half_layer


def _wider(mlp: nn.Module) -> nn.Module:
    width, neurons = mlp.hidden.in_features, WIDER * mlp.hidden.out_features
    mlp.hidden, mlp.out = nn.Linear(width, neurons), nn.Linear(neurons, width)
    return mlp
