"""Attention heads from selectors: what they score, and how far their weights may be off."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shoal.contract import COLDNESS
from shoal.craft.affine import AffineMap, Matrix, concatenate, constant
from shoal.craft.bases import Direction, Space, numbered_space
from shoal.craft.components import Head
from shoal.forms.one_hot import OneHot
from shoal.limits import Work
from shoal.lowering.context import Context
from shoal.lowering.held import Errors, Held, variables_of
from shoal.lowering.offers import Offer
from shoal.lowering.parabolas import Parabola, parabola_of
from shoal.lowering.radii import Variables, projected_errors
from shoal.program.facts.domains import Enumerated, domain_of
from shoal.program.ir import Node
from shoal.rows import different_rows

LIKE_A_KEY = 1.0
"""BOS scores as much as a selected key, so that it is averaged like one."""

IF_NOTHING_ELSE = 0.5
"""BOS scores half as much, so that it is attended to only where nothing is selected."""

NEVER = -1.0
"""BOS scores less than any selected key, by a parabola too: every query selects one."""

SURELY = COLDNESS / 5
"""How far off scores may be, times the coldness, where one key at most is selected.

All others then still score four fifths of the coldness less: less than e**-32 beside it.
"""

LEAST_LESS = 0.75
"""What scores so much or less is not selected; what is scores 1."""

PARABOLAS = "parabolas"
"""The name of the rule by which equality takes two dimensions."""


@dataclass(frozen=True, eq=False)
class Term:
    """``query @ scores @ key`` of one-hot values.

    Attributes:
        query: what is one-hot at queries.
        key: the same at keys.
        scores: [query classes, key classes].
        parabola: numbers that give these scores in two dimensions; None for as many as there are.
        is_ranked: whether the greatest score picks the key, and not a score of 1.
        off: how far off the score of the one key that is selected may be beside others, times the
            coldness, where the query is a number, and its error not that of one-hot values.
    """

    query: Held
    key: Held
    scores: Matrix
    parabola: Parabola | None = None
    is_ranked: bool = False
    off: float = 0.0


def always() -> Held:
    """What is true at every position, and read from nothing."""
    one = constant(numbered_space("always", 1), np.ones(1))
    return Held(OneHot(), domain_of([[True]]), (), one)


def selects_all() -> Term:
    """The selector that selects all keys."""
    return Term(always(), always(), np.ones((1, 1)))


def with_parabola(context: Context, terms: list[Term], bears: float) -> list[Term]:
    """The same selector with parabolas for its equalities, if scores may be so far off.

    What is not equal scores less than it did. So nothing may be selected that is not: with it, all
    other terms together do not make 1.

    Args:
        terms: of a selector.
        bears: how far off scores may be, times the coldness.
    """
    is_as_it_is = any(term.parabola is not None for term in terms)
    if PARABOLAS not in context.passes or is_as_it_is:
        return terms
    most = sum(float(term.scores.max(initial=0.0)) for term in terms)
    found = [_by_parabola(term, most) for term in terms]
    is_other = any(term.parabola is not None for term in found)
    return found if is_other and score_error(found, context.variables) <= bears else terms


def _by_parabola(term: Term, most: float) -> Term:
    """A term by a parabola, if it is an equality without which nothing is selected.

    Args:
        term: of a selector.
        most: the greatest scores of all terms together.
    """
    keys, queries = term.key.domain, term.query.domain
    if not isinstance(keys, Enumerated) or not isinstance(queries, Enumerated):
        return term
    if not term.scores.size or most - float(term.scores.max() - term.scores.min()) > LEAST_LESS:
        return term
    parabola = parabola_of(term.scores, keys.values, queries.values, keys.nullable)
    if parabola is None:
        return term
    return replace(term, scores=parabola.scores, parabola=parabola)


def terms_read(terms: list[Term]) -> tuple[str, ...]:
    """The variables that queries and keys are read from."""
    return variables_of(read for term in terms for read in (term.query, term.key))


def head(
    name: str,
    terms: list[Term],
    value: AffineMap,
    value_at_bos: Matrix | None,
    bos: float,
    work: Work,
) -> Head:
    """A head that scores keys by a sum of bilinear forms, 1 where selected and at most 0 else.

    Of ranked keys the greatest is selected, by 1 before all others.

    One more dimension of queries and keys scores BOS. At the BOS position the query meets no key
    but BOS, so what the head writes there is a constant.

    Args:
        terms: their sum is the score; it is multiplied by the coldness.
        value: what is averaged.
        value_at_bos: what is read there; None for what ``value`` gives.
        bos: the score of BOS, such as ``LIKE_A_KEY`` or ``IF_NOTHING_ELSE``.
    """
    query_maps, key_maps, bos_maps = [], [], []
    to_bos = Space((Direction("score of BOS"),))
    for term in terms:
        work.spend(term.scores.size / 20, name)
        left, right = _factors(term.scores) if term.parabola is None else term.parabola.factors
        between = numbered_space("meeting", left.shape[1])
        always = 0.0 if term.parabola is None else term.parabola.constants * COLDNESS
        query_maps.append(term.query.coordinates.into(between, left * COLDNESS, always))
        key_maps.append(term.key.coordinates.into(between, right.T))
        if term.parabola is not None and bos != NEVER:
            more = term.parabola.for_bos[:, None] * COLDNESS
            bos_maps.append(term.query.coordinates.into(to_bos, more))
    bos_maps.append(constant(to_bos, np.array([COLDNESS * bos])))
    together = concatenate(bos_maps, numbered_space("parts", len(bos_maps)))
    query_maps.append(together.into(to_bos, np.ones((len(bos_maps), 1))))
    key_maps.append(constant(to_bos, np.zeros(1)))
    size = sum(len(part.target) for part in key_maps)
    meeting = numbered_space(f"scores of {name}", size)
    at_bos = np.eye(size)[-1]
    return Head(
        name,
        concatenate(query_maps, meeting),
        concatenate(key_maps, meeting),
        value,
        query_at_bos=COLDNESS * at_bos,
        key_at_bos=at_bos,
        value_at_bos=value_at_bos,
    )


def aggregated(
    context: Context,
    node: Node,
    held: Held,
    operand: Held,
    terms: list[Term],
    value: AffineMap,
    value_at_bos: Matrix,
    errors: Errors,
) -> Offer:
    """The offer of a head that aggregates an operand into what is held.

    ``value`` maps the operand's directions to what is written, which is ``value_at_bos`` where
    nothing is selected. Heads by one selector may become one; those of selector widths may not,
    since they score BOS otherwise.
    """
    (name,) = held.variables
    selector = context.node(node.inputs[0])
    widths = context.inferred.widths[selector.id]
    chosen = with_parabola(context, terms, SURELY) if widths.high <= 1 else terms
    by_parabola = any(term.parabola is not None for term in chosen)
    is_sure = by_parabola and widths.low >= 1 and len(chosen) == 1
    bos = NEVER if is_sure else IF_NOTHING_ELSE
    made = head(name, chosen, value, value_at_bos, bos, context.inferred.work)
    shared = f"{selector.label} by a parabola" if by_parabola else selector.label
    if any(term.is_ranked for term in terms):
        shared = f"{selector.label} by priority"
    elif chosen == terms and by_parabola:
        shared = f"{selector.label} by a number"
    sharing = shared if "shared-heads" in context.passes else None
    reads = (*terms_read(terms), *operand.variables)
    due_to = PARABOLAS if chosen != terms else None
    return Offer(held, made, reads, errors, node.label, sharing, due_to=due_to)


def weight_of_unselected(context: Context, node: Node, terms: list[Term]) -> float:
    """The weight that all keys that an aggregate does not select may have together.

    Beside a selected key each has e**-coldness; where nothing is selected BOS is attended to, which
    scores half as much, so that each has e**(-coldness/2).
    """
    nothing = context.inferred.widths[node.inputs[0]].low == 0
    size = context.inferred.max_seq_len
    off = sum(term.off for term in terms)
    return float(size * np.exp(off - (COLDNESS / 2 if nothing else COLDNESS)))


def score_error(terms: list[Term], variables: Variables) -> float:
    """How far a score may be off: what keys and queries are off, times the coldness.

    If scores are off by d, an average of numbers is off by d times half their range at most,
    and 1 / (1 + width) by d / 4.
    """
    error = 0.0
    for term in terms:
        for read, scores in ((term.query, term.scores), (term.key, term.scores.T)):
            off = projected_errors(read, variables, scores)
            error += float(off.max(initial=0.0))
    rounding = sum(term.parabola.rounding for term in terms if term.parabola is not None)
    return COLDNESS * error + rounding


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
    first, number = different_rows(vectors)
    different, which = vectors[first], np.eye(len(first))[number]
    there = different.any(axis=1)
    return different[there], which[:, there]
