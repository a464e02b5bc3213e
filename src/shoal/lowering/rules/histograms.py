"""Sorted values: what is fetched by a rank is told from how often each token occurs.

The values in the order of their keys are the first token's value as often as it occurs, then the
next one's, and so on. So the value at place p is the last one of which no more than p tokens come
before it: a step for each token, of p less the number of tokens that come before it. A head counts
these, by tokens alone, so that no rank has to be computed first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from shoal.arrays import Array, Float, Int
from shoal.contract import ROUNDING, TABLE_TOLERANCE
from shoal.craft.fitting import fit_affine
from shoal.lowering.context import Context
from shoal.lowering.heads import selects_all
from shoal.lowering.held import Errors, Held, stored, variables_of
from shoal.lowering.offers import Offer, Offers
from shoal.lowering.radii import projected_errors
from shoal.lowering.rules.decode import one_hot
from shoal.lowering.rules.embedding import by_class
from shoal.lowering.rules.width import countable_terms, counted_values
from shoal.lowering.synthesis.tables import Layer, as_mlp
from shoal.program.facts.distinct import is_total_order
from shoal.program.facts.domains import Enumerated, domain_of
from shoal.program.facts.lookup import UNDEFINED
from shoal.program.ir import Node, Op
from shoal.rasp.values import canonical_key

HISTOGRAMS = "histograms"
"""The name of the rule."""

_MOST_RUNS = 64
"""Tokens of different values; each takes a count of its own."""

_MOST_ERROR = 1 / 8
"""Of the place in the order: steps are flat up to a quarter, of which counts take some."""


@dataclass(frozen=True, eq=False)
class _Order:
    """Values in the order of their keys.

    Attributes:
        runs: [tokens], which run of equal values a token is in, in order.
        classes: [runs], the class of the aggregate that each run is.
        places: [query classes], the place in the order that a query asks for.
    """

    runs: Int[Array, " tokens"]
    classes: Int[Array, " runs"]
    places: Int[Array, " queries"]


def sorted_values(context: Context, node: Node) -> Offers[None]:
    """An aggregate of tokens' values that fetches by their rank, by counts of tokens.

    Heads have to write counts for that, as by the rule ``linear-counts``.
    """
    order = _order(context, node) if node.id in context.held else None
    if order is None:
        return
    counts = domain_of([count] for count in range(context.inferred.max_seq_len + 1))
    countable = countable_terms(context, [selects_all()], counts)
    if countable is None:
        return
    tokens = _tokens_that_tell(context, order.runs)
    if tokens is None:
        return
    name = context.fresh_name(f"{node.label}.sorted")
    held = stored(context.form_of(node), name, context.domain(node.id), node.id)
    ways = list(_places(context, node, order))
    if held.codes is None or not ways or not 1 < len(order.classes) <= _MOST_RUNS:
        return
    token = yield from one_hot(context, tokens.id, node.label)
    sharing = f"tokens before {node.label}" if "shared-heads" in context.passes else None
    before: list[Held] = []
    for run in range(1, len(order.classes)):
        name = context.fresh_name(f"{node.label}.before {run}")
        is_before = by_class(context, tokens, (order.runs < run).astype(float))
        offer = counted_values(context, name, countable, counts, token, is_before)
        before.append((yield replace(offer, sharing=sharing)))
    for place in ways:
        made = _steps(context, node, held, order, place, before)
        if made is not None:
            yield made


def _tokens_that_tell(context: Context, runs: Int[Array, " tokens"]) -> Node | None:
    """The tokens, or an element of them, if that says in which run a token is; else None."""
    for node in context.inferred.program:
        local = context.inferred.sops[node.id].local if node.op is Op.TOKENS else None
        if local is not None:
            pairs = np.unique(np.stack([local[:, 0], runs], axis=1), axis=0)
            if len(pairs) == len(np.unique(pairs[:, 0])):
                return node
    return None


def _order(context: Context, node: Node) -> _Order | None:
    """The order of tokens by which values are fetched; None if they are not fetched so."""
    inferred = context.inferred
    selector = context.node(node.inputs[0])
    domain = context.domain(node.id)
    if selector.op is not Op.SELECT or inferred.program.causal or domain.nullable:
        return None
    rank = context.node(selector.inputs[0])
    start, widths = inferred.sops[rank.id].ranks_from, inferred.widths[selector.id]
    if start is None or rank.op is not Op.WIDTH or not widths.low == widths.high == 1:
        return None
    runs = _runs(context, context.node(rank.inputs[0]), context.node(node.inputs[1]))
    places = _places_of(context, selector, start)
    if runs is None or places is None or not isinstance(domain, Enumerated):
        return None
    of_tokens, values = runs
    found = [domain.class_of.get(canonical_key(value)) for value in values]
    classes = np.array([UNDEFINED if number is None else number for number in found])
    return None if (classes < 0).any() else _Order(of_tokens, classes, places)


def _places_of(context: Context, selector: Node, start: int) -> Int[Array, " queries"] | None:
    """For each class of the query the place whose rank it selects; None if that is not clear."""
    rank, query = (context.domain(number) for number in selector.inputs)
    if not isinstance(rank, Enumerated) or not isinstance(query, Enumerated) or query.nullable:
        return None
    holds = context.inferred.predicates[selector.id] == 1
    if not (holds.sum(axis=1) == 1).all():
        return None
    picked = [rank.classes[number] for number in holds.argmax(axis=1)]
    if not all(len(group) == 1 and isinstance(group[0], int) for group in picked):
        return None
    return np.array([int(group[0]) - start for group in picked])


def _runs(
    context: Context, selector: Node, value: Node
) -> tuple[Int[Array, " tokens"], list[object]] | None:
    """Which run of equal values each token is in, in the order of a selector, and these values.

    None if it compares other things, or if positions come before values.
    """
    inferred = context.inferred
    if selector.op is not Op.SELECT or not is_total_order(inferred, selector):
        return None
    keys, values = inferred.sops[selector.inputs[0]].local, inferred.sops[value.id].local
    domain = context.domain(value.id)
    if keys is None or values is None or not isinstance(domain, Enumerated):
        return None
    if (keys < 0).any() or (values < 0).any() or not (values == values[:, :1]).all():
        return None
    holds = inferred.predicates[selector.id]  # [query classes, key classes], or UNDEFINED
    place = (holds - np.diag(np.diagonal(holds))).sum(axis=1)  # how many classes come before
    first, last = place[keys].min(axis=1), place[keys].max(axis=1)
    runs = np.zeros(len(keys), dtype=int)
    found: list[int] = []
    end = -1
    for token in np.argsort(first, kind="stable").tolist():
        kind = int(values[token, 0])
        if first[token] <= end and kind != found[-1]:
            return None
        if not found or kind != found[-1]:
            found.append(kind)
        runs[token], end = len(found) - 1, max(end, int(last[token]))
    return runs, [domain.values[kind] for kind in found]


_Place = tuple[Held, Float[Array, "coordinates 1"], float]
"""What is held, and a matrix and a bias by which it is the place that is asked for."""


def _places(context: Context, node: Node, order: _Order) -> Iterator[_Place]:
    """The ways to read the place that is asked for, as an affine function of what is held."""
    query = context.node(node.inputs[0]).inputs[1]
    for way in context.ways(query):
        if way.codes is None:
            continue
        fitted = fit_affine(way.codes, order.places[:, None].astype(float))
        if fitted is not None:
            off = projected_errors(way, context.variables, fitted[0])
            if off.max(initial=0.0) <= _MOST_ERROR:
                yield way, fitted[0], float(fitted[1][0])


def _steps(
    context: Context, node: Node, held: Held, order: _Order, place: _Place, before: list[Held]
) -> Offer | None:
    """Neurons that make a step from each run to the next; None if that is too inexact."""
    query, weights, bias = place
    codes = held.points(order.classes)
    jumps = np.diff(codes, axis=0)
    count = len(jumps)
    into = 2 * np.vstack([np.tile(weights, (1, count)), -np.eye(count)])
    starts, ends = (np.full(count, 2 * (bias + part)) for part in (0.75, 0.25))
    layer = Layer(
        np.hstack([into, into]),
        np.concatenate([starts, ends]),
        np.vstack([jumps, -jumps]),
        codes[0],
    )
    largest = 4.0 * (context.inferred.max_seq_len + 2)
    errors = 4 * ROUNDING * largest * np.abs(jumps).sum(axis=0)
    borne = max(context.borne(node, held.form), min(held.form.most_error, TABLE_TOLERANCE))
    if errors.max(initial=0.0) > borne:
        return None
    assert held.own is not None
    operands = [query, *before]
    made = as_mlp(held.variables[0], operands, layer, held.own.space)
    return Offer(held, made, variables_of(operands), Errors(apart=errors))
