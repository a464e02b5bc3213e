"""Priorities: a position that depends on the length, picked without knowing the length.

The last position is the last one that exists: a head whose score grows with the position picks it.
The same goes for any position p(n) of inputs of n tokens, the same for all queries, if p(n + 1) is
p(n) or the new position n: keys are ranked once for all, and softmax takes the best that is there.
So nothing has to be counted in a layer before. Source: D1 of the notes on what can still be won.
"""

from __future__ import annotations

import numpy as np

from shoal.arrays import Array, Float
from shoal.lowering.context import Context
from shoal.lowering.heads import Term, always
from shoal.lowering.offers import Offers
from shoal.lowering.rules.decode import one_hot
from shoal.lowering.rules.fetching import can_fetch, fetched
from shoal.program.facts.by_length import each_selection
from shoal.program.facts.domains import Enumerated
from shoal.program.ir import Node

PRIORITIES = "priorities"
"""The name of the rule."""


def priority(context: Context, node: Node) -> Offers[None]:
    """An aggregate that copies from the best position that is there."""
    ranks = _ranks(context, context.node(node.inputs[0]))
    if ranks is None:
        return
    found = ((n, _by_class(context, n, ranks)) for n in context.inferred.program)
    indices, scores = next(((n, r) for n, r in found if r is not None), (None, None))
    if indices is None or scores is None:
        return
    if not can_fetch(context, node):
        return
    key = yield from one_hot(context, indices.id, node.label)
    terms = [Term(always(), key, scores[None, :], is_ranked=True)]
    yield from fetched(context, node, terms)


def _by_class(
    context: Context, node: Node, ranks: Float[Array, " positions"]
) -> Float[Array, " classes"] | None:
    """The rank of each class of the indices; None for other nodes.

    What has been merged must have one rank, and never be picked.
    """
    if not node.is_plain_index:
        return None
    domain, local = context.domain(node.id), context.inferred.sops[node.id].local
    assert isinstance(domain, Enumerated)
    assert local is not None
    members = [ranks[local[0] == number] for number in range(len(domain))]
    if any(len(each) > 1 and each.any() for each in members):
        return None
    return np.array([each[0] for each in members])


def _ranks(context: Context, selector: Node) -> Float[Array, " positions"] | None:
    """The rank of each position, from 1 for the first that is picked; 0 for what never is.

    None if a selector picks no position, several, or others for other queries, if what it picks
    does not depend on the length, or is no longer picked though nothing new is there.
    """
    if context.inferred.program.causal:
        return None
    picked = []
    for chosen in each_selection(context.inferred, selector):
        if chosen is None or not (chosen.sum(axis=1) == 1).all():
            return None
        if not (chosen == chosen[0]).all():
            return None
        picked.append(int(chosen[0].argmax()))
    ranks = np.zeros(len(picked))
    for n, position in enumerate(picked):
        if n and position not in (picked[n - 1], n):
            return None
        if ranks[position] == 0:
            ranks[position] = ranks.max() + 1
    return ranks if len(set(picked)) > 1 else None
