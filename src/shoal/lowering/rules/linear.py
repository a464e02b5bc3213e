"""Linear combinations of numbers, which need no table."""

from __future__ import annotations

import numpy as np

from shoal.contract import ROUNDING
from shoal.craft.affine import AffineMap, concatenate
from shoal.craft.bases import join, numbered_space
from shoal.craft.components import MLP
from shoal.lowering.context import Context
from shoal.lowering.held import Errors, stored
from shoal.lowering.offers import Offer, Offers
from shoal.lowering.radii import number_error
from shoal.lowering.rules.decode import number_of
from shoal.lowering.synthesis.tables import Layer
from shoal.program.ir import Node, Op


def linear_map(context: Context, node: Node) -> Offers[None]:
    """A sum of numbers, each times a factor.

    A nullable number comes with its presence p, which is 0 for None. With B above |x|,
    relu(x - B (1 - p)) - relu(-x - B (1 - p)) is x where p = 1, and 0 where p = 0.
    """
    if node.op is not Op.LINEAR or node.id in context.held or not node.is_numerical:
        return
    form = context.form_of(node)
    if not form.is_number:
        return
    variable, held = stored(form, node.label, context.domain(node.id), node.id)
    operands = []
    for number in node.inputs:
        operand = yield from number_of(context, number, node.label)
        if operand is None or operand.as_number is None:
            return
        operands.append(operand)
    numbers = [operand.as_number for operand in operands if operand.as_number is not None]
    nullable = [operand.domain.nullable for operand in operands]
    sizes = [
        abs(factor) * max(map(abs, operand.domain.bounds))
        for factor, operand in zip(node.factors, operands, strict=True)
    ]
    layer = _gated_sum(node.factors, nullable, 2.0 * (sum(sizes) + 1))
    source = join(*(number.source for number in numbers))
    joint = numbered_space(f"operands of {node.label}", len(layer.into))
    neurons = numbered_space(node.label, len(layer.threshold))
    hidden = concatenate(numbers, source, joint).then(
        AffineMap(joint, neurons, layer.into, layer.threshold)
    )
    target = variable.space
    mlp = MLP(node.label, hidden, AffineMap(neurons, target, layer.out, layer.bias))
    error = ROUNDING * 2 * (sum(sizes) + 1)
    for factor, operand in zip(node.factors, operands, strict=True):
        error += abs(factor) * number_error(operand, context.variables)
    errors = Errors(np.array([[error, 0.0][: len(target)]]))
    reads = tuple(name for operand in operands for name in operand.variables)
    yield Offer(held, node.id, variable, mlp, reads, errors, block=node.label)


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
