"""The model in craft, run in double precision, in the columns that it has as a transformer."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from shoal.atlas.atlas import Atlas
from shoal.atlas.basis import from_columns, require_compiled
from shoal.craft.components import Head
from shoal.craft.model import CraftModel, head_scores, run_craft
from shoal.lowering.held import Held
from shoal.targets.in_numpy import MASKED
from shoal.targets.target import ForwardPass, Runnable, Runner


class Compiled(Runnable, Protocol):
    """A model that was compiled, and not loaded."""

    @property
    def craft(self) -> CraftModel:
        """The model in craft."""

    @property
    def atlas(self) -> Atlas:
        """What is known about it."""

    @property
    def result(self) -> Held:
        """How the result is held at the end."""


def runner(model: Compiled) -> Runner:
    """Run each sequence by itself, without its PAD; what lies beyond its end is 0.

    Raises:
        InvalidInputError: the model was loaded, so that it has no craft, or its weights are no
            longer what craft has.
    """
    require_compiled(model.atlas, "craft")
    craft, sizes = model.craft, model.weights.sizes
    columns = _columns(model)
    timeline = craft.architecture.timeline

    def run(ids: npt.NDArray[Any]) -> ForwardPass:
        batch, positions = ids.shape
        states = np.zeros((timeline.last_state(sizes.num_layers) + 1, *ids.shape, sizes.d_model))
        shape = (sizes.num_layers, batch, sizes.num_heads, positions, positions)
        logits = np.full(shape, float(MASKED))
        result = np.zeros((*ids.shape, len(model.weights.unembedding_b)))
        for row, tokens in enumerate(ids):
            length = int((tokens != model.input_encoder.pad_encoding).sum())
            streams = run_craft(craft, tokens[1:length].tolist())
            for state, stream in enumerate(streams):
                for place, directions in columns[state]:
                    states[state, row, :length, place] = stream[:, directions].T
            for half_layer in timeline.half_layers(sizes.num_layers):
                heads = [c for c in craft.half_layers[half_layer] if isinstance(c, Head)]
                for number, head in enumerate(heads):
                    scores = head_scores(head, craft, streams[half_layer])
                    scores = np.where(np.isneginf(scores), float(MASKED), scores)
                    layer = timeline.layer(half_layer)
                    logits[layer, row, number, :length, :length] = scores
            states[:, row] = from_columns(model.atlas, states[:, row])
            seen = craft.architecture.seen(streams[-1])
            result[row, :length] = model.result.coordinates.read_from(craft.space, seen)
        return ForwardPass(
            tuple(states[1:]),
            tuple(states[1:] - states[:-1]),
            tuple(logits),
            states[0],
            result,
            model.output_encoder.logits(result),
        )

    return run


def _columns(model: Compiled) -> list[list[tuple[list[int], list[int]]]]:
    """For each state the columns of the variables that live, and their directions in craft."""
    index: dict[str, list[int]] = {}
    for number, direction in enumerate(model.craft.space.directions):
        index.setdefault(direction.variable, []).append(number)
    return [
        [
            (list(place.columns), index[place.name])
            for place in model.atlas.places.values()
            if place.first <= state <= place.last and place.columns
        ]
        for state in range(len(model.craft.half_layers) + 1)
    ]
