"""Colours that people with any colour vision tell apart, on light and on dark ground."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PALETTE = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#904830",
    "#8c8c8c",
)
"""After Okabe and Ito, "Color Universal Design" (2008), all of them legible on both."""


def colour(number: int) -> str:
    """The colour of the n-th thing; after the last they begin anew."""
    return PALETTE[number % len(PALETTE)]


KIND_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "embedding": "#a6d8c7",
        "head": "#a6cbe2",
        "neurons": "#f6d899",
        "mlp": "#f6d899",
        "erasure": "#dddddd",
        "result": "#eebd99",
    }
)
"""Of the nodes of a circuit: paler ones of the same colours, for dark letters on them."""
