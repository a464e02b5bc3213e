"""What rules for aggregates share: their default, their heads, and what sharing means."""

from __future__ import annotations

import numpy as np

from shoal.contract import COLDNESS, ROUNDING
from shoal.craft.affine import AffineMap, Matrix
from shoal.craft.components import Head
from shoal.lowering.context import Context
from shoal.lowering.heads import (
    IF_NOTHING_ELSE,
    Term,
    head,
    score_error,
    weight_of_unselected,
)
from shoal.lowering.held import Errors, Held, StreamVariable
from shoal.lowering.radii import number_error, projected_errors
from shoal.program.facts.domains import Enumerated
from shoal.program.ir import Node
from shoal.rasp.values import Key, Value, canonical_key


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


def copying_head(
    context: Context,
    node: Node,
    variable: StreamVariable,
    operand: Held,
    rows: dict[Key, Matrix],
    terms: list[Term],
) -> tuple[Head, Errors]:
    """A head that copies one-hot values to what they are in a variable.

    What should have no weight has a little. Who reads large numbers off the copy sees it.

    Args:
        context: what is known.
        node: the aggregate.
        variable: what is written.
        operand: a one-hot value.
        rows: for each value, and the default, by key, the dimensions [variable] that it takes.
        terms: the selector.
    """
    domain = operand.domain
    assert isinstance(domain, Enumerated)
    size = len(variable.space)
    matrix = np.zeros((len(domain), size))
    for number, value in enumerate(domain.values):
        if canonical_key(value) in rows:  # it is not where nothing is ever selected
            matrix[number] = rows[canonical_key(value)]
    coordinates = operand.coordinates
    copy = coordinates.then(AffineMap(coordinates.target, variable.space, matrix, np.zeros(size)))
    at_bos = np.zeros(size)
    default = default_of(context, node)
    if default is not None:
        at_bos = rows[canonical_key(default)]
    made = head(variable.name, terms, copy, at_bos, IF_NOTHING_ELSE, context.inferred.work)
    copied = projected_errors(operand.variables, coordinates, context.variables, matrix)
    left = np.full(size, weight_of_unselected(context, node))
    if default is not None:
        of_default = at_bos > 0
        left[of_default & ~matrix.any(axis=0)] = 0.0  # no key can hold it
        left[of_default] += np.exp(-COLDNESS / 2)
    if context.inferred.sops[node.id].mixture:  # else all selected values are the same
        copied = copied + score_error(terms, context.variables) / 2 + 4 * ROUNDING
    return made, Errors(apart=copied + left)
