"""The half-layers of a network, and what can be read where: all arithmetic of their kinds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kind of half-layer that an operation runs in."""

    ATTENTION = "attention"
    MLP = "mlp"


@dataclass(frozen=True)
class Timeline:
    """Layers of the same slots, one after the other; a half-layer is one slot of one layer.

    Half-layers are numbered from 0. State h is the stream just before half-layer h; the last state
    is the network's output. What a half-layer writes is in the stream from the next state on.

    Attributes:
        slots: the kinds of the half-layers of one layer, in their order, each kind once.
    """

    slots: tuple[Kind, ...] = (Kind.ATTENTION, Kind.MLP)

    def half_layers(self, num_layers: int) -> range:
        """All half-layers of so many layers."""
        return range(len(self.slots) * num_layers)

    def last_state(self, num_layers: int) -> int:
        """The network's output."""
        return len(self.slots) * num_layers

    def kind(self, half_layer: int) -> Kind:
        """What runs in a half-layer."""
        return self.slots[half_layer % len(self.slots)]

    def layer(self, half_layer: int) -> int:
        """The layer that a half-layer belongs to."""
        return half_layer // len(self.slots)

    def half_layer(self, layer: int, kind: Kind) -> int:
        """The half-layer of a kind in a layer."""
        return len(self.slots) * layer + self.slots.index(kind)

    def name(self, half_layer: int) -> str:
        """The kind and the layer of a half-layer, for people."""
        kind = "attention" if self.kind(half_layer) is Kind.ATTENTION else "MLP"
        return f"{kind} {self.layer(half_layer)}"

    def next_half_layer(self, kind: Kind, state: int) -> int:
        """The first half-layer of a kind that sees a state: it is not before ``state``."""
        return state + (self.slots.index(kind) - state) % len(self.slots)

    def lag(self, source: Kind, target: Kind) -> int:
        """Layers that must lie between an operation and one that reads its result.

        What an earlier slot writes can be read by a later slot of the same layer; nothing else can
        be read in the layer that writes it.
        """
        return 0 if self.slots.index(source) < self.slots.index(target) else 1


ALTERNATING = Timeline()
"""Attention and MLP in turns, as in every transformer that is compiled today."""
