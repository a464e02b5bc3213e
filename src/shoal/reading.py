"""Reading any named s-op out of a forward pass, however it is represented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shoal.errors import InvalidInputError, UnreadableError
from shoal.lowering.builder import with_none
from shoal.lowering.lowered import LoweredProgram, View
from shoal.program.facts import NONE, Inferred
from shoal.program.graph import Node
from shoal.program.passes import Optimised
from shoal.program.value_sets import ValueSet
from shoal.rasp.expressions import is_numerical
from shoal.rasp.values import Value, show_value
from shoal.variables import VariableInfo


@dataclass(frozen=True, eq=False)
class Reader:
    """Reads s-ops from the states of one forward pass.

    S-ops are those of the program as it was written: what passes dropped or folded is looked up in
    tables from what is there.

    Attributes:
        optimised: the program before and after the passes.
        lowered: the lowered program.
        variables: where every variable is (see ``variable_table``).
        states: [positions, d_model] in every state, BOS left out.
        token_ids: [positions], the tokens' numbers.
    """

    optimised: Optimised
    lowered: LoweredProgram
    variables: Mapping[str, VariableInfo]
    states: Sequence[npt.NDArray[np.float32]]
    token_ids: npt.NDArray[np.int32]

    def values(self, node: Node) -> list[Value]:
        """The values of an s-op, one for each position.

        Raises:
            UnreadableError: it is not in the model, since nothing needs it.
        """
        view = self._view(node)
        values = self.optimised.original.sops[node.id].values
        is_scalar = view is not None and view is self.lowered.views.get(
            self.optimised.place_of(node.id)
        )
        if view is not None and is_scalar and is_numerical(node.expression):  # type: ignore[arg-type]
            coordinates = self._coordinates(view)
            there = coordinates[:, 1] > 0.5 if values.nullable else np.ones(len(coordinates), bool)
            return [
                float(number) if present else None
                for number, present in zip(coordinates[:, 0], there, strict=True)
            ]
        if not isinstance(values, ValueSet):
            raise self._unreadable(node)
        choices = (*values.values, None)
        return [choices[number] for number in self._classes(node)]

    def _classes(self, node: Node) -> npt.NDArray[np.int_]:
        """The class of an s-op's value at each position; NONE for None."""
        view = self._view(node)
        if view is None:  # nothing in the stream holds it: look it up from its operands
            facts = self.optimised.original.sops[node.id]
            if facts.local is not None:
                return facts.local[self.token_ids, np.arange(len(self.token_ids))].astype(int)
            if isinstance(facts.values, ValueSet) and facts.values.is_constant:
                return np.full(len(self.token_ids), NONE if facts.values.nullable else 0)
            table = facts.table
            if table is None:
                raise self._unreadable(node)
            try:
                operands = [self._classes(self._node(operand)) for operand in node.inputs]
            except UnreadableError as error:
                reason = f"{node.label!r} cannot be read: {error}"
                raise UnreadableError(node.label, reason, error.merged) from None
            there = np.all([classes >= 0 for classes in operands], axis=0)
            result = np.full(len(self.states[0]), NONE)
            result[there] = table[tuple(classes[there] for classes in operands)]
            return np.asarray(np.maximum(result, NONE))
        assert view.codes is not None
        nullable = self.optimised.original.sops[node.id].values.nullable
        codes = with_none(view.codes, nullable)
        coordinates = self._coordinates(view)
        distance = (codes**2).sum(axis=1) - 2 * coordinates @ codes.T
        nearest = distance.argmin(axis=1)
        return np.asarray(np.where(nearest == len(view.codes), NONE, nearest))

    def _unreadable(self, node: Node) -> UnreadableError:
        merged = self.optimised.inferred.sops.get(self.optimised.place_of(node.id))
        if merged is not None and self.optimised.is_merged(node.id):
            assert isinstance(merged.values, ValueSet)
            group = max(merged.values.classes, key=len)
            return UnreadableError(
                node.label,
                f"{node.label!r} is not in the model in full: nothing tells {show_value(group[0])} "
                f"from {show_value(group[1])}; give it a name, keep it by rasp.keep(...), or leave "
                "out the pass merged-values",
                merged=True,
            )
        return UnreadableError(
            node.label,
            f"{node.label!r} is not in the model: nothing that its result needs reads it; "
            "rasp.keep(...) would keep it",
        )

    def _node(self, number: int) -> Node:
        return self.optimised.original.program.node(number)

    def _view(self, node: Node) -> View | None:
        """A view of all values of a node, whose variables are in the stream at some time."""
        number = self.optimised.place_of(node.id)
        views = [self.lowered.undecoded.get(number)]
        if number in self.lowered.views and not self.optimised.is_merged(node.id):
            views.insert(0, self.lowered.views[number])
        for view in views:
            if view is not None and all(name in self.variables for name in view.variables):
                return view
        return None

    def _coordinates(self, view: View) -> npt.NDArray[np.float64]:
        """[positions, coordinates]; each variable is read when it is first there."""
        source = view.coordinates.source
        stream = np.zeros((len(self.states[0]), len(source)))
        for name in view.variables:
            info = self.variables[name]
            directions = self.lowered.variables[name].space.directions
            places = [source.index[direction] for direction in directions]
            stream[:, places] = self.states[info.first][:, list(info.columns)]
        return view.coordinates(stream)


def node_named(original: Inferred, name: str) -> Node:
    """The s-op that has a name.

    Raises:
        InvalidInputError: lists the names.
    """
    nodes = [node for node in original.program if node.is_sop]
    for node in nodes:
        if name == node.label or name in node.aliases:
            return node
    known = ", ".join(label for node in nodes for label in (node.label, *node.aliases))
    raise InvalidInputError(f"there is no s-op named {name!r}; the names are: {known}")
