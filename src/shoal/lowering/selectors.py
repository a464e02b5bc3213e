"""Selectors as bilinear forms: scores that one attention head can compute.

A ``Select`` is a bilinear form of one-hot keys and queries. A boolean combination of selects
fits one head if weights can be found under which all satisfying combinations score 1 and all
others at most 0; a small linear program finds them. Otherwise the keys, and the queries, are
first joined to tuples by an MLP, over which any predicate is a bilinear form again.
Source: section 5 of the design.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Bool, Float, Int
from shoal.craft.affine import Matrix, constant
from shoal.craft.bases import numbered_space
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.forms.one_hot import OneHot
from shoal.lowering.context import Context
from shoal.lowering.heads import Term
from shoal.lowering.held import Held
from shoal.lowering.linear_program import LinearProgram
from shoal.lowering.offers import Offers
from shoal.lowering.rules.decode import one_hot, tuples
from shoal.program.facts.lookup import UNDEFINED
from shoal.program.ir import Node, Op
from shoal.rows import different_rows

Truth = npt.NDArray[np.bool_]

MOST_COMBINATIONS = 4096
"""Of patterns, one for each group."""

_LOGIC = {Op.AND: np.logical_and, Op.OR: np.logical_or, Op.NOT: np.logical_not}


@dataclass(frozen=True, eq=False)
class Group:
    """The selects of a selector that have the same keys and queries.

    Attributes:
        key: node id.
        query: node id.
        selects: node ids.
        patterns: the different combinations of truth values, [patterns, selects].
        pattern: [query classes, key classes], which combination holds; UNDEFINED where a
            predicate raises.
    """

    key: int
    query: int
    selects: tuple[int, ...]
    patterns: Truth
    pattern: npt.NDArray[np.int32]


def terms_of(context: Context, selector: Node) -> Offers[list[Term]]:
    """Bilinear forms whose sum is 1 where the selector holds and at most 0 where it does not."""
    groups = groups_of(context, selector)
    weights = fitting_weights(context, selector, groups)
    if weights is None:
        return [(yield from _joint_term(context, selector, groups))]
    terms = []
    for group, weight in zip(groups, weights, strict=True):
        scores = np.append(weight, 0.0)[np.maximum(group.pattern, -1)]  # UNDEFINED takes the last
        if len(groups) == 1 or (scores != 0).any():
            query = yield from _operand(context, group.query, selector)
            key = yield from _operand(context, group.key, selector)
            terms.append(Term(query, key, scores))
    return terms


def _operand(context: Context, number: int, selector: Node) -> Offers[Held]:
    """A key or query as one-hot; one that has a single value need not be read."""
    if context.domain(number).is_constant and not context.domain(number).nullable:
        return of_one_value(context, number)
    return (yield from one_hot(context, number, selector.label))


def of_one_value(context: Context, number: int) -> Held:
    """What has a single value, as one-hot."""
    one = constant(numbered_space(context.node(number).label, 1), np.ones(1))
    return Held(OneHot(), context.domain(number), (), one)


def _parts(context: Context, selector: Node) -> list[Node]:
    """The selectors that a selector is made of, operands first, itself included."""
    return context.upstream(selector, lambda part: part.op is Op.SELECT)


def groups_of(context: Context, selector: Node) -> list[Group]:
    """The selects that a selector is made of, by keys and queries."""
    members: dict[tuple[int, ...], list[int]] = {}
    for node in _parts(context, selector):
        if node.op is Op.SELECT:
            members.setdefault(node.inputs, []).append(node.id)
    groups = []
    for (key, query), selects in members.items():
        tables = np.stack([context.inferred.predicates[number] for number in selects])
        undefined = (tables == UNDEFINED).any(axis=0)
        truths = np.moveaxis(tables == 1, 0, -1)[~undefined]
        first, number = different_rows(truths)
        pattern = np.full(undefined.shape, UNDEFINED, dtype=np.int32)
        pattern[~undefined] = number
        groups.append(Group(key, query, tuple(selects), truths[first], pattern))
    return groups


def holds_where(context: Context, selector: Node, truth: dict[int, Truth]) -> Truth:
    """The selector's truth value from those of its selects, elementwise over arrays."""
    known = dict(truth)
    for node in _parts(context, selector):
        if node.id in known:
            continue
        if node.op not in _LOGIC:
            raise UnsupportedProgramError(
                Refusal.UNKNOWN_EXPRESSION,
                node.label,
                f"{node.op} cannot be lowered",
                "express it by Select, &, | and ~",
            )
        known[node.id] = _LOGIC[node.op](*(known[operand] for operand in node.inputs))
    return known[selector.id]


def truth_of(groups: list[Group], found: Iterable[npt.NDArray[np.integer]]) -> dict[int, Truth]:
    """The truth values of all selects where these patterns are found, one array for each group."""
    truth: dict[int, Truth] = {}
    for group, pattern in zip(groups, found, strict=True):
        for column, select in enumerate(group.selects):
            truths = np.append(group.patterns[:, column], False)  # UNDEFINED takes the last
            truth[select] = truths[np.maximum(pattern, -1)]
    return truth


def fitting_weights(context: Context, selector: Node, groups: list[Group]) -> list[Matrix] | None:
    """For each group the score of each pattern, or None if one head does not do."""
    sizes = [len(group.patterns) for group in groups]
    if len(groups) > 1 and prod(sizes) > MOST_COMBINATIONS:
        return None
    choices = np.indices(sizes).reshape(len(sizes), -1)
    context.inferred.work.spend(choices.size, selector.label)
    holds = holds_where(context, selector, truth_of(groups, choices))
    if len(groups) == 1:
        return [holds.astype(float)]
    return separating_weights(choices.T, sizes, holds)


def separating_weights(
    choices: Int[Array, "combinations groups"],
    sizes: list[int],
    holds: Bool[Array, " combinations"],
) -> list[Float[Array, " patterns"]] | None:
    """Weights of each group's patterns under which choices that hold sum to 1, others to at most 0.

    A choice is a pattern for each group, of which there are so many (``sizes``). The largest weight
    is as small as possible; None if there are no such weights.
    """
    program = LinearProgram()
    (largest,) = program.add(1, least=0.0)
    weights = program.add(sum(sizes))
    for sign in (1.0, -1.0):
        own = sign * np.eye(len(weights))
        program.require(np.hstack([np.full((len(own), 1), -1.0), own]), most=0.0)
    starts = np.cumsum([0, *sizes[:-1]])
    scores = np.zeros((len(choices), 1 + len(weights)))
    np.put_along_axis(scores, 1 + choices + starts, 1.0, axis=1)
    program.require(scores[holds], 1.0, 1.0)
    program.require(scores[~holds], most=0.0)
    found = program.solve({largest: 1.0})
    return None if found is None else np.split(found[1:], starts[1:])


def _joint_term(context: Context, selector: Node, groups: list[Group]) -> Offers[Term]:
    """One bilinear form over tuples of keys and tuples of queries."""
    keys = sorted({group.key for group in groups})
    queries = sorted({group.query for group in groups})
    key_held, key_rows = yield from tuples(context, selector, keys, "keys")
    query_held, query_rows = yield from tuples(context, selector, queries, "queries")
    found = [
        group.pattern[
            query_rows[:, [queries.index(group.query)]], key_rows[:, keys.index(group.key)]
        ]
        for group in groups
    ]
    undefined = np.any([pattern == UNDEFINED for pattern in found], axis=0)
    holds = holds_where(context, selector, truth_of(groups, found)) & ~undefined
    return Term(query_held, key_held, holds.astype(float))
