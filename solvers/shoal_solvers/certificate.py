"""A lower bound on the width that anybody can check by adding whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class WidthCertificate:
    """A proof that no allocation in some number of layers has fewer columns than ``bound``.

    It says nothing for problems with a budget of neurons, whose width model has other rows.

    Attributes:
        num_layers: layers.
        bound: the columns that are needed.
        multipliers: by row of the width model (``formulate`` with ``erase_at_once``), parts of
            ``SCALE`` of ``shoal_solvers.duality``.
    """

    num_layers: int
    bound: int
    multipliers: Mapping[int, int]
