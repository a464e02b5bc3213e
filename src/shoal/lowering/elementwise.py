"""Maps, sequence maps and constants: an MLP for each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shoal.contract import ROUNDING
from shoal.craft.affine import AffineMap, concatenate
from shoal.craft.bases import Space, join, numbered_space
from shoal.craft.components import MLP
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.lowering.builder import (
    Builder,
    joint_points,
    joint_rows,
    number_view,
    with_none,
)
from shoal.lowering.cones import cut_table, cuts, result_rows
from shoal.lowering.inputs import bake
from shoal.lowering.lowered import View
from shoal.lowering.mlp_synthesis import synthesise
from shoal.lowering.precision import coordinate_errors
from shoal.lowering.tables import Layer, Leaf
from shoal.lowering.views import view_of
from shoal.program.facts.joint import TooManyRowsError
from shoal.program.facts.lookup import Lookup
from shoal.program.ir import Node, Op


def lower_elementwise(builder: Builder, node: Node) -> None:
    """Lower a node whose value depends on its operands at the same position alone."""
    if "views" in builder.passes:
        free = view_of(builder, node)
        if free is not None:
            builder.views[node.id] = free
            builder.free += 1
            return
        if node.is_kept and bake(builder, node):
            builder.free += 1
            return
    view = builder.add_value(node)
    builder.views[node.id] = view
    if node.op is Op.LINEAR and _lower_linear(builder, node):
        return
    table = builder.inferred.sops[node.id].table
    assert table is not None
    operands = [builder.views[operand] for operand in node.inputs]
    if not _lower_table(builder, node, table, view, operands):
        # the operands' numbers cannot be separated on one line: look them up one-hot instead
        operands = [builder.one_hot_view(operand, node.label) for operand in node.inputs]
        if not _lower_table(builder, node, table, view, operands):
            raise UnsupportedProgramError(
                Refusal.TOO_INEXACT,
                node.label,
                "its results cannot be computed exactly enough in float32",
                "make them smaller numbers, or drop rasp.numerical",
            )
    if "cones" in builder.passes:
        _add_cuts(builder, node, view)


def _add_cuts(builder: Builder, node: Node, view: View) -> None:
    """Offer the node over other cuts of its cone, within the limits for fused tables."""
    if view.codes is None:
        return
    limits = builder.inferred.limits
    for cut in cuts(builder, node):
        builder.inferred.work.spend(1, node.label)
        try:
            table = cut_table(builder, node, cut, limits.fused_rows)
        except TooManyRowsError as error:
            builder.too_large.append(f"{node.label} would take {error.rows:,} rows")
            continue
        if table is None:
            continue
        names = [name for part in table.views for name in part.variables]
        results = result_rows(view.codes, table)
        builder.offer_table(node, table.leaves, table.points, results, names)


def _lower_table(
    builder: Builder, node: Node, table: Lookup, view: View, operands: list[View]
) -> bool:
    """Add an MLP for a table over given views of the operands, if one is exact."""
    nullable = [builder.values(operand).nullable for operand in node.inputs]
    leaves = [builder.leaf(v, n) for v, n in zip(operands, nullable, strict=True)]
    codes = view.codes if view.codes is not None else np.zeros((0, len(view.coordinates.target)))
    defined = table.rows
    _require_memory(builder, node, leaves, len(defined), codes.shape[1])
    rows = joint_rows(defined, list(table.entries.shape), nullable)
    classes = table(rows.T) if node.inputs else table.entries[None]
    made = synthesise(
        node.label,
        leaves,
        joint_points(operands, rows),
        with_none(codes)[classes],
        builder.variables[node.label].space,
        builder.inferred.limits.mlp_weights,
        builder.inferred.work,
    )
    if made is None:
        return False
    builder.set_residuals(node.label, made.residuals)
    reads = [name for operand in operands for name in operand.variables]
    builder.add_operation(node.label, node.label, made.mlp, reads)
    return True


def _require_memory(
    builder: Builder, node: Node, leaves: list[Leaf], rows: int, results: int
) -> None:
    """Refuse a table that could not even be written down."""
    width = sum(len(leaf.coordinates.target) for leaf in leaves) + results
    limit = 4 * builder.inferred.limits.mlp_weights
    if rows * width > limit:
        raise UnsupportedProgramError(
            Refusal.TABLE_TOO_LARGE,
            node.label,
            f"its table has {rows:,} rows of {width:,} entries, {rows * width:,} in all; the limit "
            f"is {limit:,}",
            "use a smaller vocab or max_seq_len, or map the operands to fewer values first",
        )


def _lower_linear(builder: Builder, node: Node) -> bool:
    """A linear combination of numbers needs no table.

    A nullable number comes with its presence p, which is 0 for None. With B above |x|,
    relu(x - B (1 - p)) - relu(-x - B (1 - p)) is x where p = 1, and 0 where p = 0.
    """
    numbers = [number_view(builder.views[i], builder.values(i)) for i in node.inputs]
    if not node.is_numerical or any(part is None for part in numbers):
        return False
    operands = [part for part in numbers if part is not None]
    factors = node.factors
    nullable = [builder.values(operand).nullable for operand in node.inputs]
    sizes = [
        abs(factor) * max(map(abs, builder.values(operand).bounds))
        for factor, operand in zip(factors, node.inputs, strict=True)
    ]
    layer = _gated_sum(factors, nullable, 2.0 * (sum(sizes) + 1))
    source = join(*(operand.source for operand in operands))
    joint = numbered_space(f"operands of {node.label}", len(layer.into))
    neurons = numbered_space(node.label, len(layer.threshold))
    hidden = concatenate(operands, source, joint).then(
        AffineMap(joint, neurons, layer.into, layer.threshold)
    )
    target: Space = builder.variables[node.label].space
    mlp = MLP(node.label, hidden, AffineMap(neurons, target, layer.out, layer.bias))
    error = ROUNDING * 2 * (sum(sizes) + 1)
    for factor, operand in zip(factors, node.inputs, strict=True):
        view = builder.views[operand]
        numbers_of = number_view(view, builder.values(operand))
        assert numbers_of is not None
        read = replace(view, coordinates=numbers_of)
        error += abs(factor) * float(coordinate_errors(read, builder.variables)[0])
    builder.set_residuals(node.label, np.array([[error, 0.0][: len(target)]]))
    reads = [name for operand in node.inputs for name in builder.views[operand].variables]
    builder.add_operation(node.label, node.label, mlp, reads)
    return True


def _gated_sum(factors: tuple[float, ...], nullable: list[bool], bound: float) -> Layer:
    """A layer from [number (, presence)] of operands to [sum (, presence)]."""
    weights: list[float] = []
    presence: list[float] = []
    for factor, there in zip(factors, nullable, strict=True):
        weights += [factor, 0.0] if there else [factor]
        presence += [0.0, 1.0] if there else [0.0]
    missing = float(sum(nullable))
    gate = bound * np.array(presence)
    columns = [np.array(weights) + gate, -np.array(weights) + gate]
    thresholds = [-bound * missing, -bound * missing]
    out = [[1.0], [-1.0]]
    if missing:
        columns.append(np.array(presence))
        thresholds.append(1.0 - missing)
        out = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]
    width = len(out[0])
    return Layer(np.stack(columns, axis=1), np.array(thresholds), np.array(out), np.zeros(width))
