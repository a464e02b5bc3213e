"""What rules for aggregates share: their default, their heads, and what sharing means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shoal.contract import COLDNESS, ROUNDING
from shoal.craft.affine import AffineMap, Matrix
from shoal.craft.components import Head
from shoal.craft.fitting import fit_affine
from shoal.lowering.context import Context
from shoal.lowering.heads import (
    IF_NOTHING_ELSE,
    Term,
    head,
    score_error,
    weight_of_unselected,
)
from shoal.lowering.held import Errors, Held, StreamVariable, with_none
from shoal.lowering.radii import number_error, projected_errors
from shoal.program.facts.domains import Enumerated
from shoal.program.ir import Node
from shoal.rasp.values import Key, Value, canonical_key

Rows = Mapping[Key, Matrix]
"""For each value by key the dimensions of a variable that it takes."""


def default_of(context: Context, node: Node) -> Value:
    """The default, or None where it is never used."""
    used = context.inferred.widths[node.inputs[0]].low == 0
    return node.value if used else None


def sharing_of(context: Context, node: Node) -> str | None:
    """Heads of aggregates by one selector have the same queries and keys.

    Heads of selector widths have not: they score BOS otherwise.
    """
    return context.node(node.inputs[0]).label if "shared-heads" in context.passes else None


def mean_head(
    context: Context, node: Node, variable: StreamVariable, operand: Held, terms: list[Term]
) -> tuple[Head, Errors]:
    """A head that averages numbers into a variable that is a number (and presence)."""
    numbers = operand.as_number
    assert numbers is not None
    space = variable.space
    matrix = np.zeros((len(numbers.target), len(space)))
    for i in range(min(matrix.shape)):
        matrix[i, i] = 1.0
    always_there = np.zeros(len(space))
    if len(space) > len(numbers.target):
        always_there[1] = 1.0
    value = numbers.then(AffineMap(numbers.target, space, matrix, always_there))
    default = default_of(context, node)
    at_bos = np.zeros(len(space))
    if isinstance(default, int | float):
        at_bos[0] = default
        at_bos[1:] = 1.0
    error = number_error(operand, context.variables)
    error += _averaging_error(context, node, operand, default)
    mixes = context.inferred.widths[node.inputs[0]].high > 1
    low, high = operand.domain.bounds
    if mixes:
        error += (high - low) / 2 * score_error(terms, context.variables)
    made = head(variable.name, terms, value, at_bos, IF_NOTHING_ELSE, context.inferred.work)
    return made, Errors(np.array([[error, 0.0][: len(space)]]))


def _averaging_error(context: Context, node: Node, operand: Held, default: Value) -> float:
    """Rounding of an average, and what has a little weight besides.

    The weight that BOS keeps beside selected keys is below the rounding.
    """
    size = max(map(abs, operand.domain.bounds))
    if isinstance(default, int | float):
        size = max(size, abs(default))
    mixes = context.inferred.widths[node.inputs[0]].high > 1
    rounding = 4 * ROUNDING if mixes else ROUNDING
    return float(size * (rounding + weight_of_unselected(context, node)))


@dataclass(frozen=True, eq=False)
class Copying:
    """How what is held becomes what is written where it is copied.

    Attributes:
        operand: what is copied.
        matrix: [coordinates of the operand, dimensions that are written].
        bias: [dimensions that are written].
        of_default: [dimensions that are written], what is written where nothing is selected.
    """

    operand: Held
    matrix: Matrix
    bias: Matrix
    of_default: Matrix


def copying(context: Context, node: Node, operand: Held, rows: Rows, size: int) -> Copying | None:
    """How an operand is copied; None if its codes do not allow it.

    Args:
        context: what is known.
        node: the aggregate.
        operand: a value with codes.
        rows: for each value, and the default, by key, the dimensions that it takes.
        size: how many dimensions there are.
    """
    assert isinstance(operand.domain, Enumerated)
    default = default_of(context, node)
    of_default = np.zeros(size) if default is None else rows[canonical_key(default)]
    keys = [canonical_key(value) for value in operand.domain.values]
    wanted = np.array([rows.get(key, np.zeros(size)) for key in keys]).reshape(len(keys), size)
    if operand.form.picks_one:
        return Copying(operand, wanted, np.zeros(size), of_default)
    occurs = np.array([key in rows for key in keys], dtype=bool)
    codes = operand.points(np.flatnonzero(occurs))
    nullable = operand.domain.nullable
    fitted = fit_affine(with_none(codes, nullable), with_none(wanted[occurs], nullable))
    return None if fitted is None else Copying(operand, *fitted, of_default)


def copying_head(
    context: Context, node: Node, variable: StreamVariable, what: Copying, terms: list[Term]
) -> tuple[Head, Errors]:
    """A head that copies what is held to what it is in a variable.

    What should have no weight has a little. Who reads large numbers off the copy sees it.

    Args:
        context: what is known.
        node: the aggregate.
        variable: what is written.
        what: the operand, and how it is copied.
        terms: the selector.
    """
    operand, at_bos = what.operand, what.of_default
    coordinates = operand.coordinates
    copy = coordinates.then(AffineMap(coordinates.target, variable.space, what.matrix, what.bias))
    made = head(variable.name, terms, copy, at_bos, IF_NOTHING_ELSE, context.inferred.work)
    variables = context.variables
    copied = projected_errors(operand.variables, coordinates, variables, what.matrix)
    size = float(variable.largest)
    left = np.full(len(variable.space), size * weight_of_unselected(context, node))
    if default_of(context, node) is not None:
        of_default = at_bos > 0
        left[of_default & ~what.matrix.any(axis=0) & ~what.bias.astype(bool)] = 0.0  # no key has it
        left[of_default] += size * np.exp(-COLDNESS / 2)
    if context.inferred.sops[node.id].mixture:  # else all selected values are the same
        copied = copied + score_error(terms, variables) / 2 + 4 * ROUNDING
    # all dimensions that hold one value may be off at once
    held = (what.matrix != 0).sum(axis=1) if operand.form.picks_one else [len(variable.space)]
    return made, Errors(apart=max([*held, 1]) * (copied + left))
