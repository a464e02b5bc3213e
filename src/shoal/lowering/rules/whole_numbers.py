"""Whole numbers: sums and differences of counts and indices are queries as they are, undecoded.

A head that picks one key by an equality scores it by a parabola, 2 q p - p**2, which is linear in
the number q of the query. If that is an affine function of counts, which heads write themselves,
and of indices, the head reads these: the opposite position, length - 1 - index, takes no MLP, and
no layer to decode the length in. Values that are only read so are not computed at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shoal.arrays import Array, Float
from shoal.contract import COLDNESS, ROUNDING
from shoal.craft.affine import Matrix, concatenate
from shoal.craft.bases import numbered_space
from shoal.craft.fitting import fit_affine
from shoal.forms.count import Count
from shoal.lowering.context import Context
from shoal.lowering.cuts import count_of
from shoal.lowering.heads import Term
from shoal.lowering.held import Held, variables_of
from shoal.lowering.offers import Offer, Offers
from shoal.lowering.parabolas import FEWEST, Parabola
from shoal.lowering.radii import coordinate_errors
from shoal.lowering.rules.decode import one_hot
from shoal.lowering.rules.fetching import can_fetch, fetched
from shoal.lowering.rules.split_width import is_split
from shoal.program.facts.domains import Domain, Enumerated
from shoal.program.ir import ELEMENTWISE, Node, Op

WHOLE_NUMBERS = "whole-numbers"
"""The name of the rule."""

MOST_OFF = 18.0
"""How far off scores may be, times the coldness: all other keys then score 22 less, and have less
than 1e-6 of the weight among 2**12."""

_LARGEST = 2**12
"""Of a whole number; those that are larger are hard to decode for others."""

_ROUNDINGS = 4
"""Roundings of a sum of some terms that are multiplied by weights."""


@dataclass(frozen=True, eq=False)
class NumberParabola(Parabola):
    """A parabola over a query that is held as a number.

    Attributes:
        slope: that takes the query to the number of the key that it selects.
        start: added to it.
    """

    slope: float = 1.0
    start: float = 0.0

    @property
    def factors(self) -> tuple[Matrix, Matrix]:
        """[1, 2] and [2, keys]."""
        return np.array([[2 * self.slope, 0.0]]), np.stack([self.keys, self.keys**2])

    @property
    def constants(self) -> Float[Array, 2]:
        """[2], added to the query's side."""
        return np.array([2 * self.start, -1.0])

    @property
    def rounding(self) -> float:
        """As of a parabola, without what BOS would score more."""
        most_key = float(np.abs(self.keys).max())
        most_query = float(np.abs(self.queries).max())
        return 4 * ROUNDING * COLDNESS * (2 * most_key * most_query + most_key**2)


def only_queries(context: Context, node: Node) -> Offers[None]:
    """A whole number that nothing reads but such heads, as an affine function of others."""
    view = None if node.id in context.held else _view(context, node)
    if view is not None and _is_only_read_as_query(context, node):
        yield Offer(view, view_of=node.id)


def also_queries(context: Context, node: Node) -> Offers[None]:
    """The same for one that is read otherwise, too: another way to hold it."""
    if any(way.form == Count() for way in context.held.get(node.id, ())):
        return
    view = _view(context, node)
    if view is not None and _is_read_as_query(context, node):
        yield Offer(view, view_of=node.id)


def number_query(context: Context, node: Node) -> Offers[None]:
    """An aggregate that copies from the position that a whole number names."""
    selector = context.node(node.inputs[0])
    found = None if node.id in context.held else _parabola(context, selector)
    query = None if found is None else _number(context, selector.inputs[1])
    if found is None or query is None or _is_local(context, selector.inputs[1]):
        return
    off = _off(context, found, query)
    if off > MOST_OFF or not can_fetch(context, node):
        return
    key = yield from one_hot(context, selector.inputs[0], node.label)
    terms = [Term(query, key, 2 * found.slope * found.keys[None, :], found, off=off)]
    yield from fetched(context, node, terms)


def _off(context: Context, parabola: NumberParabola, query: Held) -> float:
    """How far float32 may take the score of the selected key off beside any other.

    If the query is off by d, another key x away has x**2 +- 2 d x less, 1 - 2 d at least.
    """
    reader = query.coordinates
    size = np.abs(reader.bias)
    for name in query.variables:
        variable = context.variables[name]
        rows = np.abs(reader.matrix[reader.source.positions(variable.space)])
        most = rows.max(axis=0, initial=0.0) if variable.ranges.picks_one else rows.sum(axis=0)
        size = size + most * variable.ranges.largest
    largest = abs(parabola.slope) * float(size[0]) + abs(parabola.start)
    error = abs(parabola.slope) * float(coordinate_errors(query, context.variables)[0])
    return 2 * COLDNESS * (error + _ROUNDINGS * ROUNDING * largest) + parabola.rounding


def _parabola(context: Context, selector: Node) -> NumberParabola | None:
    """How a selector of one key for every query scores keys, if by a number of the query.

    Queries that select nothing do not occur.
    """
    widths = context.inferred.widths[selector.id]
    if selector.op is not Op.SELECT or not widths.low == widths.high == 1:
        return None
    keys, queries = (context.domain(number) for number in selector.inputs)
    numbers = whole_values(queries)
    if numbers is None or not isinstance(keys, Enumerated) or keys.nullable:
        return None
    holds = context.inferred.predicates[selector.id] == 1
    picks = holds.sum(axis=1) == 1
    if (holds.sum(axis=1) > 1).any() or picks.sum() < FEWEST:
        return None
    key = whole_values(keys)
    key = np.arange(len(keys), dtype=float) if key is None else key
    key = key - np.floor((key.min() + key.max()) / 2)
    wanted = key[holds[picks].argmax(axis=1)]
    fitted = fit_affine(numbers[picks, None], wanted[:, None])
    if fitted is None or not fitted[0].any():
        return None
    slope, start = float(fitted[0][0, 0]), float(fitted[1][0])
    return NumberParabola(key, wanted, slope=slope, start=start)


def whole_values(domain: Domain) -> Float[Array, " classes"] | None:
    """The values of a domain, if they are whole numbers, each a class by itself."""
    if not isinstance(domain, Enumerated) or domain.nullable or not len(domain):
        return None
    if any(len(members) != 1 for members in domain.classes):
        return None
    if not all(type(value) is int and abs(value) <= _LARGEST for value in domain.values):
        return None
    return np.array(domain.values, dtype=float)


def _is_local(context: Context, number: int) -> bool:
    return context.inferred.sops[number].local is not None


def _number(context: Context, number: int) -> Held | None:
    """A whole number as it is read: as heads count, or the embedding has it; None if neither.

    Widths that are offered in parts may be decoded from these a layer before they are counted.
    """
    for held in context.held.get(number, ()):
        if held.form == Count():
            return held
        if _is_local(context, number) and held.as_number is not None:
            is_whole = whole_values(held.domain) is not None
            return replace(held.as_number, form=Count()) if is_whole else None
    return None if is_split(context, context.node(number)) else count_of(context, number)


def _weights(context: Context, node: Node) -> tuple[Matrix, Matrix] | None:
    """[operands, 1] and [1], by which an s-op is an affine function of its operands, if it is."""
    if node.op not in ELEMENTWISE or node.is_numerical or node.form is not None:
        return None
    table = context.inferred.sops[node.id].table
    if table is None:
        return None
    results = whole_values(context.domain(node.id))
    numbers = [whole_values(context.domain(number)) for number in node.inputs]
    operands = [each for each in numbers if each is not None]
    if results is None or not operands or len(operands) < len(numbers):
        return None
    rows = table.rows
    context.inferred.work.spend(rows.size / 10, node.label)
    points = [each[column] for each, column in zip(operands, rows.T, strict=True)]
    return fit_affine(np.stack(points, axis=1), results[table(rows.T)][:, None])


def whole_number(context: Context, number: int) -> Held | None:
    """A whole number as it is read, or as an affine function of such; None if it is neither."""
    known = _number(context, number)
    return _view(context, context.node(number)) if known is None else known


def _view(context: Context, node: Node) -> Held | None:
    """An s-op as an affine function of whole numbers, one of which is a count; else None."""
    if all(_is_local(context, number) for number in node.inputs):
        return None
    operands = [_number(context, number) for number in node.inputs]
    read = [operand for operand in operands if operand is not None]
    weights = _weights(context, node) if len(read) == len(operands) else None
    if weights is None:
        return None
    joint = numbered_space(f"numbers of {node.label}", len(read))
    together = concatenate([operand.coordinates for operand in read], joint)
    total = together.into(numbered_space(node.label, 1), *weights)
    return Held(Count(), context.domain(node.id), variables_of(read), total)


def _is_read_as_query(context: Context, node: Node) -> bool:
    """Whether a head may read an s-op as a number, or one that is an affine function of it."""
    graph = context.inferred.program.graph
    for reader in map(context.node, graph.successors(node.id)):
        if reader.op is Op.SELECT and reader.inputs[1] == node.id:
            if _parabola(context, reader) is not None and graph.out_degree(reader.id):
                return True
        elif _weights(context, reader) is not None and _is_read_as_query(context, reader):
            return True
    return False


def _is_only_read_as_query(context: Context, node: Node) -> bool:
    """Whether all that reads an s-op are heads that may read it as a number."""
    program = context.inferred.program
    readers = [context.node(number) for number in program.graph.successors(node.id)]
    if not readers or node.id in program.ends or _weights(context, node) is None:
        return False
    for reader in readers:
        if reader.op is Op.SELECT:
            attending = map(context.node, program.graph.successors(reader.id))
            is_query = reader.inputs[1] == node.id != reader.inputs[0]
            copied = all(attends.op is Op.AGGREGATE for attends in attending)
            if not is_query or not copied or _parabola(context, reader) is None:
                return False
        elif not _is_only_read_as_query(context, reader):
            return False
    return True
