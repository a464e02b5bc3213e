"""Attention heads from selectors: what they score, and how far their weights may be off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shoal.contract import COLDNESS
from shoal.craft.affine import AffineMap, Matrix, concatenate, constant
from shoal.craft.bases import Direction, Space, numbered_space
from shoal.craft.components import Head
from shoal.limits import Work
from shoal.lowering.context import Context
from shoal.lowering.held import Errors, Held, variables_of
from shoal.lowering.offers import Offer
from shoal.lowering.radii import Variables, projected_errors
from shoal.program.ir import Node

LIKE_A_KEY = 1.0
"""BOS scores as much as a selected key, so that it is averaged like one."""

IF_NOTHING_ELSE = 0.5
"""BOS scores half as much, so that it is attended to only where nothing is selected."""


@dataclass(frozen=True, eq=False)
class Term:
    """``query @ scores @ key`` of one-hot values; scores are [query classes, key classes]."""

    query: Held
    key: Held
    scores: Matrix


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

    One more dimension of queries and keys scores BOS. At the BOS position the query meets no key
    but BOS, so what the head writes there is a constant.

    Args:
        terms: their sum is the score; it is multiplied by the coldness.
        value: what is averaged.
        value_at_bos: what is read there; None for what ``value`` gives.
        bos: the score of BOS, such as ``LIKE_A_KEY`` or ``IF_NOTHING_ELSE``.
    """
    query_maps, key_maps = [], []
    for term in terms:
        work.spend(term.scores.size / 20, name)
        left, right = _factors(term.scores)
        between = numbered_space("meeting", left.shape[1])
        query_maps.append(term.query.coordinates.into(between, left * COLDNESS))
        key_maps.append(term.key.coordinates.into(between, right.T))
    to_bos = Space((Direction("score of BOS"),))
    query_maps.append(constant(to_bos, np.array([COLDNESS * bos])))
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
    made = head(name, terms, value, value_at_bos, IF_NOTHING_ELSE, context.inferred.work)
    selector = context.node(node.inputs[0]).label
    sharing = selector if "shared-heads" in context.passes else None
    reads = (*terms_read(terms), *operand.variables)
    return Offer(held, made, reads, errors, node.label, sharing)


def weight_of_unselected(context: Context, node: Node) -> float:
    """The weight that all keys that an aggregate does not select may have together.

    Beside a selected key each has e**-coldness; where nothing is selected BOS is attended to, which
    scores half as much, so that each has e**(-coldness/2).
    """
    nothing = context.inferred.widths[node.inputs[0]].low == 0
    size = context.inferred.max_seq_len
    return float(size * np.exp(-COLDNESS / 2 if nothing else -COLDNESS))


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
    return COLDNESS * error


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
