"""Collects variables, operations and views while a program is lowered."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import numpy.typing as npt

from shoal.contract import SHARP
from shoal.craft.affine import AffineMap, Matrix, linear
from shoal.craft.bases import Direction, Space
from shoal.craft.components import BOS_SPACE, MLP, Component
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.lowering.lowered import (
    InputTable,
    LoweredOperation,
    LoweredProgram,
    StreamVariable,
    View,
    variable_space,
    whole,
)
from shoal.lowering.mlp_synthesis import TooManyNeuronsError, synthesise
from shoal.lowering.precision import coordinate_errors, grid_step
from shoal.lowering.tables import Leaf
from shoal.program.facts.domains import Domain, Enumerated
from shoal.program.facts.inferred import Inferred
from shoal.program.ir import Node
from shoal.program.rewriting import Saving
from shoal.rasp.values import canonical_key, is_number

BOS_VARIABLE = "BOS"
"""The input that marks the BOS position; every component may read it."""


class Builder:
    """The state of one lowering. Names are unique, since labels of nodes are.

    ``tuples`` holds the joint keys and queries of selectors that were lowered, by node id.
    """

    def __init__(self, inferred: Inferred, passes: tuple[str, ...] = ()) -> None:
        self.inferred = inferred
        self.passes = passes
        self.variables: dict[str, StreamVariable] = {}
        self.inputs: list[InputTable] = []
        self.operations: list[LoweredOperation] = []
        self.views: dict[int, View] = {}
        self.undecoded: dict[int, View] = {}
        self.free = 0
        self.split = 0
        self.too_large: list[str] = []
        self.tuples: dict[tuple[int, str], View] = {}
        self._one_hot: dict[int, View] = {}
        self._labels = {node.label for node in inferred.program}
        self._add_bos()

    def _add_bos(self) -> None:
        self.variables[BOS_VARIABLE] = StreamVariable(
            BOS_VARIABLE, BOS_SPACE, np.array([False]), None, "1 at the BOS position", 1.0
        )
        by_token = np.zeros((len(self.inferred.vocab) + 1, 1))
        by_token[-1] = 1.0
        self.inputs.append(InputTable(BOS_VARIABLE, by_token, None))

    def finish(self) -> LoweredProgram:
        """The lowered program."""
        outputs = [v for i in self.inferred.program.ends for v in self.views[i].variables]
        return LoweredProgram(
            self.inferred,
            self.variables,
            tuple(self.inputs),
            tuple(self.operations),
            self.views,
            self.undecoded,
            tuple(dict.fromkeys(outputs)),
            self._savings(),
        )

    def _savings(self) -> tuple[Saving, ...]:
        """What the passes of lowering did."""
        cuts = sum(len(operation.components) - 1 for operation in self.operations)
        sharing = [o.sharing for o in self.operations if o.sharing is not None]
        same = len(sharing) - len(set(sharing))
        limits = self.inferred.limits
        left_out = (
            f", {len(self.too_large)} left out: {self.too_large[0]} (limits: "
            f"fused_rows={limits.fused_rows}, fused_neurons={limits.fused_neurons}, "
            f"work={limits.work})"
            if self.too_large
            else ""
        )
        savings = {
            "views": Saving("views", self.free, "values that need no operation"),
            "cones": Saving("cones", cuts, f"further cuts offered{left_out}"),
            "split-selectors": Saving("split-selectors", self.split, "selectors offered in parts"),
            "shared-heads": Saving("shared-heads", same, "aggregates whose head others can share"),
        }
        return tuple(saving for name, saving in savings.items() if name in self.passes)

    def node(self, number: int) -> Node:
        """A node of the program."""
        return self.inferred.program.node(number)

    def values(self, number: int) -> Domain:
        """What a node's value can be."""
        return self.inferred.sops[number].domain

    def add_value(self, node: Node, name: str | None = None) -> View:
        """Add a variable that holds a node's value in the node's encoding.

        One dimension for each class; or a scalar, and where the value can be None a second
        dimension that is 1 where there is a value.
        """
        name = name or node.label
        if node.is_numerical:
            return self._add_scalar(name, node)
        values = self.inferred.listed(node, node.label)
        return self.add_one_hot(name, values, node.id)

    def add_one_hot(self, name: str, values: Enumerated, node: int | None) -> View:
        """Add a one-hot variable for a value set.

        Raises:
            UnsupportedProgramError: it has more values than the limit.
        """
        limit = self.inferred.limits.one_hot_values
        if len(values) > limit:
            raise UnsupportedProgramError(
                Refusal.TOO_MANY_VALUES,
                name if node is None else self.node(node).label,
                f"takes {len(values):,} different values, and one-hot encoding needs a residual "
                f"dimension for each; the limit is {limit:,}",
                "annotate it with rasp.numerical, map it to fewer values, or use a smaller vocab "
                "or max_seq_len",
            )
        space = variable_space(name, values)
        self.variables[name] = StreamVariable(
            name, space, np.zeros(len(space), dtype=bool), node, "one-hot", 1.0, step=1.0
        )
        return whole(name, space, np.eye(len(space)), one_hot=True)

    def add_numbers(
        self, name: str, node: int | None, low: float, high: float, nullable: bool
    ) -> Space:
        """Add a scalar variable, with a second dimension for presence if it is nullable."""
        directions = [Direction(name), *([Direction(name, "present")] if nullable else [])]
        space = Space(tuple(directions))
        self.variables[name] = StreamVariable(
            name,
            space,
            np.array([low < 0, False][: len(space)]),
            node,
            "scalar and presence" if nullable else "scalar",
            max(abs(low), abs(high), 1.0),
        )
        return space

    def _add_scalar(self, name: str, node: Node) -> View:
        values = self.values(node.id)
        low, high = values.bounds
        space = self.add_numbers(name, node.id, low, high, values.nullable)
        codes = value_codes(values)
        if codes is not None and len(codes):
            step = float(grid_step(codes).min())
            self.variables[name] = replace(self.variables[name], step=step)
        return whole(name, space, codes)

    def width_classes(self, number: int) -> tuple[list[int], npt.NDArray[np.int_]]:
        """All widths that a selector can have, and [widths], the class of each."""
        values = self.values(number)
        assert isinstance(values, Enumerated)
        widths = sorted(v for group in values.classes for v in group if isinstance(v, int))
        return widths, np.array([values.class_of[canonical_key(w)] for w in widths], dtype=int)

    def fresh_name(self, wanted: str) -> str:
        """A name for a helper variable that no s-op and no other variable has."""
        name, number = wanted, 1
        while name in self.variables or name in self._labels:
            number += 1
            name = f"{wanted}_{number}"
        return name

    def set_residuals(self, name: str, residuals: Matrix | None) -> None:
        """Note how far a variable can be off."""
        self.variables[name] = replace(self.variables[name], residuals=residuals)

    def set_dimension_errors(self, name: str, errors: Matrix) -> None:
        """Note how far each dimension of a variable can be off, one at a time."""
        self.variables[name] = replace(self.variables[name], dimension_errors=errors)

    def leaf(self, view: View, nullable: bool) -> Leaf:
        """A view as a leaf of a table."""
        errors = coordinate_errors(view, self.variables)
        return Leaf(view.coordinates, view.one_hot, nullable, errors)

    def add_operation(
        self,
        name: str,
        block: str,
        component: Component,
        reads: list[str],
        sharing: str | None = None,
    ) -> None:
        """Add an operation that computes variable ``name``; every one may read BOS."""
        self._allow_for_bos(name, component)
        unique = tuple(dict.fromkeys([*reads, BOS_VARIABLE]))
        self.operations.append(LoweredOperation(name, block, (component,), (unique,), sharing))

    def add_alternative(self, component: Component, reads: list[str]) -> None:
        """Add another way to compute what the operation added last computes."""
        operation = self.operations[-1]
        self._allow_for_bos(operation.name, component)
        unique = tuple(dict.fromkeys([*reads, BOS_VARIABLE]))
        self.operations[-1] = replace(
            operation,
            components=(*operation.components, component),
            reads=(*operation.reads, unique),
        )

    def add_residuals(self, name: str, residuals: Matrix | None) -> None:
        """Note further errors that a variable can have, under another alternative."""
        known = self.variables[name].residuals
        if residuals is not None:
            both = residuals if known is None else np.vstack([known, residuals])
            self.set_residuals(name, both)

    def _allow_for_bos(self, name: str, component: Component) -> None:
        """At the BOS position a variable holds a bias or a default, which may be negative."""
        at_bos = component.output.bias if isinstance(component, MLP) else component.value_at_bos
        if at_bos is None:
            return
        variable = self.variables[name]
        self.variables[name] = replace(
            variable,
            signed=variable.signed | (at_bos < 0),
            largest=max(variable.largest, float(np.abs(at_bos).max(initial=0.0))),
        )

    def one_hot_view(self, number: int, reader: str) -> View:
        """A node as a one-hot value; decoded by an MLP of its own if it is held otherwise."""
        view = self.views[number]
        if view.one_hot:
            return view
        if number not in self._one_hot:
            node = self.node(number)
            values = self.inferred.listed(node, reader)
            assert view.codes is not None
            name = self.fresh_name(f"{node.label}.one_hot")
            decoded = self.add_one_hot(name, values, number)
            self.add_table(
                name,
                [self.leaf(view, values.nullable)],
                with_none(view.codes, values.nullable),
                with_none(np.eye(len(values)), values.nullable),
                block=name,
                reads=list(view.variables),
                owner=node.label,
            )
            self._one_hot[number] = decoded
        return self._one_hot[number]

    def add_table(
        self,
        name: str,
        leaves: list[Leaf],
        points: Matrix,
        results: Matrix,
        block: str,
        reads: list[str],
        owner: str | None = None,
    ) -> None:
        """Add an MLP that computes variable ``name`` by a table (see ``synthesise``).

        ``owner`` is the expression that a helper variable belongs to, for messages.
        """
        made = synthesise(
            name,
            leaves,
            points,
            results,
            self.variables[name].space,
            self.inferred.limits.mlp_weights,
            self.inferred.work,
        )
        if made is None:
            raise UnsupportedProgramError(
                Refusal.TOO_CLOSE,
                owner or name,
                "its operands take values too close to each other for float32 arithmetic to tell "
                "apart",
                "round them earlier, or use a shorter max_seq_len",
            )
        self.set_residuals(name, made.residuals)
        self.add_operation(name, block, made.mlp, reads)

    def offer_table(
        self, node: Node, leaves: list[Leaf], points: Matrix, results: Matrix, reads: list[str]
    ) -> None:
        """Offer another table for the value that the last operation computes.

        It is left out if no MLP within the limits for fused tables is exact enough.
        """
        width = points.shape[1] + results.shape[1]
        limits = self.inferred.limits
        if len(points) * width > 4 * limits.mlp_weights:
            return
        space = self.variables[node.label].space
        most = limits.fused_neurons * width
        try:
            with self.inferred.work.optional() as work:
                made = synthesise(node.label, leaves, points, results, space, most, work)
        except TooManyNeuronsError as error:
            self.too_large.append(f"{node.label} would take {error.neurons:,} neurons")
            return
        except UnsupportedProgramError as error:
            if error.kind is not Refusal.TOO_MUCH_WORK:
                raise
            self.too_large.append(f"{node.label} would take too much work")
            return
        if made is None or (self.views[node.id].one_hot and made.largest_residual > SHARP):
            return
        self.add_residuals(node.label, made.residuals)
        self.add_alternative(made.mlp, reads)


def with_none(codes: Matrix, nullable: bool = True) -> Matrix:
    """Rows of codes, and the zero row of None after them if there is None."""
    return np.vstack([codes, np.zeros((int(nullable), codes.shape[1]))])


def joint_rows(
    defined: npt.NDArray[np.int_], sizes: list[int], nullable: list[bool]
) -> npt.NDArray[np.int_]:
    """Rows of operand classes, and all rows in which some operand is None (-1).

    Args:
        defined: [rows, operands], without None.
        sizes: how many classes each operand has.
        nullable: whether each operand can be None.
    """
    choices = [
        [*range(size), -1] if there else list(range(size))
        for size, there in zip(sizes, nullable, strict=True)
    ]
    rows = [row for row in product(*choices) if -1 in row] if any(nullable) else []
    extra = np.array(rows, dtype=int).reshape(len(rows), len(sizes))
    return np.vstack([defined.reshape(len(defined), len(sizes)), extra])


def joint_points(views: list[View], rows: npt.NDArray[np.int_]) -> Matrix:
    """[rows, coordinates of all views] for rows of classes; -1 is None."""
    columns = [np.zeros((len(rows), 0))]
    for number, view in enumerate(views):
        assert view.codes is not None
        columns.append(with_none(view.codes)[rows[:, number]])
    return np.hstack(columns)


def number_codes(values: Enumerated, nullable: bool) -> Matrix:
    """[classes, 1 or 2]: the number, and 1 for presence."""
    numbers = np.array([float(v) for v in values.values if isinstance(v, int | float)])
    columns = [numbers, np.ones(len(numbers))] if nullable else [numbers]
    return np.stack(columns, axis=1)


def value_codes(values: Domain) -> Matrix | None:
    """Number codes of a value set; None for a range."""
    return number_codes(values, values.nullable) if isinstance(values, Enumerated) else None


def number_view(view: View, values: Domain) -> AffineMap | None:
    """A view as a map to [number, presence], or to [number] alone if it is never None.

    None if some value is no number.
    """
    width = 2 if values.nullable else 1
    if isinstance(values, Enumerated) and not all(is_number(value) for value in values.values):
        return None
    if not view.one_hot:
        return view.coordinates
    assert isinstance(values, Enumerated)
    target = Space(tuple(Direction("number", part) for part in ("", "present")[:width]))
    numbers = linear(view.coordinates.target, target, number_codes(values, values.nullable))
    return view.coordinates.then(numbers)
