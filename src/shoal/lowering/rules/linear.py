"""Linear combinations of numbers, which need no table."""

from __future__ import annotations

import numpy as np

from shoal.contract import ROUNDING, TABLE_TOLERANCE
from shoal.lowering.context import Context
from shoal.lowering.held import Errors, stored, variables_of
from shoal.lowering.offers import Offer, Offers
from shoal.lowering.radii import coordinate_errors
from shoal.lowering.rules.decode import number_of
from shoal.lowering.synthesis.tables import Layer, as_mlp
from shoal.program.ir import Node


def linear_map(context: Context, node: Node) -> Offers[None]:
    """A sum of numbers, each times a factor.

    A nullable number comes with its presence p, which is 0 for None. With B above |x|,
    relu(x - B (1 - p)) - relu(-x - B (1 - p)) is x where p = 1, and 0 where p = 0. What p is off
    counts B times; where that is too much, and values are listed, a table is left to do it.
    """
    if node.id in context.held or not node.is_numerical:
        return
    held = stored(context.form_of(node), node.label, context.domain(node.id), node.id)
    numbers, bound, error, presence = [], 2.0, 0.0, 0.0
    for input_, factor in zip(node.inputs, node.factors, strict=True):
        number = yield from number_of(context, input_, node.label)
        if number is None:
            return
        numbers.append(number)
        bound += 2 * abs(factor) * max(map(abs, number.domain.bounds))
        off = coordinate_errors(number, context.variables)
        error += abs(factor) * float(off[0])
        presence += float(off[1]) if number.domain.nullable else 0.0
    error += (ROUNDING + presence) * bound
    if presence and error > TABLE_TOLERANCE and all(n.codes is not None for n in numbers):
        return
    layer = _gated_sum(node.factors, [number.domain.nullable for number in numbers], bound)
    mlp = as_mlp(node.label, numbers, layer, held.coordinates.source)
    errors = Errors(np.array([[error, 0.0][: held.width]]))
    yield Offer(held, mlp, variables_of(numbers), errors)


def _gated_sum(factors: tuple[float, ...], nullable: list[bool], bound: float) -> Layer:
    """A layer from [number (, presence)] of operands to [sum (, presence)]."""
    rows = [(f, p) for f, n in zip(factors, nullable, strict=True) for p in range(1 + n)]
    presence = np.array([float(p) for _, p in rows])
    weights = np.array([factor for factor, _ in rows]) * (1.0 - presence)
    missing, gate = float(sum(nullable)), bound * presence
    neurons = 3 if missing else 2
    columns = np.stack([weights + gate, gate - weights, presence], axis=1)[:, :neurons]
    thresholds = np.array([-bound * missing, -bound * missing, 1.0 - missing])[:neurons]
    out = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])[:neurons, : neurons - 1]
    return Layer(columns, thresholds, out, np.zeros(neurons - 1))
