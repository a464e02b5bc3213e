"""Which expressions make a model large, and what to write instead."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from shoal.atlas.atlas import Atlas, NamedValue
from shoal.transformer.weights import Weights

LEAST = 32
"""Nobody minds fewer columns, neurons or dimensions of keys."""

SHARE = 0.5
"""What takes so much of a size dominates it."""


@dataclass(frozen=True)
class Dear:
    """An expression that one of the model's sizes comes from.

    Attributes:
        size: which one, in words.
        name: of the expression.
        amount: how much it takes.
        of: how much there is.
        advice: what to write instead.
    """

    size: str
    name: str
    amount: int
    of: int
    advice: str


def dear(weights: Weights, atlas: Atlas) -> list[Dear]:
    """The expressions that dominate the residual width, the neurons, or the size of keys."""
    return [*_columns(weights, atlas), *_neurons(weights, atlas), *_keys(weights, atlas)]


def _columns(weights: Weights, atlas: Atlas) -> Iterator[Dear]:
    taken: defaultdict[str, int] = defaultdict(int)
    for place in atlas.places.values():
        if place.value is not None:
            taken[place.value] += len(place.columns)
    name = max(taken, key=lambda n: taken[n], default=None)
    if name is not None and _dominates(taken[name], weights.sizes.d_model):
        advice = _of_columns(atlas.values.get(name))
        yield Dear("residual width", name, taken[name], weights.sizes.d_model, advice)


def _of_columns(value: NamedValue | None) -> str:
    fewer = "give it fewer values by a Map, or use a smaller vocab or max_seq_len"
    if value is None or value.classes is None or not value.inputs:
        return fewer
    numbers = all(
        isinstance(member, int | float) and not isinstance(member, bool)
        for members in value.classes
        for member in members
    )
    return f"hold it as one number by rasp.numerical(...), or {fewer}" if numbers else fewer


def _neurons(weights: Weights, atlas: Atlas) -> Iterator[Dear]:
    most = weights.sizes.mlp_hidden_size
    groups = [part for part in atlas.parts if part.kind == "neurons"]
    largest = max(groups, key=lambda part: part.size, default=None)
    if largest is not None and _dominates(largest.size, most):
        advice = "give its operands fewer values by a Map, or compute it in several steps"
        yield Dear("neurons per MLP", largest.name, largest.size, most, advice)


def _keys(weights: Weights, atlas: Atlas) -> Iterator[Dear]:
    sizes = {
        part.name: _key_size(weights, part.half_layer // 2, part.first)
        for part in atlas.parts
        if part.kind == "head"
    }
    name = max(sizes, key=lambda n: sizes[n], default=None)
    if name is None or not _dominates(sizes[name], weights.sizes.key_size):
        return
    others = max((size for other, size in sizes.items() if other != name), default=0)
    if others <= SHARE * sizes[name]:  # else it would not help to make this one smaller
        advice = "let its selector compare fewer different values: Map keys and queries first"
        yield Dear("key size", name, sizes[name], weights.sizes.key_size, advice)


def _key_size(weights: Weights, layer: int, head: int) -> int:
    """The dimensions of a head's keys that are not always 0."""
    size = weights.sizes.key_size
    part = slice(head * size, (head + 1) * size)
    used = weights.layers[layer].key_w[:, part].any(axis=0) | (
        weights.layers[layer].key_b[part] != 0
    )
    return int(used.sum())


def _dominates(amount: int, of: int) -> bool:
    return amount >= LEAST and amount >= SHARE * of
