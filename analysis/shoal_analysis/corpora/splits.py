"""Which models are to train on, and which to test on: by family, and whatever their number."""

from __future__ import annotations

from types import MappingProxyType

SHARES = MappingProxyType({"train": 90, "validation": 5, "test": 5})
"""Percent of the families in each split."""

SPLITS = tuple(SHARES)


def split_of(family: str) -> str:
    """The split of a family, by its digest alone; so a corpus that grows moves no model.

    Args:
        family: sixteen hexadecimal digits.
    """
    percent = int(family, 16) % 100
    end = 0
    for split, share in SHARES.items():
        end += share
        if percent < end:
            return split
    raise AssertionError("the shares are a hundred percent together")
