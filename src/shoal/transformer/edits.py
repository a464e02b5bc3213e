"""Edits of the residual stream: what a forward pass finds in place of what it computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Bool, Float
from shoal.shown import shown_fields

ROLES = ("query", "key", "value", "hidden", "result")
"""What reads the stream: three maps of each head, neurons, and the unembedding."""


@dataclass(frozen=True)
class Read:
    """Some of what is computed from the stream at one place.

    Attributes:
        half_layer: which reads the stream; for the result, the number of half-layers.
        role: one of ``ROLES``.
        units: which of the outputs: of all queries, keys or values of the layer's heads, one head
            after the other; of the neurons; or of the result's coordinates.
    """

    half_layer: int
    role: str
    units: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Edit:
    """Coordinates that are read from the stream are set, and what is orthogonal to them stays.

    Attributes:
        name: of the value, for people.
        state: of the stream, counted in half-layers: 0 is after the embedding.
        reading: from the stream to the coordinates.
        bias: added to them.
        writing: from a change of the coordinates to the least change of the stream that makes it.
        target: what the coordinates become.
        mask: at which positions, BOS counted.
        last: the last state in which it holds; for edits for everybody.
        read: who finds the edited stream there; None for everybody from then on.
    """

    __repr__ = shown_fields

    name: str
    state: int
    reading: Float[Array, "columns coordinates"]
    bias: Float[Array, " coordinates"]
    writing: Float[Array, "coordinates columns"]
    target: Float[Array, "batch positions coordinates"]
    mask: Bool[Array, "batch positions"]
    last: int
    read: Read | None = None

    def applied(self, stream: Any, convert: Any = None) -> Any:
        """The edited stream.

        Args:
            stream: [batch, positions, columns], an array of NumPy or of another library.
            convert: from arrays of NumPy to arrays that can be combined with the stream.
        """
        if convert is None:
            convert = lambda array: array.astype(stream.dtype)  # noqa: E731
        length = stream.shape[1]
        target, mask = convert(self.target[:, :length]), convert(self.mask[:, :length, None])
        writing = convert(self.writing)
        now = stream @ convert(self.reading) + convert(self.bias)
        # first taken away, then added: beside a large number a small one would be lost
        return stream - (now * mask) @ writing + (target * mask) @ writing


def edited(stream: Any, edits: tuple[Edit, ...], state: int, convert: Any = None) -> Any:
    """The stream after the edits for everybody of a state."""
    for edit in edits:
        if edit.read is None and edit.state == state:
            stream = edit.applied(stream, convert)
    return stream


def shown(
    stream: Any, edits: tuple[Edit, ...], half_layer: int, role: str, convert: Any = None
) -> dict[tuple[int, ...], Any]:
    """The streams that some units of a role find in a half-layer in place of the stream."""
    found: dict[tuple[int, ...], Any] = {}
    for edit in edits:
        read = edit.read
        if read is not None and (read.half_layer, read.role) == (half_layer, role):
            found[read.units] = edit.applied(found.get(read.units, stream), convert)
    return found


def stacked(edits: tuple[tuple[Edit, ...], ...], positions: int) -> tuple[Edit, ...]:
    """The edits of several inputs, for one batch of them.

    Args:
        edits: for each input, edits of a batch of one.
        positions: of the batch.
    """
    rows: dict[tuple[str, int, bytes, Read | None], list[tuple[int, Edit]]] = {}
    for row, of_one in enumerate(edits):
        for edit in of_one:
            key = (edit.name, edit.state, edit.reading.tobytes(), edit.read)
            rows.setdefault(key, []).append((row, edit))
    made = []
    for found in rows.values():
        first = found[0][1]
        target = np.zeros((len(edits), positions, len(first.bias)))
        mask: npt.NDArray[np.bool_] = np.zeros((len(edits), positions), dtype=bool)
        for row, edit in found:
            here = np.pad(edit.mask[0], (0, positions - edit.mask.shape[1]))
            mask[row] |= here
            target[row, here] = edit.target[0, edit.mask[0]]
        made.append(replace(first, target=target, mask=mask))
    return tuple(made)
