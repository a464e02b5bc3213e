"""Reading any named s-op out of a forward pass, however it is represented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shoal.errors import InvalidInputError, UnreadableError
from shoal.lowering.held import Held, with_none
from shoal.lowering.lowered import LoweredProgram
from shoal.lowering.radii import coordinate_errors
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import Inferred
from shoal.program.facts.lookup import NONE, UNDEFINED, Lookup
from shoal.program.ir import Node
from shoal.program.passes import Optimised
from shoal.rasp.values import Value, canonical_key, show_value
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
        values = self.optimised.original.domain(node.id)
        if view is not None and view.form.is_number:
            self._require_precise(node, view)
            coordinates = self._coordinates(view)
            there = coordinates[:, 1] > 0.5 if values.nullable else np.ones(len(coordinates), bool)
            return [
                float(number) if present else None
                for number, present in zip(coordinates[:, 0], there, strict=True)
            ]
        if not isinstance(values, Enumerated):
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
            if facts.domain.is_constant:
                return np.full(len(self.token_ids), NONE if facts.domain.nullable else 0)
            table = facts.table
            if table is None:
                raise self._unreadable(node)
            operands = []
            for axis, number in enumerate(node.inputs):
                try:
                    operands.append(self._classes(self._node(number)))
                except UnreadableError as error:
                    known = self._as_far_as_it_matters(self._node(number), axis, table)
                    if known is None:
                        reason = f"{node.label!r} cannot be read: {error}"
                        raise UnreadableError(
                            node.label, reason, error.merged, error.inexact
                        ) from None
                    operands.append(known[0])
                    table = known[1]
            return np.asarray(np.maximum(table(operands), NONE))
        self._require_precise(node, view)
        return self._nearest(view, self.optimised.original.domain(node.id).nullable)

    def _require_precise(self, node: Node, view: Held) -> None:
        """What float32 may take too far off is not read; its readers need less of it."""
        error = float(coordinate_errors(view, self.lowered.variables).max(initial=0.0))
        allowed = view.form.room(view.domain)
        if error > allowed:
            raise UnreadableError(
                node.label,
                f"{node.label!r} cannot be read exactly enough: float32 arithmetic may take it off "
                f"by {error:.1g}, more than {allowed:.1g}, which nothing that reads it minds; use "
                "smaller numbers, fewer of them, or a shorter max_seq_len",
                inexact=True,
            )

    def _nearest(self, view: Held, nullable: bool) -> npt.NDArray[np.int_]:
        """The class of the nearest code at each position; NONE for None."""
        assert view.codes is not None
        codes = with_none(view.codes, nullable)
        coordinates = self._coordinates(view)
        distance = (codes**2).sum(axis=1) - 2 * coordinates @ codes.T
        nearest = distance.argmin(axis=1)
        return np.asarray(np.where(nearest == len(view.codes), NONE, nearest))

    def _as_far_as_it_matters(
        self, operand: Node, axis: int, table: Lookup
    ) -> tuple[npt.NDArray[np.int_], Lookup] | None:
        """The block of an operand whose values are merged, and a table over blocks.

        What no reader tells apart is held as one, or is not held at all. A reader's table then
        has the same result for all values of a block, so that the block is enough.

        Args:
            operand: it cannot be read in full.
            axis: of the table.
            table: of the reader.
        """
        original = self.optimised.original.domain(operand.id)
        if not isinstance(original, Enumerated):
            return None
        place = self.optimised.place_of(operand.id)
        merged = self.optimised.inferred.sops.get(place)
        view = next(iter(self.lowered.held.get(place, ())), None)
        blocks = [list(range(len(original)))]
        if merged is not None and isinstance(merged.domain, Enumerated):
            blocks = [
                [original.class_of[canonical_key(value)] for value in members]
                for members in merged.domain.classes
            ]
        if len(blocks) == 1 and not original.nullable:
            found = np.zeros(len(self.states[0]), dtype=int)
        elif view is not None and all(name in self.variables for name in view.variables):
            found = self._nearest(view, original.nullable)
        else:
            return None
        slices = []
        for block in blocks:
            rows = table.entries.take(block, axis=axis)
            most = rows.max(axis=axis, keepdims=True)
            if not ((rows == most) | (rows == UNDEFINED)).all():
                return None
            slices.append(most)
        return found, Lookup(np.concatenate(slices, axis=axis))

    def _unreadable(self, node: Node) -> UnreadableError:
        merged = self.optimised.inferred.sops.get(self.optimised.place_of(node.id))
        if merged is not None and self.optimised.is_merged(node.id):
            assert isinstance(merged.domain, Enumerated)
            group = max(merged.domain.classes, key=len)
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

    def _view(self, node: Node) -> Held | None:
        """A view of all values of a node, whose variables are in the stream at some time."""
        number = self.optimised.place_of(node.id)
        held = self.lowered.held.get(number, ())
        if held and self.optimised.is_merged(node.id):
            held = ()
        raw = self.lowered.raw.get(number)
        for view in (*held, *([] if raw is None else [raw])):
            if all(name in self.variables for name in view.variables):
                return view
        return None

    def _coordinates(self, view: Held) -> npt.NDArray[np.float64]:
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
