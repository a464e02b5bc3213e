"""Bounds on how many keys a query can select."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WidthBounds:
    """Bounds on a selector's width, for the selector and for its complement.

    Attributes:
        low: every query selects at least so many keys (0 or 1).
        high: no query selects more.
        low_of_complement: the same for the complement.
        high_of_complement: the same for the complement.
        own: whether every query selects the key at its own position.
        own_of_complement: the same for the complement.
    """

    low: int
    high: int
    low_of_complement: int
    high_of_complement: int
    own: bool = False
    own_of_complement: bool = False


def tighter(first: WidthBounds, second: WidthBounds) -> WidthBounds:
    """Bounds that hold where both do."""
    return WidthBounds(
        low=max(first.low, second.low),
        high=min(first.high, second.high),
        low_of_complement=max(first.low_of_complement, second.low_of_complement),
        high_of_complement=min(first.high_of_complement, second.high_of_complement),
        own=first.own or second.own,
        own_of_complement=first.own_of_complement or second.own_of_complement,
    )
