"""Views: values that are affine functions of variables that are there anyway.

A map of a one-hot value is linear on it, and so is a linear combination of numbers. Every reader
can absorb such a value into its own weights, so it needs no neurons, no columns and no layer. What
is to be kept in the stream is no view; but where the token or the index determines it, the
embedding provides it (see ``inputs``).
Source: section 5 of the design.
"""

from __future__ import annotations

import numpy as np

from shoal.craft.affine import AffineMap, Matrix, concatenate, constant, linear
from shoal.craft.bases import join, numbered_space
from shoal.lowering.builder import (
    Builder,
    joint_points,
    number_codes,
    number_view,
    value_codes,
    with_none,
)
from shoal.lowering.look_ups import fit_affine
from shoal.lowering.lowered import View
from shoal.program.facts.lookup import NONE
from shoal.program.ir import Node, Op

_LARGEST_FIT = 2**18


def view_of(builder: Builder, node: Node) -> View | None:
    """An elementwise node as a view of its operands, if it is one."""
    if node.is_kept:
        return None
    operands = list(node.inputs)
    views = [builder.views[operand] for operand in operands]
    if len(operands) == 1 and views[0].one_hot:
        return _map_of_one_hot(builder, node, views[0])
    if not operands:
        return _constant(builder, node)
    if not node.is_numerical or any(builder.values(operand).nullable for operand in operands):
        return None
    if node.op is Op.LINEAR:
        return _linear_combination(builder, node)
    return _affine_function(builder, node, operands, views)


def _result_codes(builder: Builder, node: Node) -> tuple[Matrix, bool]:
    """[classes, coordinates] in the node's encoding, and whether they are one-hot."""
    values = builder.inferred.listed(node, node.label)
    if node.is_numerical:
        return number_codes(values, values.nullable), False
    return np.eye(len(values)), True


def _map_of_one_hot(builder: Builder, node: Node, operand: View) -> View:
    codes, one_hot = _result_codes(builder, node)
    table = builder.inferred.sops[node.id].table
    assert table is not None
    known = np.maximum(table.entries, NONE)
    target = numbered_space(node.label, codes.shape[1])
    mapped = linear(operand.coordinates.target, target, with_none(codes)[known])
    return View(operand.variables, operand.coordinates.then(mapped), codes, one_hot)


def _constant(builder: Builder, node: Node) -> View:
    codes, one_hot = _result_codes(builder, node)
    table = builder.inferred.sops[node.id].table
    assert table is not None
    target = numbered_space(node.label, codes.shape[1])
    return View((), constant(target, with_none(codes)[int(table.entries)]), codes, one_hot)


def _linear_combination(builder: Builder, node: Node) -> View | None:
    numbers = [number_view(builder.views[i], builder.values(i)) for i in node.inputs]
    parts = [part for part in numbers if part is not None]
    if len(parts) < len(numbers):
        return None
    weights = np.array(node.factors, dtype=float)[:, None]
    codes = value_codes(builder.values(node.id))
    return _number_of(builder, node, parts, (weights, np.zeros(1)), codes)


def _number_of(
    builder: Builder,
    node: Node,
    parts: list[AffineMap],
    function: tuple[Matrix, Matrix],
    codes: Matrix | None,
) -> View:
    """A number as an affine function, matrix and bias, of its operands' coordinates."""
    matrix, bias = function
    source = join(*(part.source for part in parts))
    joint = numbered_space(f"operands of {node.label}", len(matrix))
    after = AffineMap(joint, numbered_space(node.label, len(bias)), matrix, bias)
    coordinates = concatenate(parts, source, joint).then(after)
    names = [name for operand in node.inputs for name in builder.views[operand].variables]
    return View(tuple(dict.fromkeys(names)), coordinates, codes, one_hot=False)


def _affine_function(
    builder: Builder, node: Node, operands: list[int], views: list[View]
) -> View | None:
    """A number that happens to be an affine function of its operands' coordinates."""
    table = builder.inferred.sops[node.id].table
    if table is None or any(view.codes is None for view in views):
        return None
    if builder.values(node.id).nullable:
        return None
    codes, _ = _result_codes(builder, node)
    rows = table.rows
    width = sum(len(view.coordinates.target) for view in views)
    if len(rows) * (width + 1) > _LARGEST_FIT or not len(rows):
        return None
    fitted = fit_affine(joint_points(views, rows), codes[table(rows.T)])
    if fitted is None:
        return None
    return _number_of(builder, node, [view.coordinates for view in views], fitted, codes)
