"""Balance: no kind of program may take more than its part of a corpus, at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from shoal_analysis.corpora.structure import CONSTRUCTS, main_construct

DEPTHS = ("0", "1", "2", "3 or more")
"""Layers of a model, as a corpus is balanced over them."""

ROOM = 1.1
"""A kind may have so many times its even part."""

SLACK = 5
"""And so many models besides, without which no corpus could begin."""


class Balance:
    """How many models of each kind there are, and whether there may be one more.

    The rule looks at the models before alone: a kind has at most ``ROOM`` times its even part of
    them, and ``SLACK``. So a larger corpus begins with the smaller one.

    Args:
        over: names of ``options.BALANCES``.
    """

    def __init__(self, over: Sequence[str]) -> None:
        self._over = over
        self._models = 0
        self._counts: Counter[tuple[str, str]] = Counter()

    def allows(self, num_layers: int, constructs: Sequence[str]) -> bool:
        """Whether there is room for such a model."""
        return all(
            self._counts[name, kind] < ROOM * self._models / kinds + SLACK
            for name, kind, kinds in self._kinds(num_layers, constructs)
        )

    def add(self, num_layers: int, constructs: Sequence[str]) -> None:
        """Count a model that stays."""
        self._models += 1
        for name, kind, _ in self._kinds(num_layers, constructs):
            self._counts[name, kind] += 1

    def _kinds(self, num_layers: int, constructs: Sequence[str]) -> list[tuple[str, str, int]]:
        """What a model is by each name, and how many kinds there are."""
        all_kinds = {
            "depth": (depth_of(num_layers), len(DEPTHS)),
            "constructs": (main_construct(constructs), len(CONSTRUCTS)),
        }
        return [(name, *all_kinds[name]) for name in self._over]


def depth_of(num_layers: int) -> str:
    """One of ``DEPTHS``."""
    return DEPTHS[min(num_layers, len(DEPTHS) - 1)]
