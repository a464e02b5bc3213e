"""Selector widths and aggregates: attention heads, with decoding MLPs where they are needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from shoal.contract import COLDNESS, ROUNDING
from shoal.craft.affine import AffineMap, Matrix, concatenate, constant, linear
from shoal.craft.bases import Direction, Space, join, numbered_space
from shoal.craft.components import Head
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.limits import Work
from shoal.lowering.builder import (
    Builder,
    number_codes,
    number_view,
    with_none,
)
from shoal.lowering.lowered import View, variable_space, whole
from shoal.lowering.precision import (
    coordinate_errors,
    projected_errors,
)
from shoal.lowering.selectors import Term, lower_selector
from shoal.lowering.split_selectors import split_selector
from shoal.program.facts.domains import Domain, Enumerated
from shoal.program.ir import Node
from shoal.rasp.values import Value, canonical_key, is_number


def lower_width(builder: Builder, node: Node) -> None:
    """A head that averages the BOS mark, which gives 1 / (1 + width), and an MLP that decodes.

    Where the selector can be split, the width is offered as a sum of widths as well.
    """
    label = node.label
    selector = builder.node(node.inputs[0])
    undivided = _add_reciprocal(
        builder, f"{label}.reciprocal", label, lower_selector(builder, selector)
    )
    split = split_selector(builder, selector) if "split-selectors" in builder.passes else None
    parts = [_add_part(builder, node, terms) for terms in split or []]
    view = builder.add_value(node)
    builder.views[node.id] = view
    widths, classes = builder.width_classes(node.id)
    assert view.codes is not None
    points = _reciprocals(np.array(widths, dtype=float)[:, None])
    builder.undecoded[node.id] = replace(undivided, codes=points)
    leaf = builder.leaf(undivided, nullable=False)
    reads = list(undivided.variables)
    builder.add_table(label, [leaf], points, view.codes[classes], block=label, reads=reads)
    if parts:
        builder.split += 1
        reciprocals, counts = zip(*parts, strict=True)
        _offer_sum(builder, node, list(reciprocals), _reciprocals)
        _offer_sum(builder, node, list(counts), lambda counts: counts)


def _add_reciprocal(builder: Builder, name: str, block: str | None, terms: list[Term]) -> View:
    """A head whose result is 1 / (1 + width)."""
    hidden = builder.fresh_name(name)
    space = builder.add_numbers(hidden, None, 0.0, 1.0, nullable=False)
    head = _head(
        hidden,
        terms,
        constant(space, np.zeros(1)),
        value_at_bos=np.ones(1),
        bos_score=1.0,
        work=builder.inferred.work,
    )
    builder.add_operation(hidden, block or hidden, head, _reads(terms))
    builder.set_residuals(hidden, np.array([[4 * ROUNDING + _score_error(builder, terms) / 4]]))
    return whole(hidden, space)


def _reciprocals(widths: Matrix) -> Matrix:
    result: Matrix = 1.0 / (1.0 + widths)
    return result


def _add_part(builder: Builder, node: Node, terms: list[Term]) -> tuple[View, View]:
    """The width of a part of a selector: as 1 / (1 + width), and decoded to a number."""
    reciprocal = _add_reciprocal(builder, f"{node.label}.part.reciprocal", None, terms)
    most = builder.width_classes(node.id)[0][-1]
    name = builder.fresh_name(f"{node.label}.part")
    space = builder.add_numbers(name, None, 0.0, most, nullable=False)
    widths = np.arange(most + 1.0)[:, None]
    leaf = builder.leaf(reciprocal, nullable=False)
    reads = list(reciprocal.variables)
    points = _reciprocals(widths)
    builder.add_table(name, [leaf], points, widths, block=name, reads=reads, owner=node.label)
    return reciprocal, whole(name, space)


def _offer_sum(
    builder: Builder,
    node: Node,
    parts: list[View],
    encoded: Callable[[Matrix], Matrix],
) -> None:
    """Offer to decode a width from the widths of disjoint parts of its selector."""
    widths, classes = builder.width_classes(node.id)
    rows = np.indices([widths[-1] + 1] * len(parts)).reshape(len(parts), -1).T
    totals = rows.sum(axis=1)
    there = np.isin(totals, widths)
    if there.sum() > builder.inferred.limits.fused_rows:
        return
    codes = builder.views[node.id].codes
    assert codes is not None
    class_of = dict(zip(widths, classes, strict=True))
    results = codes[[class_of[total] for total in totals[there]]]
    leaves = [builder.leaf(part, nullable=False) for part in parts]
    reads = [name for part in parts for name in part.variables]
    builder.offer_table(node, leaves, encoded(rows[there].astype(float)), results, reads)


def lower_aggregate(builder: Builder, node: Node) -> None:
    """A head that averages; of numbers that become categorical, an MLP decodes the mean."""
    number = node.inputs[1]
    operand = builder.views[number]
    if node.is_numerical:
        _lower_to_number(builder, node, operand)
        return
    default = _default(builder, node)
    if number_view(operand, builder.values(number)) is None or not (
        default is None or is_number(default)
    ):
        operand = builder.one_hot_view(number, node.label)
    if not operand.one_hot:
        _lower_to_decoded_mean(builder, node, operand)
    elif builder.inferred.sops[node.id].mixture:
        _lower_to_mixture(builder, node, operand)
    else:
        _lower_to_one_hot(builder, node, operand)


def _sharing(builder: Builder, node: Node) -> str | None:
    """Heads of aggregates by one selector have the same queries and keys.

    Heads of selector widths have not: they score BOS otherwise.
    """
    return builder.node(node.inputs[0]).label if "shared-heads" in builder.passes else None


def _default(builder: Builder, node: Node) -> Value:
    """The default, or None where it is never used."""
    used = builder.inferred.widths[node.inputs[0]].low == 0
    return node.value if used else None


def _lower_to_number(builder: Builder, node: Node, operand: View) -> None:
    view = builder.add_value(node)
    builder.views[node.id] = view
    _add_mean(builder, node, node.label, operand)


def _add_mean(builder: Builder, node: Node, name: str, operand: View) -> None:
    """A head that averages numbers into variable ``name``, which is a scalar."""
    operand_values = builder.values(node.inputs[1])
    numbers = number_view(operand, operand_values)
    if numbers is None:
        raise UnsupportedProgramError(
            Refusal.NO_NUMBER,
            node.label,
            f"averages {builder.node(node.inputs[1]).label!r}, which has values that are no "
            "numbers",
            "map it to numbers first",
        )
    space = builder.variables[name].space
    matrix = np.zeros((len(numbers.target), len(space)))
    for i in range(min(matrix.shape)):
        matrix[i, i] = 1.0
    always_there = np.zeros(len(space))
    if len(space) > len(numbers.target):
        always_there[1] = 1.0
    value = numbers.then(AffineMap(numbers.target, space, matrix, always_there))
    default = _default(builder, node)
    at_bos = np.zeros(len(space))
    if isinstance(default, int | float):
        at_bos[0] = default
        at_bos[1:] = 1.0
    read = View(operand.variables, numbers, None, one_hot=False)
    error = float(coordinate_errors(read, builder.variables)[0])
    error += _averaging_error(builder, node, operand_values, default)
    terms = lower_selector(builder, builder.node(node.inputs[0]))
    work = builder.inferred.work
    head = _head(name, terms, value, value_at_bos=at_bos, bos_score=0.5, work=work)
    reads = [*_reads(terms), *operand.variables]
    builder.add_operation(name, node.label, head, reads, _sharing(builder, node))
    low, high = operand_values.bounds
    if builder.inferred.widths[node.inputs[0]].high > 1:
        error += (high - low) / 2 * _score_error(builder, terms)
    builder.set_residuals(name, np.array([[error, 0.0][: len(space)]]))


def _averaging_error(builder: Builder, node: Node, values: Domain, default: Value) -> float:
    """Rounding of an average, and what has a little weight besides.

    The weight that BOS keeps beside selected keys is below the rounding.
    """
    size = max(map(abs, values.bounds))
    if isinstance(default, int | float):
        size = max(size, abs(default))
    mixes = builder.inferred.widths[node.inputs[0]].high > 1
    rounding = 4 * ROUNDING if mixes else ROUNDING
    return float(size * (rounding + _weight_of_unselected(builder, node)))


def _weight_of_unselected(builder: Builder, node: Node) -> float:
    """The weight that all keys that an aggregate does not select may have together.

    Beside a selected key each has e**-coldness; where nothing is selected BOS is attended to, which
    scores half as much, so that each has e**(-coldness/2).
    """
    nothing = builder.inferred.widths[node.inputs[0]].low == 0
    return float(builder.inferred.max_seq_len * np.exp(-COLDNESS / 2 if nothing else -COLDNESS))


def _score_error(builder: Builder, terms: list[Term]) -> float:
    """How far a score may be off: what keys and queries are off, times the coldness.

    If scores are off by d, an average of numbers is off by d times half their range at most,
    and 1 / (1 + width) by d / 4.
    """
    error = 0.0
    for term in terms:
        queries = projected_errors(term.query, builder.variables, term.scores)
        keys = projected_errors(term.key, builder.variables, term.scores.T)
        error += float(queries.max(initial=0.0) + keys.max(initial=0.0))
    return COLDNESS * error


def _lower_to_one_hot(builder: Builder, node: Node, operand: View) -> None:
    """One position is selected, or several with the same value: the mean is one-hot."""
    view = builder.add_value(node)
    builder.views[node.id] = view
    values = builder.inferred.listed(node, node.label)
    _add_average(builder, node, operand, values.class_of)


def _lower_to_mixture(builder: Builder, node: Node, operand: View) -> None:
    """Several one-hot values are averaged to a distribution; readers take its mean.

    The distribution lives over the operand's values and the default. It is read by projecting
    to the mean; values that are no numbers, which are never averaged, get numbers of their own.
    """
    values = builder.inferred.listed(node, node.label)
    operand_values = builder.inferred.listed(builder.node(node.inputs[1]), node.label)
    default = _default(builder, node)
    base = list(operand_values.values)
    place = dict(operand_values.class_of)
    if default is not None and canonical_key(default) not in place:
        place[canonical_key(default)] = len(base)
        base.append(default)
    base_values = Enumerated(tuple((v,) for v in base))
    builder.add_one_hot(node.label, base_values, node.id)
    variable = builder.variables[node.label]
    builder.variables[node.label] = replace(variable, encoding="distribution", step=0.0)
    space = variable_space(node.label, base_values)
    code = _numbers_for(values)
    weights = np.array([[code[_class_of(values, v)]] for v in base])
    codes = code[:, None]
    target = [Direction(node.label, "mean")]
    if values.nullable:
        weights = np.hstack([weights, np.ones((len(base), 1))])
        codes = np.hstack([codes, np.ones((len(codes), 1))])
        target.append(Direction(node.label, "present"))
    projection = linear(space, Space(tuple(target)), weights)
    builder.views[node.id] = View((node.label,), projection, codes, one_hot=False)
    _add_average(builder, node, operand, place)


def _class_of(values: Enumerated, value: Value) -> int:
    return values.class_of[canonical_key(value)]


def _numbers_for(values: Enumerated) -> Matrix:
    """[classes]: numbers stand for themselves, other values for numbers beyond those."""
    _, high = values.bounds
    codes = []
    for value in values.values:
        if is_number(value):
            codes.append(float(value))  # type: ignore[arg-type]
        else:
            high += 1.0
            codes.append(high)
    return np.array(codes)


def _add_average(
    builder: Builder, node: Node, operand: View, place: dict[tuple[Any, ...], int]
) -> None:
    """A head that copies one-hot values to their places in the node's variable.

    What should have no weight has a little (see ``_weight_of_unselected``). Who reads large
    numbers off the copy sees it.
    """
    operand_values = builder.inferred.listed(builder.node(node.inputs[1]), node.label)
    space = builder.variables[node.label].space
    matrix = np.zeros((len(operand_values), len(space)))
    for number, value in enumerate(operand_values.values):
        if canonical_key(value) in place:  # it is not where nothing is ever selected
            matrix[number, place[canonical_key(value)]] = 1.0
    copy = operand.coordinates.then(linear(operand.coordinates.target, space, matrix))
    at_bos = np.zeros(len(space))
    default = _default(builder, node)
    if default is not None:
        at_bos[place[canonical_key(default)]] = 1.0
    terms = lower_selector(builder, builder.node(node.inputs[0]))
    work = builder.inferred.work
    head = _head(node.label, terms, copy, value_at_bos=at_bos, bos_score=0.5, work=work)
    reads = [*_reads(terms), *operand.variables]
    builder.add_operation(node.label, node.label, head, reads, _sharing(builder, node))
    copied = projected_errors(operand, builder.variables, matrix)
    left = np.full(len(space), _weight_of_unselected(builder, node))
    if default is not None:
        at_default = place[canonical_key(default)]
        if not matrix[:, at_default].any():  # no key can hold it
            left[at_default] = 0.0
        left[at_default] += np.exp(-COLDNESS / 2)
    if builder.inferred.sops[node.id].mixture:  # else all selected values are the same
        copied = copied + _score_error(builder, terms) / 2 + 4 * ROUNDING
    builder.set_dimension_errors(node.label, copied + left)


def _lower_to_decoded_mean(builder: Builder, node: Node, operand: View) -> None:
    """Numbers are averaged as a scalar, and an MLP makes the mean one-hot."""
    values = builder.inferred.listed(node, node.label)
    hidden = builder.fresh_name(f"{node.label}.mean")
    low, high = values.bounds
    space = builder.add_numbers(hidden, None, low, high, values.nullable)
    _add_mean(builder, node, hidden, operand)
    view = builder.add_value(node)
    builder.views[node.id] = view
    assert view.codes is not None
    # a default that is no number is among the values, but not used, or there would be no mean
    numbers = [isinstance(value, int | float) for value in values.values]
    own = whole(hidden, space)
    builder.add_table(
        node.label,
        [builder.leaf(own, values.nullable)],
        with_none(number_codes(values, values.nullable), values.nullable),
        with_none(view.codes[numbers], values.nullable),
        block=node.label,
        reads=[hidden],
    )


def _reads(terms: list[Term]) -> list[str]:
    return [name for term in terms for name in (*term.query.variables, *term.key.variables)]


def _head(
    name: str,
    terms: list[Term],
    value: AffineMap,
    value_at_bos: Matrix,
    bos_score: float,
    work: Work,
) -> Head:
    """A head that scores keys by a sum of bilinear forms, 1 where selected and at most 0 else.

    One more dimension of queries and keys scores BOS: with a score of 1 it is averaged like a
    selected key, with 1/2 it is attended to only if nothing is selected. At the BOS position
    the query meets no key but BOS, so what the head writes there is a constant.
    """
    query_maps, key_maps = [], []
    for term in terms:
        queries, keys = term.query.coordinates, term.key.coordinates
        work.spend(term.scores.size / 20, name)
        left, right = _factors(term.scores)
        between = numbered_space("meeting", left.shape[1])
        query_maps.append(_scaled(queries.then(linear(queries.target, between, left))))
        key_maps.append(keys.then(linear(keys.target, between, right.T)))
    size = sum(len(part.target) for part in key_maps) + 1
    meeting = numbered_space(f"scores of {name}", size)
    to_bos = Space((Direction("score of BOS"),))
    query_maps.append(constant(to_bos, np.array([COLDNESS * bos_score])))
    key_maps.append(constant(to_bos, np.zeros(1)))
    at_bos = np.eye(size)[-1]
    return Head(
        name,
        concatenate(query_maps, join(*(part.source for part in query_maps)), meeting),
        concatenate(key_maps, join(*(part.source for part in key_maps)), meeting),
        value,
        query_at_bos=COLDNESS * at_bos,
        key_at_bos=at_bos,
        value_at_bos=value_at_bos,
    )


def _factors(scores: Matrix) -> tuple[Matrix, Matrix]:
    """A matrix [queries, keys] as an exact product over few dimensions.

    Keys with the same column, or queries with the same row, share a dimension, and those whose
    scores are all 0 need none: a selector that looks at one token alone takes one dimension.
    """
    columns, column_of = _distinct(scores.T)
    rows, row_of = _distinct(scores)
    if len(columns) <= len(rows):
        return columns.T, column_of.T
    return row_of, rows


def _distinct(vectors: Matrix) -> tuple[Matrix, Matrix]:
    """The different vectors that are not 0, and [vectors, different ones] which each is."""
    different, inverse = np.unique(vectors, axis=0, return_inverse=True)
    which = np.eye(len(different))[inverse.ravel()]
    there = different.any(axis=1)
    return different[there], which[:, there]


def _scaled(affine: AffineMap) -> AffineMap:
    return AffineMap(affine.source, affine.target, affine.matrix * COLDNESS, affine.bias * COLDNESS)
