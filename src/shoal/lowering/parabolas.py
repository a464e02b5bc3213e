"""Equality as a parabola: queries and keys meet in two dimensions, however many values they take.

Number keys p and queries q so that what is selected has q = p, and all numbers are whole. Then
1 - (p - q)**2 is 1 where a key is selected and at most 0 elsewhere, as scores are to be, and it is
2 q p - p**2 but for what depends on the query alone. That is a product of (2 q, -1) and (p, p**2).
What depends on the query alone is given to BOS instead, which is attended to just the same then.

An equality that is one part of a score is ``top`` where it holds, and less by ``fall`` elsewhere:
top - fall (p - q)**2 then. It may be less than that where it does not hold, if nothing is selected
there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from shoal.arrays import Array, Float
from shoal.contract import COLDNESS, ROUNDING
from shoal.craft.affine import Matrix

FEWEST = 3
"""Queries that select different keys; for fewer of them equality takes no more dimensions."""

MOST = 300
"""The largest number: the coldness times all terms of a score is below 2**24 then."""


@dataclass(frozen=True, eq=False)
class Parabola:
    """Numbers of keys and queries by which equality is scored.

    Attributes:
        keys: [key classes], different whole numbers.
        queries: [query classes], that of the key that is selected, or of none.
        top: the score where they are equal.
        fall: how much less it is where they are one apart.
    """

    keys: Float[Array, " keys"]
    queries: Float[Array, " queries"]
    top: float = 1.0
    fall: float = 1.0

    @property
    def scores(self) -> Float[Array, "queries keys"]:
        """``top`` where they are equal, less by ``fall`` or more elsewhere."""
        return np.asarray(self.top - self.fall * (self.queries[:, None] - self.keys) ** 2)

    @property
    def factors(self) -> tuple[Matrix, Matrix]:
        """[queries, 2] but for ``constants``, and [2, keys]."""
        left = np.stack([2 * self.fall * self.queries, np.zeros(len(self.queries))], axis=1)
        return left, np.stack([self.keys, self.keys**2])

    @property
    def constants(self) -> Float[Array, 2]:
        """[2], added to the query's side."""
        return np.array([0.0, -self.fall])

    @property
    def for_bos(self) -> Float[Array, " queries"]:
        """What BOS scores more, since it is left out of the products."""
        return np.asarray(self.fall * self.queries**2 - self.top)

    @property
    def rounding(self) -> float:
        """How far float32 may take a score off, times the coldness, adding up in any order."""
        most_key = float(np.abs(self.keys).max(initial=0.0))
        most_query = float(np.abs(self.queries).max(initial=0.0))
        terms = 2 * most_key * most_query + most_key**2 + most_query**2
        return 4 * ROUNDING * COLDNESS * self.fall * terms


def parabola_of(
    scores: Float[Array, "queries keys"],
    key_numbers: Sequence[object],
    query_numbers: Sequence[object],
    none_among_keys: bool,
) -> Parabola | None:
    """Numbers for scores that are one number where selected and a smaller one elsewhere.

    None if there are none.

    Values that are whole numbers and select what is equal to them number themselves.

    Args:
        scores: by classes.
        key_numbers: the values of keys, of whatever kind.
        query_numbers: the same for queries.
        none_among_keys: whether a key can be None, whose number is 0 then, and nobody else's.
    """
    top, low = float(scores.max()), float(scores.min())
    selected = scores == top
    is_matching = (selected.sum(axis=0) <= 1).all() and (selected.sum(axis=1) <= 1).all()
    if not is_matching or not (selected | (scores == low)).all() or selected.sum() < FEWEST:
        return None
    if none_among_keys and low > 0.0:  # what is None scores 0 as it is
        return None
    found = _themselves(selected, key_numbers, query_numbers, none_among_keys)
    if found is None:
        found = _ranks(selected, none_among_keys)
    largest = max(np.abs(found.keys).max(), np.abs(found.queries).max())
    return replace(found, top=top, fall=top - low) if largest <= MOST else None


def _themselves(
    selected: Matrix, keys: Sequence[object], queries: Sequence[object], none_among_keys: bool
) -> Parabola | None:
    """Whole numbers that select what is equal to them."""
    both = (*keys, *queries)
    if none_among_keys or not all(type(v) is int and abs(v) < 2**24 for v in both):
        return None
    key, query = np.array(keys, dtype=float), np.array(queries, dtype=float)
    if ((query[:, None] == key) != selected).any():
        return None
    low, high = key.min(), key.max()
    middle = np.floor((low + high) / 2)
    # what selects nothing need not be farther from the keys than 1
    return Parabola(key - middle, np.clip(query, low - 1, high + 1) - middle)


def _ranks(selected: Matrix, none_among_keys: bool) -> Parabola:
    """Keys numbered in their order around 0, and queries that select none above all of them."""
    count = selected.shape[1]
    keys = np.arange(count, dtype=float) - count // 2
    if none_among_keys:
        keys = np.where(keys >= 0, keys + 1, keys)
    nothing = keys.max() + 1
    queries = np.where(selected.any(axis=1), keys[selected.argmax(axis=1)], nothing)
    return Parabola(keys, queries)
