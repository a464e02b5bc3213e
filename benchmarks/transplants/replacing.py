"""Half-layers of a trained host, replaced by compiled parts."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.transplants.host import (
    LETTERS,
    LONGEST,
    MODULUS,
    Activations,
    Host,
    Removed,
    accuracy,
    batch,
    train,
)
from shoal.rasp import Comparison, Map, Select, SelectorWidth, SequenceMap, SOp, keep
from shoal_analysis.lab.transplants import (
    Fit,
    LinearMap,
    Numbers,
    fit_discriminant,
    fit_map,
    part_of,
)

FITTED_ON = 2_000
"""Words whose activations maps are fitted on."""


@dataclass(frozen=True)
class Seen:
    """A host's activations at letters, with what is true there.

    Attributes:
        activations: each [letters, ...].
        letters: which letter.
        counts: how often it occurs.
    """

    activations: Activations
    letters: list[str]
    counts: list[int]


@dataclass(frozen=True)
class Replaced:
    """A replacement, measured.

    Attributes:
        read: how well the maps that read did, worst first; None where nothing is read.
        written: how well the map that writes did.
        at_once: the accuracy right after it.
        tuned: the accuracy after the rest was fine-tuned.
    """

    read: float | None
    written: float | None
    at_once: float
    tuned: float


@dataclass(frozen=True)
class Transplanted:
    """A module for a half-layer, and the fits of its maps."""

    module: nn.Module
    read: Fit | None = None
    written: Fit | None = None


def count_of(letter: SOp) -> SOp:
    """How often the letter of each position occurs."""
    return SelectorWidth(Select(letter, letter, Comparison.EQ)).named("count")


def counting_head(seen: Seen) -> Transplanted:
    """One head and no neurons: the count as a number, and beside it the letter."""
    part = part_of(
        lambda letter: count_of(keep(letter)),
        inputs={"letter": LETTERS},
        max_seq_len=LONGEST,
        result="code",
    )
    read = fit_discriminant(seen.activations.embedded, part.inputs["letter"].of(seen.letters))
    count, letter = part.outputs["count"].of(seen.counts), part.outputs["letter"].of(seen.letters)
    written = fit_map(np.hstack([count, letter]), seen.activations.attention)
    matrix = written.map.matrix
    ends = count.shape[1]
    writes = {
        "count": LinearMap(matrix[:ends], written.map.bias),
        "letter": LinearMap(matrix[ends:]),
    }
    return Transplanted(part.to_torch({"letter": read.map}, writes, skip=1), read, written)


def counting_layer(seen: Seen) -> Transplanted:
    """A head and neurons: one dimension for each letter with its count."""
    part = part_of(
        lambda letter: SequenceMap(lambda x, n: (x, n), letter, count_of(letter)).named("both"),
        inputs={"letter": LETTERS},
        max_seq_len=LONGEST,
    )
    read = fit_discriminant(seen.activations.embedded, part.inputs["letter"].of(seen.letters))
    both = list(zip(seen.letters, seen.counts, strict=True))
    written = fit_map(part.outputs["both"].of(both), seen.activations.attention)
    module = part.to_torch({"letter": read.map}, {"both": written.map}, skip=1)
    return Transplanted(module, read, written)


def remainder_of_number(seen: Seen) -> Transplanted:
    """Neurons that compute the remainder of a count, which is read as a number."""
    return _remainder(seen, Numbers(range(1, LONGEST + 1)), fit_map)


def remainder_of_category(seen: Seen) -> Transplanted:
    """The remainder of a count that is read as one of several categories, which is linear."""
    return _remainder(seen, range(1, LONGEST + 1), fit_discriminant)


def _remainder(
    seen: Seen, counts: Numbers | range, fit: Callable[[Tensor, object], Fit]
) -> Transplanted:
    part = part_of(
        lambda count: Map(lambda n: n % MODULUS, count).named("remainder"),
        inputs={"count": counts},
        max_seq_len=LONGEST,
    )
    read = fit(seen.activations.middle, part.inputs["count"].of(seen.counts))
    remainders = [count % MODULUS for count in seen.counts]
    written = fit_map(part.outputs["remainder"].of(remainders), seen.activations.mlp)
    module = part.to_torch({"count": read.map}, {"remainder": written.map}, skip=1)
    return Transplanted(module, read, written)


def nothing(seen: Seen) -> Transplanted:
    """No part at all, to compare with."""
    return Transplanted(Removed())


REPLACEMENTS: tuple[tuple[str, str, Callable[[Seen], Transplanted]], ...] = (
    ("attention", "removed", nothing),
    ("attention", "letter, count as a number", counting_head),
    ("attention", "letter and count, one-hot", counting_layer),
    ("mlp", "removed", nothing),
    ("mlp", "count read as a number", remainder_of_number),
    ("mlp", "count read one-hot", remainder_of_category),
)
"""Half-layers, what they are replaced by in words, and that."""


def seen_by(host: Host, seed: int) -> Seen:
    """What a host computes for words that maps are fitted on."""
    words = batch(FITTED_ON, torch.Generator().manual_seed(10**7 + seed))
    with torch.no_grad():
        found = host.activations(words.ids)
    at_letters = {name: tensor[words.letters] for name, tensor in vars(found).items()}
    letters = [LETTERS[number] for number in words.ids[words.letters].tolist()]
    return Seen(Activations(**at_letters), letters, words.counts[words.letters].tolist())


def replaced(host: Host, half_layer: str, made: Transplanted, seed: int, steps: int) -> Replaced:
    """Put a part in the place of a half-layer, and fine-tune the rest."""
    host = copy.deepcopy(host)
    setattr(host, half_layer, made.module)
    at_once = accuracy(host)
    train(host, steps, 10**8 + seed, 5e-4)
    return Replaced(_quality(made.read), _quality(made.written), at_once, accuracy(host))


def _quality(fit: Fit | None) -> float | None:
    """The share of values that are read rightly, or else the share of variance explained."""
    if fit is None:
        return None
    return fit.r_squared if fit.accuracy is None else fit.accuracy
