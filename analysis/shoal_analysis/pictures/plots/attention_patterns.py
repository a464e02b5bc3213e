"""Which keys every head attends to on one input."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shoal.atlas.atlas import Part
from shoal.errors import InvalidInputError
from shoal.model import Model
from shoal.rasp.values import Value
from shoal_analysis.pictures.heads import selector_of
from shoal_analysis.pictures.plots.drawing import (
    WEIGHTS,
    canvas,
    label_positions,
    left_out,
    say_nothing_to_draw,
    shortened,
    token_labels,
)
from shoal_solvers import ALTERNATING, Kind

MOST_HEADS = 24
MOST_POSITIONS = 48
"""Positions of one panel, BOS included."""

MOST_WITH_NUMBERS = 13
"""Positions of a panel whose cells have numbers in them."""


def attention(
    model: Model,
    tokens: Sequence[Value],
    layer: int | None = None,
    head: int | None = None,
    axes: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """A panel for each head: queries from top to bottom, keys from left to right.

    Args:
        model: with an atlas.
        tokens: the input, without BOS.
        layer: whose heads are drawn; None for all.
        head: the number of the head within each layer; None for all that do anything.
        axes: one for each head.

    Raises:
        InvalidInputError: the input does not fit the model, or there is no such layer or head.
    """
    length = len(model.checked([tokens])[0])
    passed = model.run_ids(model.ids([tokens])[:, : length + 1])
    wanted = _wanted(model, layer, head)
    shown = list(islice(wanted, MOST_HEADS))
    positions = min(length + 1, MOST_POSITIONS)
    labels = token_labels(model.input_encoder.bos_token, tokens)[:positions]
    side = 0.9 + max(1.6, 0.24 * positions)
    with canvas(axes, len(shown), (side, side + 0.6), across=4) as made:
        if not shown:
            say_nothing_to_draw(made.axes[0], "no head does anything here")
        for ax, (number, which) in zip(made.axes, shown, strict=False):
            weights = softmax(passed.attn_logits[number][0, which])[:positions, :positions]
            _draw(ax, weights, labels)
            ax.set_title(_title(model, number, which), fontsize="small")
        made.note(
            [
                left_out(len(wanted) - len(shown), "heads"),
                left_out(length + 1 - positions, "positions"),
            ]
        )
    return made.figure


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """What is attended to [queries, keys], from logits after masking."""
    exponentials = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    result: npt.NDArray[np.float64] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return result


def _wanted(model: Model, layer: int | None, head: int | None) -> list[tuple[int, int]]:
    """The heads that are asked for, as (layer, head); without a number those that do anything."""
    for what, number, count in (
        ("layer", layer, model.num_layers),
        ("head", head, model.num_heads),
    ):
        if number is not None and number not in range(count):
            known = f"counted from 0 to {count - 1}" if count else f"the model has no {what}s"
            raise InvalidInputError(f"there is no {what} {number!r}; {known}")
    layers = range(model.num_layers) if layer is None else [layer]
    if head is not None:
        return [(number, head) for number in layers]
    heads = {(ALTERNATING.layer(p.half_layer), p.first) for p in model.atlas.parts if _is_head(p)}
    return sorted(pair for pair in heads if pair[0] in layers)


def _is_head(part: Part) -> bool:
    return part.kind == "head"


def _title(model: Model, layer: int, head: int) -> str:
    half_layer = ALTERNATING.half_layer(layer, Kind.ATTENTION)
    lines = [f"layer {layer}, head {head}"]
    parts = [
        part
        for part in model.atlas.parts
        if _is_head(part) and part.half_layer == half_layer and part.first == head
    ]
    if not parts:
        return f"{lines[0]}\nunused"
    for part in parts:
        selector = selector_of(model.atlas, part)
        lines += textwrap.wrap(shortened(selector, 76), 30) if selector else []
        lines += textwrap.wrap(shortened(f"writes {', '.join(part.writes)}", 76), 30)
    return "\n".join(lines)


def _draw(ax: Axes, weights: npt.NDArray[np.float64], labels: Sequence[str]) -> None:
    ax.imshow(weights, cmap=WEIGHTS, vmin=0, vmax=1)
    label_positions(ax, labels)
    label_positions(ax, labels, axis="y")
    ax.set_xlabel("key", fontsize="small")
    ax.set_ylabel("query", fontsize="small")
    if len(labels) <= MOST_WITH_NUMBERS:
        for query, key in np.argwhere(weights >= 0.005):
            weight = weights[query, key]
            ax.text(
                key,
                query,
                f"{weight:.2f}".removeprefix("0").removesuffix(".00"),
                ha="center",
                va="center",
                fontsize="xx-small",
                color="white" if weight > 0.5 else "black",
            )
