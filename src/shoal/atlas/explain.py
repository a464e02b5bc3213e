"""What a compiled model does, half-layer by half-layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from shoal.atlas.atlas import Atlas, NamedValue, Part, Place
from shoal.atlas.basis import columns_of
from shoal.atlas.variables import held_domain, variable_table
from shoal.forms.one_hot import class_labels
from shoal_solvers import ALTERNATING

_HOW = MappingProxyType(
    {"view": "a view of", "fused": "fused, from", "dropped": "not needed; it would be read from"}
)


@dataclass(frozen=True)
class Step:
    """One value that is computed in one half-layer.

    Attributes:
        half_layer: its number; even ones are attention.
        component: the variable that is computed; "(erase)" for all erasures together.
        action: "embedding", "head", "same head" for further values of the head before, or
            "12 neurons".
        reads: the variables that it reads, BOS left out; for erasures, what is erased.
        columns: the residual columns that it writes or clears, such as "0-3, 7".
        lives: until which half-layer the value can be read, "end", or "" for erasures.
    """

    half_layer: int
    component: str
    action: str
    reads: tuple[str, ...]
    columns: str
    lives: str


def explain(atlas: Atlas, num_layers: int) -> list[Step]:
    """The steps of a model in order; embeddings come first, as half-layer -1."""
    end = ALTERNATING.last_state(num_layers)
    steps = [
        Step(-1, p.name, "embedding", (), show_columns(columns_of(atlas, p.name)), _until(p, end))
        for p in atlas.places.values()
        if p.written_by is None
    ]
    for half_layer in ALTERNATING.half_layers(num_layers):
        parts = [part for part in atlas.parts if part.half_layer == half_layer]
        for part in parts:
            if part.kind != "erasure":
                steps += _steps(atlas, part, end)
        erasures = [part for part in parts if part.kind == "erasure"]
        if erasures:
            steps.append(_erasing_step(atlas, half_layer, erasures))
    return steps


def unmaterialised(atlas: Atlas) -> list[str]:
    """A line for each s-op that has no residual columns of its own: a view, or fused."""
    lines = []
    for name, info in variable_table(atlas).items():
        if not info.is_materialised:
            of = ", ".join(info.of) or _of_nothing(atlas.values.get(name))
            lines.append(f"{name}: {_HOW[info.encoding]} {of}")
    return lines


def _of_nothing(value: NamedValue | None) -> str:
    """What an s-op is made from that no other s-op determines."""
    if value is None or value.is_constant:
        return "nothing: it is constant"
    return "how many tokens there are"


def merged(atlas: Atlas) -> list[str]:
    """A line for each variable that holds several values as one, since no reader minds."""
    lines = []
    for value in atlas.values.values():
        place = atlas.places.get(value.label)
        if place is not None and value.blocks is not None and value.replaced_by is None:
            held = ", ".join(class_labels(held_domain(value)))
            lines.append(f"{place.name}: holds {held} (no reader tells more apart)")
    return lines


def _steps(atlas: Atlas, part: Part, end: int) -> list[Step]:
    action = "head" if part.kind == "head" else f"{part.size} neurons"
    steps = []
    for name in part.writes:
        place = atlas.places.get(name)
        there = place is not None and bool(place.columns)  # what is always None has no columns
        until = _until(place, end) if place is not None and there else ""
        columns = "" if place is None else show_columns(columns_of(atlas, name))
        steps.append(Step(part.half_layer, name, action, part.reads, columns, until))
        action = "same head"
    return steps


def _erasing_step(atlas: Atlas, half_layer: int, erasures: list[Part]) -> Step:
    names = tuple(name for part in erasures for name in part.writes)
    columns = show_columns([c for name in names for c in columns_of(atlas, name)])
    neurons = f"{sum(part.size for part in erasures)} neurons"
    return Step(half_layer, "(erase)", neurons, names, columns, "")


def _until(place: Place, end: int) -> str:
    return "end" if place.last == end else str(place.last)


def show_columns(columns: Sequence[int]) -> str:
    """Columns as ranges: "0-3, 7"."""
    ranges: list[list[int]] = []
    for column in sorted(columns):
        if ranges and column == ranges[-1][1] + 1:
            ranges[-1][1] = column
        else:
            ranges.append([column, column])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)
