"""What a compiled model does, half-layer by half-layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from shoal.craft.components import BOS, MLP, Component
from shoal.model import Model
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


def explain(model: Model) -> list[Step]:
    """The steps of a model in order; embeddings come first, as half-layer -1."""
    steps = [
        Step(-1, info.name, "embedding", (), show_columns(info.columns), _until(model, n))
        for n, info in model.variables.items()
        if info.written_by is None and info.is_materialised
    ]
    for half_layer, components in enumerate(model.craft.half_layers):
        erasers = [c for c in components if isinstance(c, MLP) and not c.off_at_bos]
        for component in components:
            if component not in erasers:
                steps += _steps(model, half_layer, component)
        if erasers:
            steps.append(_erasing_step(model, half_layer, erasers))
    return steps


def unmaterialised(model: Model) -> list[str]:
    """A line for each s-op that has no residual columns of its own: a view, or fused."""
    lines = []
    for name, info in model.variables.items():
        if not info.is_materialised:
            of = ", ".join(info.of) or "nothing: it is constant"
            lines.append(f"{name}: {_HOW[info.encoding]} {of}")
    return lines


def merged(model: Model) -> list[str]:
    """A line for each variable that holds several values as one, since no reader minds."""
    lines = []
    for node in model.lowered.inferred.program:
        info = model.variables.get(node.label)
        if info is None or not info.is_materialised or node.id not in model.optimised.original.sops:
            continue
        if model.optimised.is_merged(node.id):
            groups = ", ".join(label.removeprefix(f"{info.name}:") for label in info.labels)
            lines.append(f"{info.name}: holds {groups} (no reader tells more apart)")
    return lines


def _steps(model: Model, half_layer: int, component: Component) -> list[Step]:
    reads = tuple(dict.fromkeys(d.variable for d in component.source.directions if d != BOS))
    action = f"{component.size} neurons" if isinstance(component, MLP) else "head"
    written = dict.fromkeys(d.variable for d in component.target.directions)
    if not written:  # what is always None has no columns
        return [Step(half_layer, component.name, action, reads, "", "")]
    steps = []
    for name in written:
        columns = show_columns(model.allocation.columns[name])
        steps.append(Step(half_layer, name, action, reads, columns, _until(model, name)))
        action = "same head"
    return steps


def _erasing_step(model: Model, half_layer: int, erasers: list[MLP]) -> Step:
    names = tuple(eraser.name for eraser in erasers)
    columns = show_columns([c for name in names for c in model.allocation.columns[name]])
    neurons = f"{sum(eraser.size for eraser in erasers)} neurons"
    return Step(half_layer, "(erase)", neurons, names, columns, "")


def _until(model: Model, name: str) -> str:
    last = model.variables[name].last
    return "end" if last == ALTERNATING.last_state(model.num_layers) else str(last)


def show_columns(columns: Sequence[int]) -> str:
    """Columns as ranges: "0-3, 7"."""
    ranges: list[list[int]] = []
    for column in sorted(columns):
        if ranges and column == ranges[-1][1] + 1:
            ranges[-1][1] = column
        else:
            ranges.append([column, column])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)
