"""Argmax: of the keys that match, the head attends to the best, and nobody counts the others.

A key scores for matching, and besides for its place in the order by which one is picked: the later,
or the greater, the more. Softmax takes the one that scores most. So the latest token of a kind, the
nearest bracket or the greatest value takes one layer of attention, where a program counts first.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shoal.craft.bases import numbered_space
from shoal.lowering.context import Context
from shoal.lowering.heads import SURELY, Term, always, score_error
from shoal.lowering.held import Held
from shoal.lowering.offers import Offers
from shoal.lowering.rules.decode import one_hot
from shoal.lowering.rules.embedding import place_of_tokens
from shoal.lowering.rules.fetching import can_fetch, fetched
from shoal.lowering.rules.whole_numbers import whole_number, whole_values
from shoal.lowering.selectors import terms_of
from shoal.program.facts.argmax import Argmax, argmax_of
from shoal.program.ir import Node

ARGMAX = "argmax"
"""The name of the rule."""


def argmax(context: Context, node: Node) -> Offers[None]:
    """An aggregate that copies from the best of the keys that match, or averages equal ones."""
    if node.id in context.held:
        return
    best = argmax_of(context.inferred, context.node(node.inputs[0]))
    is_mixed = context.inferred.sops[node.id].mixture and not context.wish_of(node).is_number
    if best is None or is_mixed or not can_fetch(context, node):
        return
    terms = yield from _terms(context, node, best)
    off = 2 * score_error(terms, context.variables)
    if off > SURELY:
        return
    terms = [replace(terms[0], off=off), *terms[1:]]
    yield from fetched(context, node, terms)


def _terms(context: Context, node: Node, best: Argmax) -> Offers[list[Term]]:
    """Scores of 1 or more for keys that match, by 1 more for each better one, and 0 for others."""
    ranked, steps = yield from _ranked(context, node, best)
    matches: list[Term] = []
    for selector in best.matching:
        first, *others = yield from terms_of(context, selector)
        # what matches scores 0, and what does not as much less as the best may score
        matches.append(replace(first, scores=steps * (first.scores - 1)))
        matches += [replace(term, scores=steps * term.scores) for term in others]
    for number, is_flag in best.flags.items():
        flag = yield from one_hot(context, number, node.label)
        matches.append(Term(always(), flag, steps * (is_flag[None, :].astype(np.float64) - 1.0)))
    return [ranked, *matches]


def _ranked(context: Context, node: Node, best: Argmax) -> Offers[tuple[Term, float]]:
    """The part of the score that orders keys, from 1, and how much the best may have."""
    if len(best.ranks) == 1:
        number = yield from _number(context, best)
        values = None if number is None else whole_values(number.domain)
        if number is not None and values is not None:
            sign = 1.0 if (np.diff(values) * np.diff(best.ranks[0]) > 0).all() else -1.0
            start = 1.0 - float((sign * values).min())
            space = numbered_space(f"rank by {node.label}", 1)
            rank = number.coordinates.into(space, np.array([[sign]]), np.array([start]))
            key = replace(number, coordinates=rank)
            term = Term(always(), key, np.ones((1, 1)), is_ranked=True)
            return term, float(np.ptp(values)) + 1.0
    assert best.by is not None  # else every position may be picked
    key = yield from one_hot(context, best.by, node.label)
    query = always() if len(best.ranks) == 1 else key
    term = Term(query, key, best.ranks.astype(float), is_ranked=True)
    return term, float(best.ranks.max())


def _number(context: Context, best: Argmax) -> Offers[Held | None]:
    """Keys as whole numbers in their order, that need not be decoded; None if they are no such."""
    if best.by is None:
        return (yield from place_of_tokens(context))
    values = whole_values(context.domain(best.by))
    if values is None or any(way.as_indicators is not None for way in context.ways(best.by)):
        return None
    ways = np.diff(values) * np.diff(best.ranks[0])
    is_in_order = len(ways) > 0 and ((ways > 0).all() or (ways < 0).all())
    return whole_number(context, best.by) if is_in_order else None
