"""Functionals of a variable that somebody takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from shoal.arrays import Array, Float
from shoal.craft.affine import Matrix
from shoal.narrowing.basis import each_once
from shoal.narrowing.chosen import Read


@dataclass
class Demands:
    """Functionals of a variable that somebody takes.

    Attributes:
        size: dimensions.
        exact: when, and [dimensions, functionals] that are wanted as they are.
        free: the same, wanted up to constants.
        passed_on: those of either kind that others read what is made of.
        decoded: those that the decoder takes to tell classes apart, up to constants.
        bears: how far off each of these may be in any case.
    """

    size: int
    exact: list[tuple[int, Matrix]] = field(default_factory=list)
    free: list[tuple[int, Matrix]] = field(default_factory=list)
    passed_on: list[tuple[int, Matrix]] = field(default_factory=list)
    decoded: list[tuple[int, Matrix]] = field(default_factory=list)
    bears: float = 0.0

    @property
    def times(self) -> tuple[int, ...]:
        """The half-layers in which somebody reads, the last one first."""
        found = {when for when, _ in (*self.exact, *self.free, *self.decoded)}
        return tuple(sorted(found, reverse=True))

    def add(self, rows: Matrix, read: Read, when: int) -> None:
        """Demand what a map reads in a half-layer, by its rows [dimensions, functionals]."""
        if read.bears:
            self.decoded.append((when, rows))
            self.bears = min(self.bears or read.bears, read.bears)
            return
        (self.exact if read.is_exact else self.free).append((when, rows))
        if read.passes_on:
            self.passed_on.append((when, rows))

    def wanted(self, since: int = 0) -> tuple[Matrix, Matrix]:
        """What is wanted as it is, and up to constants, in a half-layer or later."""
        return self.joined(self.exact, since), self.joined([*self.free, *self.decoded], since)

    def joined(
        self, kind: Iterable[tuple[int, Matrix]], since: int = 0
    ) -> Float[Array, "dimensions functionals"]:
        """Those of a kind that are wanted in a half-layer or later, each functional once."""
        matrices = [rows for when, rows in kind if when >= since]
        if not matrices:
            return np.zeros((self.size, 0))
        columns = np.hstack(matrices)
        return each_once(columns[:, columns.any(axis=0)])
