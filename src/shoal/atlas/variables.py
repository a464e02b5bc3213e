"""Where named values are found in the residual stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from shoal.atlas.atlas import Atlas, NamedValue, Part, Reading
from shoal.atlas.basis import columns_of
from shoal.craft.affine import AffineMap
from shoal.craft.bases import Direction, Space, numbered_space
from shoal.errors import InvalidInputError
from shoal.forms.count import Count
from shoal.forms.one_hot import class_labels
from shoal.program.facts.domains import Enumerated
from shoal.shown import shown_fields
from shoal.targets.hooks import Hook, value_hook
from shoal.views import variables_card
from shoal_solvers import ALTERNATING


@dataclass(frozen=True)
class VariableInfo:
    """Where one value lives.

    Attributes:
        name: the s-op's name, or the name of a helper value.
        encoding: "one-hot", "distribution" (an average of one-hot values), "scalar", "scalar
            and presence" (a second dimension is 1 where there is a value, and 0 for None), or
            another form, followed by ", in part" if no reader needs all its dimensions, and so
            not all of them are there; "view" for an affine function of other variables, "fused"
            for a value that is only computed inside the components that need it, "dropped" for one
            that nothing needs.
        labels: ``name:value`` of each dimension; for one-hot views, of each coordinate.
        columns: the residual column of each dimension; empty for views and fused values, and in
            models whose stream was rotated.
        first: the first half-layer that can read it.
        last: the last half-layer that can read it; ``2 * num_layers`` if it is there at the end.
        written_by: the half-layer that writes it; None for what the embedding writes.
        aliases: further names of the same value.
        of: for views, the variables; for fused values, the s-ops that determine it.
        view: for views, the affine map from the variables' directions to the value's
            coordinates: one for each value if it is one-hot, else the number (and presence).
        sublayer: what writes it: "embedding", "attention" or "mlp"; "" for views and fused values.
        layer: in which it is written; None for the embedding, views and fused values.
        head: the number of the head that writes it, if one does.
        neurons: the neurons of the layer's MLP that write it, if they do.
    """

    name: str
    encoding: str
    labels: tuple[str, ...]
    columns: tuple[int, ...]
    first: int
    last: int
    written_by: int | None
    aliases: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    view: AffineMap | None = None
    sublayer: str = ""
    layer: int | None = None
    head: int | None = None
    neurons: range | None = None

    def hooks(self, target: str) -> tuple[Hook, ...]:
        """Where a target has the stream that holds it, from when it is first there to the last.

        Args:
            target: "numpy", "haiku", "torch", "transformer-lens", "huggingface" or "onnx".

        Raises:
            InvalidInputError: there is no such target, or it has no columns of its own.
        """
        if not self.columns:
            of = f"; it is read from {', '.join(self.of)}" if self.of else ""
            if self.labels and self.is_materialised:
                of = (
                    ": the stream was rotated, and it lies along directions, which "
                    f"shoal_analysis.lab.directions(model, {self.name!r}) gives"
                )
            raise InvalidInputError(f"{self.name!r} has no columns of its own{of}")
        states = range(self.first, self.last + 1)
        return tuple(value_hook(target, state, self.columns) for state in states)

    @property
    def is_materialised(self) -> bool:
        """Whether it is a variable of the stream, and no view and not fused."""
        return self.encoding not in ("view", "fused", "dropped")


@dataclass(frozen=True)
class Variables(Mapping[str, VariableInfo]):
    """Values by name; aliases are looked up as well, but not counted.

    Attributes:
        infos: by name.
    """

    __repr__ = shown_fields

    infos: Mapping[str, VariableInfo]

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return variables_card(self)

    def __getitem__(self, name: str) -> VariableInfo:
        if name in self.infos:
            return self.infos[name]
        if name not in self._aliases:
            raise KeyError(f"no value is named {name!r}; the names are: {', '.join(self.infos)}")
        return self.infos[self._aliases[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.infos)

    def __len__(self) -> int:
        return len(self.infos)

    @cached_property
    def _aliases(self) -> dict[str, str]:
        return {alias: name for name, info in self.infos.items() for alias in info.aliases}


def variable_table(atlas: Atlas) -> Variables:
    """Every variable that is present, and every s-op that has none of its own, by name."""
    table = {}
    writers = {name: part for part in atlas.parts if part.kind != "erasure" for name in part.writes}
    for place in atlas.places.values():
        value = atlas.values.get(place.name)
        table[place.name] = VariableInfo(
            name=place.name,
            encoding=place.words,
            labels=place.labels,
            columns=columns_of(atlas, place.name),
            first=place.first,
            last=place.last,
            written_by=place.written_by,
            aliases=value.aliases if value is not None and place.value == place.name else (),
            **_written(None if place.written_by is None else writers.get(place.name)),
        )
    for value in atlas.values.values():
        if value.label not in table and value.replaced_by is None:
            count = _undecoded_count(value)
            if count is not None:
                table[value.label] = replace(table[count], name=value.label, aliases=value.aliases)
                continue
            info = _without_variable(atlas, value)
            if info is not None:
                table[value.label] = info
    return Variables(table)


def _undecoded_count(value: NamedValue) -> str | None:
    """The variable of a count that is held as a head has written it, and in no other way."""
    ways = value.readings if value.of_blocks is None else (*value.readings, value.of_blocks)
    if value.is_compiled and ways and all(r.is_raw and r.form == Count.name for r in ways):
        return ways[0].variables[0]
    return None


def _written(part: Part | None) -> dict[str, Any]:
    """What writes a variable."""
    if part is None:
        return {"sublayer": "embedding"}
    layer = ALTERNATING.layer(part.half_layer)
    if part.kind == "head":
        return {"sublayer": "attention", "layer": layer, "head": part.first}
    neurons = range(part.first, part.first + part.size)
    return {"sublayer": "mlp", "layer": layer, "neurons": neurons}


def _without_variable(atlas: Atlas, value: NamedValue) -> VariableInfo | None:
    """An s-op that no variable of its own holds: a view of others, fused, or dropped.

    None for inputs that nothing reads.
    """
    if not value.is_compiled:
        return _fused(atlas, value, "dropped") if value.inputs else None
    readings = [r for r in (*value.readings, value.of_blocks) if r is not None]
    views = [r for r in readings if not r.is_raw]
    if not views:
        return _fused(atlas, value, "fused") if value.inputs else None
    return _view(atlas, value, views[0])


def _view(atlas: Atlas, value: NamedValue, reading: Reading) -> VariableInfo:
    places = [atlas.places[name] for name in reading.variables]
    directions = [Direction(place.name, part) for place in places for part in place.parts]
    target = numbered_space(value.label, len(reading.bias))
    labels: tuple[str, ...] = ()
    if reading.shows_classes and value.classes is not None:
        labels = tuple(f"{value.label}:{t}" for t in class_labels(held_domain(value)))
    return VariableInfo(
        value.label,
        "view",
        labels,
        (),
        first=max((place.first for place in places), default=0),
        last=min((place.last for place in places), default=0),
        written_by=None,
        aliases=value.aliases,
        of=reading.variables,
        view=AffineMap(Space(tuple(directions)), target, reading.matrix, reading.bias),
    )


def held_domain(value: NamedValue) -> Enumerated:
    """The domain as it is held: of merged values, their blocks."""
    assert value.classes is not None
    if value.blocks is None:
        return Enumerated(value.classes)
    blocks: dict[int, list[object]] = {}
    for block, members in zip(value.blocks, value.classes, strict=True):
        blocks.setdefault(block, []).extend(members)
    return Enumerated(tuple(tuple(blocks[block]) for block in sorted(blocks)))


def _fused(atlas: Atlas, value: NamedValue, encoding: str) -> VariableInfo:
    of = atlas.through_selectors(value.made_from)
    return VariableInfo(value.label, encoding, (), (), 0, 0, None, value.aliases, of)
