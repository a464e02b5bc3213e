"""Whether an atlas speaks of the model that it came with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shoal.atlas.atlas import Atlas, Reading
from shoal.transformer.weights import Sizes
from shoal_solvers import ALTERNATING


def misfits(atlas: Atlas, sizes: Sizes) -> Iterator[str]:
    """What it says that cannot be so, in words.

    Args:
        atlas: as it was read from a file.
        sizes: of the transformer in that file.
    """
    end = ALTERNATING.last_state(sizes.num_layers)
    columns = sizes.d_model if atlas.basis is None else atlas.basis.shape[-1]
    if atlas.output not in atlas.values:
        yield f"its result {atlas.output!r} is no value of it"
    for place in atlas.places.values():
        if not all(0 <= column < columns for column in place.columns):
            yield f"{place.name!r} lies in columns beyond the {columns} that there are"
        if not 0 <= place.first <= place.last <= end:
            yield f"{place.name!r} lives from half-layer {place.first} to {place.last} of {end}"
        if len(place.columns) != len(place.parts):
            yield f"{place.name!r} has {len(place.columns)} columns and {len(place.parts)} parts"
    if atlas.basis is not None and (atlas.basis.ndim, len(atlas.basis)) != (2, sizes.d_model):
        yield f"its basis is {list(atlas.basis.shape)}, and the stream has {sizes.d_model} columns"
    for reading in _readings(atlas):
        widths = [len(atlas.places[n].columns) for n in reading.variables if n in atlas.places]
        if len(widths) < len(reading.variables) or sum(widths) != len(reading.matrix):
            yield f"it reads {', '.join(reading.variables)} from where they are not"
    for value in atlas.values.values():
        if value.table is None:
            continue
        if not set(value.inputs) <= set(atlas.values):
            yield f"{value.label!r} is looked up by what is no value of it"
        if value.table.ndim != len(value.inputs):
            yield f"the table of {value.label!r} is over other operands than it has"
    for selector in atlas.selectors.values():
        if not set(selector.inputs) <= {*atlas.values, *atlas.selectors}:
            yield f"{selector.label!r} selects by what is no value of it"
        if selector.predicate is not None and selector.predicate.ndim != 2:
            yield f"the predicate of {selector.label!r} is over other operands than two"
    for part in atlas.parts:
        if not 0 <= part.half_layer < end:
            yield f"{part.name!r} is in half-layer {part.half_layer} of {end}"


def _readings(atlas: Atlas) -> Iterable[Reading]:
    yield atlas.result
    for value in atlas.values.values():
        yield from value.readings
        if value.of_blocks is not None:
            yield value.of_blocks
