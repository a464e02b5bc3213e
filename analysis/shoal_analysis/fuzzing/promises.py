"""Promises about inputs that random programs are compiled under.

They tell tokens apart and no more, so that they hold for tokens of other names as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from shoal.rasp.values import Value, canonical_key, normalise


def all_differ(xs: list[Value]) -> bool:
    """No token comes twice."""
    return _different(xs) == len(xs)


def ends_as_it_begins(xs: list[Value]) -> bool:
    """The first token is the last one as well."""
    return _different([xs[0], xs[-1]]) == 1


def of_even_length(xs: list[Value]) -> bool:
    """There are 2, 4, ... tokens; or one, so that all lengths may be compiled for."""
    return len(xs) % 2 == 0 or len(xs) == 1


def of_two_kinds(xs: list[Value]) -> bool:
    """There are two different tokens at most."""
    return _different(xs) <= 2


PROMISES: Mapping[str, Callable[[list[Value]], bool]] = MappingProxyType(
    {f.__name__: f for f in (all_differ, ends_as_it_begins, of_even_length, of_two_kinds)}
)
"""By name; a single token is an input by all of them."""

MOST_SEQUENCES = 4_000
"""That there are, where a promise is made: all of them are looked at."""


def may_be_promised(vocab: int, max_seq_len: int) -> bool:
    """Whether few enough sequences of so many tokens exist."""
    return bool(sum(vocab**n for n in range(1, max_seq_len + 1)) <= MOST_SEQUENCES)


def _different(xs: list[Value]) -> int:
    return len({canonical_key(normalise(x)) for x in xs})
