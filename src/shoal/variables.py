"""Where named values are found in the residual stream."""

from __future__ import annotations

from dataclasses import dataclass

from shoal.craft.components import BOS
from shoal.lowering.lowered import LoweredProgram
from shoal_solvers import Allocation, AllocationProblem, lifetimes


@dataclass(frozen=True)
class VariableInfo:
    """Where one value lives.

    Attributes:
        name: the s-op's name, or the name of a helper value.
        encoding: "one-hot", "scalar", or "scalar and presence" (a second dimension is 1
            where there is a value, and 0 for None).
        labels: ``name:value`` of each dimension.
        columns: the residual column of each dimension.
        first: the first half-layer that can read it.
        last: the last half-layer that can read it; ``2 * num_layers`` if it is there at the end.
        written_by: the half-layer that writes it; None for what the embedding writes.
        aliases: further names of the same value.
    """

    name: str
    encoding: str
    labels: tuple[str, ...]
    columns: tuple[int, ...]
    first: int
    last: int
    written_by: int | None
    aliases: tuple[str, ...] = ()


def variable_table(
    lowered: LoweredProgram, problem: AllocationProblem, allocation: Allocation
) -> dict[str, VariableInfo]:
    """Every variable that is present, by name."""
    lives = lifetimes(problem, allocation.num_layers, allocation.placements, allocation.erasures)
    table = {}
    for name, variable in lowered.variables.items():
        if name not in allocation.columns:
            continue
        placement = allocation.placements.get(name)
        node = None if variable.node is None else lowered.inferred.program.node(variable.node)
        table[name] = VariableInfo(
            name=name,
            encoding=variable.encoding,
            labels=tuple(direction.label for direction in variable.space.directions),
            columns=allocation.columns[name],
            first=lives[name].first,
            last=lives[name].last,
            written_by=None if placement is None else placement.half_layer,
            aliases=() if node is None else node.aliases,
        )
    return table


def labels_at(
    lowered: LoweredProgram,
    problem: AllocationProblem,
    allocation: Allocation,
    d_model: int,
    half_layer: int,
) -> list[str]:
    """The label of each residual column just before a half-layer; "" for free columns."""
    labels = [""] * d_model
    for info in variable_table(lowered, problem, allocation).values():
        if info.first <= half_layer <= info.last:
            for column, label in zip(info.columns, info.labels, strict=True):
                labels[column] = "tokens:BOS" if label == BOS.label else label
    return labels
