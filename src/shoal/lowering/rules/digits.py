"""Counts by an order, digit by digit.

A selector that puts many values in an order takes a dimension of queries and keys for each step of
it, and a column of the stream for each of these. In binary digits q is greater than p if and only
if there is a digit in which q has 1 and p has 0, while all digits before it are the same. No two
digits are that one. So the number of keys that are less is a sum over digits, each counted by a
head that reads as many digits as it compares, and a few columns hold all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from shoal.arrays import Array, Int
from shoal.craft.bases import numbered_space
from shoal.forms.one_hot import OneHot
from shoal.lowering.context import Context
from shoal.lowering.held import Held
from shoal.lowering.offers import Offers
from shoal.lowering.rules.split_width import MOST_HEADS, SPLIT_SELECTORS, sum_of_counts
from shoal.lowering.rules.width import LINEAR_COUNTS
from shoal.lowering.selectors import Truth
from shoal.lowering.splits import Condition, as_written, split_conditions, terms_where
from shoal.program.facts.domains import domain_of
from shoal.program.ir import Node
from shoal.rows import different_rows

DIGITS = "digits"
"""The name of the rule."""

LEAST_STEPS = 8
"""Values that are put in an order; where there are fewer, heads would be more than columns less."""


@dataclass(frozen=True, eq=False)
class Order:
    """Queries and keys by their place in an order.

    Attributes:
        queries: the place of each class of queries.
        keys: the place of each class of keys.
        is_reflexive: whether keys of the same place are selected, beside those of lesser ones.
    """

    queries: Int[Array, " queries"]
    keys: Int[Array, " keys"]
    is_reflexive: bool

    @property
    def steps(self) -> int:
        """How many places there are."""
        return 1 + int(max(self.queries.max(), self.keys.max()))


def count_by_digits(context: Context, node: Node) -> Offers[None]:
    """A width as the sum of what heads count, each by one digit."""
    if LINEAR_COUNTS not in context.passes or node.is_numerical:
        return
    selector = context.node(node.inputs[0])
    written = as_written(context, selector)
    selectors = [[written]] if written is not None else []
    if written is None and SPLIT_SELECTORS in context.passes:
        selectors = split_conditions(context, selector)
    heads = [head for conditions in selectors for head in by_digits(conditions)]
    if len(selectors) < len(heads) <= MOST_HEADS:
        yield from sum_of_counts(context, node, list(map(terms_where, heads)))


def by_digits(conditions: list[Condition]) -> list[list[Condition]]:
    """Disjoint selectors that make up one, each by one digit of every long order in it."""
    ways = [_in_digits(condition) for condition in conditions]
    return [[part for parts in chosen for part in parts] for chosen in product(*ways)]


def _in_digits(condition: Condition) -> list[list[Condition]]:
    """The same for one condition; it alone if it is no long order."""
    order = order_of(condition.holds)
    if order is None or order.steps < LEAST_STEPS:
        return [[condition]]
    count = (order.steps - 1).bit_length()
    queries = [digit_of(condition.query, order.queries, digit) for digit in range(count)]
    keys = [digit_of(condition.key, order.keys, digit) for digit in range(count)]
    return [
        [Condition(queries[digit], keys[digit], holds) for digit, holds in parts]
        for parts in digit_by_digit(order)
    ]


def digit_of(held: Held, places: Int[Array, " classes"], digit: int) -> Held:
    """A binary digit of the place of what is held as one-hot, as one-hot."""
    space = numbered_space(f"digit {digit}", 2)
    told = np.eye(2)[(places >> digit) & 1]
    coordinates = held.coordinates.into(space, told, np.zeros(2))
    return Held(OneHot(), domain_of([[0], [1]]), held.variables, coordinates)


def order_of(holds: Truth) -> Order | None:
    """The order by which keys are selected; None if queries do not select more and more of them.

    Args:
        holds: [query classes, key classes].
    """
    first, place = different_rows(holds)
    rows = holds[first]
    by_size = np.argsort(rows.sum(axis=1), kind="stable")
    rows = rows[by_size]
    if not len(rows) or (rows[:-1] & ~rows[1:]).any():
        return None
    queries = np.argsort(by_size)[place]
    keys = (~rows).sum(axis=0)  # the first query by which each is selected
    is_reflexive = bool(rows[0].any())
    return Order(queries, keys if is_reflexive else keys - 1, is_reflexive)


def digit_by_digit(order: Order) -> list[list[tuple[int, Truth]]]:
    """For each binary digit, what all hold where it is the first one that decides.

    Returns:
        Digits, each with [digit of the query, digit of the key], whether they are as they should:
        that those before it are the same, each of them; and that the query's is greater, or is not
        less for the last one of an order that is reflexive.
    """
    greater = np.array([[False, False], [True, False]])
    alike = np.eye(2, dtype=bool)
    found: list[list[tuple[int, Truth]]] = []
    before: list[tuple[int, Truth]] = []
    for digit in reversed(range((order.steps - 1).bit_length())):
        is_last = digit == 0 and order.is_reflexive
        found.append([*before, (digit, greater | alike if is_last else greater)])
        before.append((digit, alike))
    return found
