"""What rules for aggregates share: their default, their heads, and what sharing means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shoal.contract import COLDNESS, ROUNDING
from shoal.craft.affine import AffineMap, Matrix
from shoal.craft.fitting import fit_affine
from shoal.lowering.context import Context
from shoal.lowering.heads import (
    IF_NOTHING_ELSE,
    Term,
    head,
    score_error,
    terms_read,
    weight_of_unselected,
)
from shoal.lowering.held import Errors, Held, StreamVariable, with_none
from shoal.lowering.offers import Offer
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


def averaged(
    context: Context,
    node: Node,
    variable: StreamVariable,
    held: Held,
    operand: Held,
    terms: list[Term],
) -> Offer:
    """A head that averages numbers into a variable that is a number (and presence).

    Args:
        context: what is known.
        node: the aggregate.
        variable: what is written.
        held: how that is read.
        operand: what is averaged.
        terms: the selector.
    """
    numbers = operand.as_number
    assert numbers is not None
    space = variable.space
    matrix = np.eye(len(numbers.target), len(space))
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
    errors = Errors(np.array([[error, 0.0][: len(space)]]))
    return _offer(context, node, variable, held, operand, terms, value, at_bos, errors)


def _offer(
    context: Context,
    node: Node,
    variable: StreamVariable,
    held: Held,
    operand: Held,
    terms: list[Term],
    value: AffineMap,
    value_at_bos: Matrix,
    errors: Errors,
) -> Offer:
    """The offer of a head; those by one selector may become one.

    Heads of selector widths may not: they score BOS otherwise.
    """
    made = head(variable.name, terms, value, value_at_bos, IF_NOTHING_ELSE, context.inferred.work)
    reads = (*terms_read(terms), *operand.variables)
    selector = context.node(node.inputs[0]).label
    sharing = selector if "shared-heads" in context.passes else None
    return Offer(held, variable.node, variable, made, reads, errors, node.label, sharing)


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


def copied(
    context: Context,
    node: Node,
    variable: StreamVariable,
    held: Held,
    what: Copying,
    terms: list[Term],
) -> Offer:
    """A head that copies what is held to what it is in a variable.

    What should have no weight has a little. Who reads large numbers off the copy sees it.

    Args:
        context: what is known.
        node: the aggregate.
        variable: what is written.
        held: how that is read.
        what: the operand, and how it is copied.
        terms: the selector.
    """
    operand, at_bos = what.operand, what.of_default
    coordinates = operand.coordinates
    copy = coordinates.then(AffineMap(coordinates.target, variable.space, what.matrix, what.bias))
    variables = context.variables
    off = projected_errors(operand.variables, coordinates, variables, what.matrix)
    size = float(variable.largest)
    left = np.full(len(variable.space), size * weight_of_unselected(context, node))
    if default_of(context, node) is not None:
        of_default = at_bos > 0
        left[of_default & ~what.matrix.any(axis=0) & ~what.bias.astype(bool)] = 0.0  # no key has it
        left[of_default] += size * np.exp(-COLDNESS / 2)
    if context.inferred.sops[node.id].mixture:  # else all selected values are the same
        off = off + score_error(terms, variables) / 2 + 4 * ROUNDING
    # all dimensions that hold one value may be off at once
    each = (what.matrix != 0).sum(axis=1) if operand.form.picks_one else [len(variable.space)]
    errors = Errors(apart=max([*each, 1]) * (off + left))
    return _offer(context, node, variable, held, operand, terms, copy, at_bos, errors)
