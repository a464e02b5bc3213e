"""What kind of transformer there is: its half-layers, and what readers see of the stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shoal_solvers import ALTERNATING, Timeline


@dataclass(frozen=True)
class Architecture:
    """A transformer's plan, asked by every forward pass.

    Attributes:
        name: what it is called.
        timeline: its half-layers.
    """

    name: str = "plain"
    timeline: Timeline = ALTERNATING

    def seen(self, stream: Any) -> Any:
        """What heads, neurons and the unembedding see of the stream [..., d_model].

        Of NumPy and JAX arrays alike. Without a norm it is the stream itself.
        """
        return stream


PLAIN = Architecture()
"""Attention and MLP in turns, without any norm."""
