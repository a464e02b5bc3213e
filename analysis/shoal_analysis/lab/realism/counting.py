"""Heads that write a count itself, which no change of the stream but the slightest survives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shoal.errors import InvalidInputError
from shoal.lowering.rules.width import BOS_WEIGHT, LINEAR_COUNTS
from shoal.model import Model
from shoal_solvers import ALTERNATING


@dataclass(frozen=True)
class Counting:
    """A head that multiplies what it finds at BOS by some 2^30, and needs a 0 there.

    Attributes:
        name: what it computes.
        is_zero_at_bos: whether all of the stream is 0 at BOS when it is read, so that this 0 is
            one in every basis.
    """

    name: str
    is_zero_at_bos: bool


def heads_that_count(model: Model) -> list[Counting]:
    """The heads of the rule ``linear-counts`` in a compiled model."""
    sizes, found = model.weights.sizes, []
    states = model.run_ids(model.ids([model.input_encoder.vocab[:1]])).states
    for part in model.atlas.parts:
        if part.kind == "head":
            values = slice(part.first * sizes.value_size, (part.first + 1) * sizes.value_size)
            layer = model.weights.layers[ALTERNATING.layer(part.half_layer)]
            if np.linalg.norm(layer.value_w[:, values]) > BOS_WEIGHT / 2:
                found.append(Counting(part.name, not states[part.half_layer][0, 0].any()))
    return found


def require_none_that_counts(model: Model, what: str) -> None:
    """Refuse models with such heads, beside which nothing is learnt.

    Args:
        model: a compiled model.
        what: is to be done with it, as a participle.

    Raises:
        InvalidInputError: it has one.
    """
    for head in heads_that_count(model):
        raise InvalidInputError(
            f"it cannot be {what}: the head that computes {head.name!r} multiplies by 2^30, beside "
            f'which nothing is learnt; compile with passes="none", or leave out {LINEAR_COUNTS!r}'
        )
