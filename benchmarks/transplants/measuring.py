"""All that is measured, one seed after the other or two at a time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context

import torch

from benchmarks.transplants.host import accuracy, trained_host
from benchmarks.transplants.relearning import LEARNERS, relearnt
from benchmarks.transplants.replacing import REPLACEMENTS, Replaced, replaced, seen_by


@dataclass(frozen=True)
class Scale:
    """How long everything is trained, in steps.

    Attributes:
        host: the host, from random weights.
        tuning: the rest of it, after a half-layer was replaced.
        relearning: a part of the compiled model.
        every: so many of these its accuracy is measured.
    """

    host: int
    tuning: int
    relearning: int
    every: int


FULL = Scale(host=1_500, tuning=600, relearning=1_500, every=100)
SMALL = Scale(host=10, tuning=2, relearning=4, every=2)


@dataclass(frozen=True)
class Measured:
    """What was measured with one seed.

    Attributes:
        seed: of weights and words.
        host: the accuracy of the trained host.
        attempts: how many hosts were trained until one had learnt to count.
        replaced: its half-layers replaced, in the order of ``REPLACEMENTS``.
        relearnt: for each learner the accuracy of the compiled model while it is learnt.
    """

    seed: int
    host: float
    attempts: int
    replaced: tuple[Replaced, ...]
    relearnt: dict[str, list[float]]


def measure(seed: int, scale: Scale) -> Measured:
    """Train a host, replace its half-layers, and learn those of the compiled model."""
    torch.set_num_threads(1)
    host, attempts = trained_host(seed, scale.host)
    seen = seen_by(host, seed)
    return Measured(
        seed,
        accuracy(host),
        attempts,
        tuple(
            replaced(host, half_layer, make(seen), seed, scale.tuning)
            for half_layer, _, make in REPLACEMENTS
        ),
        {name: relearnt(name, seed, scale.relearning, scale.every) for name in LEARNERS},
    )


def measure_each(seeds: int, workers: int, scale: Scale) -> Iterator[Measured]:
    """The same for seeds 0, 1, ..., as they come."""
    if workers == 1:
        yield from (measure(seed, scale) for seed in range(seeds))
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(measure, seed, scale) for seed in range(seeds)]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()
