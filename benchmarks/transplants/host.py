"""The host: a small transformer, trained to count letters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

LETTERS = "abcd"
LONGEST = 6
MODULUS = 3
"""What is asked: how often the letter at each position occurs, modulo this."""

BOS, PAD = len(LETTERS), len(LETTERS) + 1

WIDTH = 32
NEURONS = 128
BATCH = 128

LEARNT = 0.99
"""The accuracy of a host that has learnt to count."""

ATTEMPTS = 5


@dataclass(frozen=True)
class Batch:
    """Words, each after a BOS.

    Attributes:
        ids: [batch, positions], numbers of letters, BOS first, PAD last.
        counts: [batch, positions], how often what is there occurs.
        letters: [batch, positions], whether a letter is there.
    """

    ids: Tensor
    counts: Tensor
    letters: Tensor


def batch(size: int, generator: torch.Generator) -> Batch:
    """Random words of 1 to ``LONGEST`` letters, each over some neighbours in the alphabet."""
    shape, alone = (size, LONGEST), (size, 1)
    lengths = torch.randint(1, LONGEST + 1, alone, generator=generator)
    kinds = torch.randint(1, len(LETTERS) + 1, alone, generator=generator)
    first = torch.randint(0, len(LETTERS), alone, generator=generator)
    letters = (first + (torch.rand(shape, generator=generator) * kinds).long()) % len(LETTERS)
    letters[torch.arange(LONGEST) >= lengths] = PAD
    ids = torch.cat([torch.full(alone, BOS), letters], dim=1)
    counts = (ids[:, :, None] == ids[:, None, :]).sum(dim=-1)
    return Batch(ids, counts, ids < BOS)


class Attention(nn.Module):
    """One head; queries see BOS and all letters."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, stream: Tensor, there: Tensor) -> Tensor:
        """What it adds to the stream [batch, positions, WIDTH]."""
        scores = self.q(stream) @ self.k(stream).transpose(-1, -2) / WIDTH**0.5
        pattern = scores.masked_fill(~there[:, None, :], -1e9).softmax(dim=-1)
        update: Tensor = self.o(pattern @ self.v(stream))
        return update


class MLP(nn.Module):
    """One hidden layer with ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(WIDTH, NEURONS), nn.Linear(NEURONS, WIDTH)

    def forward(self, stream: Tensor, there: Tensor) -> Tensor:
        """What it adds to the stream [batch, positions, WIDTH]."""
        update: Tensor = self.out(functional.relu(self.hidden(stream)))
        return update


class Removed(nn.Module):
    """Adds nothing."""

    def forward(self, stream: Tensor, there: Tensor) -> Tensor:
        """Zeros [batch, positions, WIDTH]."""
        return torch.zeros_like(stream)


@dataclass(frozen=True)
class Activations:
    """What a host computes, each [batch, positions, ...].

    Attributes:
        embedded: the stream before attention.
        attention: what attention adds to it.
        middle: the stream before the MLP.
        mlp: what the MLP adds to it.
        logits: over remainders.
    """

    embedded: Tensor
    attention: Tensor
    middle: Tensor
    mlp: Tensor
    logits: Tensor


class Host(nn.Module):
    """One layer. A half-layer is any module from (stream, there) to what is added."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(len(LETTERS) + 2, WIDTH)
        self.attention: nn.Module = Attention()
        self.mlp: nn.Module = MLP()
        self.unembed = nn.Linear(WIDTH, MODULUS)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits [batch, positions, remainders]."""
        return self.activations(ids).logits

    def activations(self, ids: Tensor) -> Activations:
        """All that is computed on the way to the logits."""
        there, embedded = ids != PAD, self.embed(ids)
        attention = self.attention(embedded, there)
        middle = embedded + attention
        mlp = self.mlp(middle, there)
        return Activations(embedded, attention, middle, mlp, self.unembed(middle + mlp))


def accuracy(model: nn.Module, words: int = 2_000) -> float:
    """The share of letters that are told right, on words that no training has seen."""
    asked = batch(words, torch.Generator().manual_seed(10**6))
    with torch.no_grad():
        told = model(asked.ids).argmax(dim=-1)
    right = told == asked.counts % MODULUS
    return float(right[asked.letters].float().mean())


def train(
    model: nn.Module,
    steps: int,
    seed: int,
    rate: float,
    watch: Callable[[int], None] = lambda step: None,
) -> None:
    """Train what is not frozen, by AdamW; the rate falls to 0 by a cosine.

    Args:
        model: from numbers of tokens to logits.
        steps: of ``BATCH`` words.
        seed: of the words.
        rate: the learning rate at first.
        watch: called before each step with its number.
    """
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(1, steps))
    for step in range(steps):
        watch(step)
        words = batch(BATCH, generator)
        logits, wanted = model(words.ids)[words.letters], words.counts[words.letters] % MODULUS
        optimiser.zero_grad()
        functional.cross_entropy(logits, wanted).backward()
        optimiser.step()
        schedule.step()


def trained_host(seed: int, steps: int) -> tuple[Host, int]:
    """A host that has learnt to count, and how many it took.

    Some hosts do not learn it from the weights that they begin with. They are given up, and others
    are trained, ``ATTEMPTS`` at most, of which the last one is taken in any case.
    """
    for attempt in range(1, ATTEMPTS + 1):
        torch.manual_seed(seed + 1_000 * attempt)
        host = Host()
        train(host, steps, seed, 3e-3)
        if accuracy(host) >= LEARNT:
            break
    return host, attempt
