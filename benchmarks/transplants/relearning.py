"""A compiled model, of which one part is learnt anew while the rest is frozen."""

from __future__ import annotations

import torch
from torch import nn

import shoal
from benchmarks.transplants.host import LETTERS, LONGEST, MODULUS, accuracy, train
from benchmarks.transplants.replacing import count_of
from shoal.rasp import tokens

PARTS = {"attention": "attn", "mlp": "mlp"}
"""Half-layers, and what the compiled module calls them."""


def compiled() -> shoal.Model:
    """The compiled model of what hosts learn."""
    program = count_of(tokens) % MODULUS
    return shoal.compile(program, vocab=set(LETTERS), max_seq_len=LONGEST, result="one-hot")


def relearnt(half_layer: str, seed: int, steps: int, every: int) -> list[float]:
    """The accuracy while a half-layer of the compiled model is learnt from random weights.

    Args:
        half_layer: of ``PARTS``.
        seed: of the weights and of the words.
        steps: of training.
        every: so many steps the accuracy is measured, and at the end.
    """
    torch.manual_seed(seed)
    module = compiled().to_torch()
    module.requires_grad_(False)
    part = module.blocks[0].get_submodule(PARTS[half_layer])
    for linear in part.modules():
        if isinstance(linear, nn.Linear):
            linear.reset_parameters()
    part.requires_grad_(True)
    found: list[float] = []

    def watch(step: int) -> None:
        if step % every == 0:
            found.append(accuracy(module))

    train(module, steps, seed, 3e-2, watch)
    return [*found, accuracy(module)]
