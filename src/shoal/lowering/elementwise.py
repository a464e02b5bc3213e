"""Maps, sequence maps and constants: an MLP for each."""

from __future__ import annotations

import numpy as np

from shoal.craft.affine import AffineMap, Matrix, concatenate
from shoal.craft.bases import Space, join, numbered_space
from shoal.craft.components import MLP
from shoal.errors import UnsupportedProgramError
from shoal.lowering.builder import Builder, leaf_of, number_view
from shoal.lowering.lowered import View
from shoal.lowering.mlp_synthesis import Leaf, affine_layer, synthesise
from shoal.program.graph import Node
from shoal.program.inference import UNDEFINED
from shoal.program.value_sets import ValueRange, ValueSet
from shoal.rasp.expressions import LinearSequenceMap, is_numerical


def lower_elementwise(builder: Builder, node: Node) -> None:
    """Lower a node whose value depends on its operands at the same position alone."""
    view = builder.add_value(node)
    builder.views[node.id] = view
    if isinstance(node.expression, LinearSequenceMap) and _lower_linear(builder, node):
        return
    table = builder.inferred.sops[node.id].table
    assert table is not None
    operands = [builder.views[operand] for operand in node.inputs]
    nullable = [builder.values(operand).nullable for operand in node.inputs]
    codes = view.codes if view.codes is not None else np.zeros((0, len(view.coordinates.target)))
    with_none = np.vstack([codes, np.zeros((1, codes.shape[1]))])
    defined = np.argwhere(table != UNDEFINED)
    results = with_none[table[tuple(defined.T)] if node.inputs else table[None]]
    leaves = [leaf_of(v, n) for v, n in zip(operands, nullable, strict=True)]
    _require_memory(builder, node, leaves, len(defined), len(codes.T))
    space = builder.variables[node.label].space
    mlp = synthesise(
        node.label,
        leaves,
        _points(operands, defined),
        results,
        space,
        builder.inferred.limits.mlp_weights,
    )
    reads = [name for operand in operands for name in operand.variables]
    if mlp is not None:
        builder.add_operation(node.label, node.label, mlp, reads)
        return
    # the operands' numbers cannot be separated on one line: look them up one-hot instead
    operands = [builder.one_hot_view(operand, node.label) for operand in node.inputs]
    leaves = [leaf_of(v, n) for v, n in zip(operands, nullable, strict=True)]
    reads = [name for operand in operands for name in operand.variables]
    builder.add_table(node.label, leaves, _points(operands, defined), results, node.label, reads)


def _require_memory(
    builder: Builder, node: Node, leaves: list[Leaf], rows: int, results: int
) -> None:
    """Refuse a table that could not even be written down."""
    width = sum(len(leaf.coordinates.target) for leaf in leaves) + results
    limit = 4 * builder.inferred.limits.mlp_weights
    if rows * width > limit:
        raise UnsupportedProgramError(
            f"{node.label}: its table has {rows:,} rows of {width:,} entries, {rows * width:,} in "
            f"all; the limit is {limit:,}. Use a smaller vocab or max_seq_len, or map the operands "
            "to fewer values first"
        )


def _points(operands: list[View], defined: np.ndarray) -> Matrix:
    """[rows, coordinates of all operands] for rows of operand classes."""
    columns = [np.zeros((len(defined) or 1, 0))]
    for number, operand in enumerate(operands):
        assert operand.codes is not None
        columns.append(operand.codes[defined[:, number]])
    if operands:
        columns[0] = np.zeros((len(defined), 0))
    return np.hstack(columns)


def _lower_linear(builder: Builder, node: Node) -> bool:
    """A linear combination of numbers that are never None needs no table."""
    expression = node.expression
    assert isinstance(expression, LinearSequenceMap)
    values = builder.values(node.id)
    operands = []
    for operand in node.inputs:
        numbers = number_view(builder.views[operand], builder.values(operand))
        if numbers is None or builder.values(operand).nullable:
            return False
        operands.append(numbers)
    if not is_numerical(expression):
        return False
    low = values.low if isinstance(values, ValueRange) else _least(values)
    source = join(*(operand.source for operand in operands))
    pair = numbered_space(f"operands of {node.label}", 2)
    factors = np.array([[expression.fst_fac], [expression.snd_fac]], dtype=float)
    layer = affine_layer(factors, np.zeros(1), np.array([low < 0]))
    neurons = numbered_space(node.label, len(layer.threshold))
    hidden = concatenate(operands, source, pair).then(
        AffineMap(pair, neurons, layer.into, layer.threshold)
    )
    target: Space = builder.variables[node.label].space
    mlp = MLP(node.label, hidden, AffineMap(neurons, target, layer.out, layer.bias))
    reads = [name for operand in node.inputs for name in builder.views[operand].variables]
    builder.add_operation(node.label, node.label, mlp, reads)
    return True


def _least(values: ValueSet) -> float:
    return min((float(v) for v in values.values if isinstance(v, int | float)), default=0.0)
