"""How well a model survives being compressed, against the dimensions that it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shoal.errors import InvalidInputError
from shoal.model import Model
from shoal_analysis.lab.realism.compression import (
    Compression,
    Progress,
    compress_each,
    fingerprint_of,
)
from shoal_analysis.lab.realism.schedule import Schedule

TOGETHER = 20
"""So many are learnt side by side."""


@dataclass(frozen=True)
class Point:
    """Compressions to one width.

    Attributes:
        d: dimensions.
        accuracies: one for each seed.
        similarities: the mean of each compression's cosines, one for each seed.
    """

    d: int
    accuracies: tuple[float, ...]
    similarities: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Of the accuracies."""
        return float(np.mean(self.accuracies))

    @property
    def deviation(self) -> float:
        """Of the accuracies: the standard deviation of a sample; 0 of one."""
        return float(np.std(self.accuracies, ddof=1)) if len(self.accuracies) > 1 else 0.0


@dataclass(frozen=True)
class CompressionCurve:
    """Compressions of one model.

    Attributes:
        output: what it computes.
        d_model: its columns.
        bound: no fewer columns hold what its components read of the stream; None if not known.
        compressions: to all widths, by all seeds.
    """

    output: str
    d_model: int
    bound: int | None
    compressions: tuple[Compression, ...]

    @property
    def points(self) -> tuple[Point, ...]:
        """One for each width, the narrowest first."""
        found = []
        for d in sorted({c.d for c in self.compressions}):
            here = [c for c in self.compressions if c.d == d]
            similarities = tuple(float(np.mean(c.similarity or (1.0,))) for c in here)
            found.append(Point(d, tuple(c.accuracy for c in here), similarities))
        return tuple(found)


def compression_curve(
    model: Model,
    widths: Sequence[int],
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    schedule: Schedule | None = None,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> CompressionCurve:
    """Compress a model to several widths, by several seeds each.

    Args:
        model: as of ``compress``.
        widths: dimensions.
        seeds: of the matrices that training begins with.
        schedule: of the training.
        folder: where compressions are kept as soon as they are learnt, and found again when the
            same are asked for, so that an interrupted run goes on. None keeps nothing.
        progress: called after each step, with how many are done of all that are to be done.

    Raises:
        InvalidInputError: as of ``compress``, or nothing is asked for.
    """
    if not widths or not seeds:
        raise InvalidInputError("give at least one width, and one seed")
    schedule = Schedule() if schedule is None else schedule
    asked = [(d, seed) for d in dict.fromkeys(widths) for seed in dict.fromkeys(seeds)]
    fingerprint = fingerprint_of(model)
    known = {pair: _kept(folder, *pair, schedule, fingerprint) for pair in asked}
    missing = [pair for pair in asked if known[pair] is None]
    for start in range(0, len(missing), TOGETHER):
        group = missing[start : start + TOGETHER]
        steps = -(-len(missing) // TOGETHER) * schedule.steps
        before = start // TOGETHER * schedule.steps

        def report(done: int, of: int, before: int = before, steps: int = steps) -> None:
            if progress is not None:
                progress(before + done, steps)

        for pair, made in zip(group, compress_each(model, group, schedule, report), strict=True):
            known[pair] = made
            if folder is not None:
                made.save(_place(folder, *pair))
    compressions = tuple(made for made in known.values() if made is not None)
    return CompressionCurve(model.atlas.output, model.d_model, model.width_bound, compressions)


def _place(folder: str | Path, d: int, seed: int) -> Path:
    return Path(folder) / f"d{d}-seed{seed}.safetensors"


def _kept(
    folder: str | Path | None, d: int, seed: int, schedule: Schedule, fingerprint: str
) -> Compression | None:
    """A compression that is there from before, if it is what would be made anew."""
    if folder is None or not _place(folder, d, seed).exists():
        return None
    found = Compression.load(_place(folder, d, seed))
    return found if (found.schedule, found.fingerprint) == (schedule, fingerprint) else None
