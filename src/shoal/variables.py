"""Where named values are found in the residual stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from shoal.craft.affine import AffineMap
from shoal.craft.components import BOS
from shoal.forms.one_hot import class_labels
from shoal.lowering.held import Held
from shoal.lowering.lowered import LoweredProgram
from shoal.program.facts.domains import Enumerated
from shoal.program.ir import Node, Program
from shoal.program.passes import Optimised
from shoal_solvers import Allocation, AllocationProblem, lifetimes_in


@dataclass(frozen=True)
class VariableInfo:
    """Where one value lives.

    Attributes:
        name: the s-op's name, or the name of a helper value.
        encoding: "one-hot", "distribution" (an average of one-hot values), "scalar", "scalar
            and presence" (a second dimension is 1 where there is a value, and 0 for None);
            "view" for an affine function of other variables, "fused" for a value that is only
            computed inside the components that need it, "dropped" for one that nothing needs.
        labels: ``name:value`` of each dimension; for one-hot views, of each coordinate.
        columns: the residual column of each dimension; empty for views and fused values.
        first: the first half-layer that can read it.
        last: the last half-layer that can read it; ``2 * num_layers`` if it is there at the end.
        written_by: the half-layer that writes it; None for what the embedding writes.
        aliases: further names of the same value.
        of: for views, the variables; for fused values, the s-ops that determine it.
        view: for views, the affine map from the variables' directions to the value's
            coordinates: one for each value if it is one-hot, else the number (and presence).
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

    infos: Mapping[str, VariableInfo]

    def __getitem__(self, name: str) -> VariableInfo:
        if name in self.infos:
            return self.infos[name]
        return self.infos[self._aliases[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.infos)

    def __len__(self) -> int:
        return len(self.infos)

    @cached_property
    def _aliases(self) -> dict[str, str]:
        return {alias: name for name, info in self.infos.items() for alias in info.aliases}


def variable_table(
    optimised: Optimised,
    lowered: LoweredProgram,
    problem: AllocationProblem,
    allocation: Allocation,
) -> Variables:
    """Every variable that is present, and every s-op that has none of its own, by name."""
    lives = lifetimes_in(problem, allocation)
    table = {}
    for name, variable in lowered.variables.items():
        if name not in allocation.columns:
            continue
        placement = allocation.placements.get(name)
        node = None if variable.node is None else lowered.inferred.program.node(variable.node)
        table[name] = VariableInfo(
            name=name,
            encoding=variable.words,
            labels=tuple(direction.label for direction in variable.space.directions),
            columns=allocation.columns[name],
            first=lives[name].first,
            last=lives[name].last,
            written_by=None if placement is None else placement.half_layer,
            aliases=() if node is None or node.label != name else node.aliases,
        )
    original = optimised.original.program
    for node in lowered.inferred.program:
        if node.is_sop and node.label not in table and node.id in original.graph:
            table[node.label] = _without_variable(lowered, node, table)
    for node in original:
        is_computed = node.is_sop and bool(node.inputs)
        if is_computed and node.label not in table and node.id not in optimised.replaced:
            dropped = node.id not in lowered.inferred.program.graph
            table[node.label] = _fused(original, node, "dropped" if dropped else "fused")
    return Variables(table)


def _without_variable(
    lowered: LoweredProgram, node: Node, table: Mapping[str, VariableInfo]
) -> VariableInfo:
    """An s-op that no variable of its own holds: a view of others, or fused."""
    view = _present(lowered, node, table)
    is_view = bool(view.variables) and all(
        name in table and table[name].is_materialised for name in view.variables
    )
    if is_view or not node.inputs:
        lives = [table[name] for name in view.variables if name in table]
        first = max((info.first for info in lives), default=0)
        last = min((info.last for info in lives), default=0)
        return VariableInfo(
            node.label, "view", _coordinate_labels(lowered, node, view), (), first, last, None,
            node.aliases, view.variables, view.coordinates,
        )  # fmt: skip
    return _fused(lowered.inferred.program, node, "fused")


def _present(lowered: LoweredProgram, node: Node, table: Mapping[str, VariableInfo]) -> Held:
    """How an s-op is held by what is in the stream; as it is wished if there is nothing."""
    held = lowered.held[node.id]
    return next((h for h in held if all(name in table for name in h.variables)), held[0])


def _coordinate_labels(lowered: LoweredProgram, node: Node, view: Held) -> tuple[str, ...]:
    domain = view.domain
    if not view.form.picks_one or not isinstance(domain, Enumerated):
        return ()
    return tuple(f"{node.label}:{part}" for part in class_labels(domain))


def _fused(program: Program, node: Node, encoding: str) -> VariableInfo:
    of = tuple(program.node(operand).label for operand in node.inputs)
    return VariableInfo(node.label, encoding, (), (), 0, 0, None, node.aliases, of)


def labels_at(variables: Mapping[str, VariableInfo], d_model: int, half_layer: int) -> list[str]:
    """The label of each residual column just before a half-layer; "" for free columns."""
    labels = [""] * d_model
    for info in variables.values():
        if info.is_materialised and info.first <= half_layer <= info.last:
            for column, label in zip(info.columns, info.labels, strict=True):
                labels[column] = "tokens:BOS" if label == BOS.label else label
    return labels
