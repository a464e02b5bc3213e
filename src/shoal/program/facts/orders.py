"""Selectors that put values in an order: single values, or tuples of which one decides first.

"Less, or equal and earlier" is an order of pairs of a value and a position, however it is written.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shoal.arrays import Array, Int
from shoal.program.facts.combinations import all_classes, parts_of, selected
from shoal.program.facts.inferred import Inferred, Predicate
from shoal.program.facts.lookup import UNDEFINED
from shoal.program.ir import Node, Op

MOST_TUPLES = 1024
"""Values of several s-ops together, of which each is compared with each."""

_MOST_OPERANDS = 4


@dataclass(frozen=True, eq=False)
class Order:
    """A total order, strict or reflexive, of the values of one s-op, or of several together.

    Attributes:
        operands: the s-ops, by node id.
        rows: [values, operands], the classes that each value has of them.
        holds: [query values, key values], whether a query selects a key.
    """

    operands: tuple[int, ...]
    rows: Int[Array, "values operands"]
    holds: Predicate

    @property
    def is_reflexive(self) -> bool:
        """Whether a value selects itself."""
        return bool(self.holds[0, 0])


def order_of(facts: Inferred, selector: Node) -> Order | None:
    """The order by which a selector compares values with each other; None if there is none."""
    if selector.op is Op.SELECT:
        key, query = selector.inputs
        holds = facts.predicates[selector.id]
        if key != query or not is_order(holds):
            return None
        return Order((key,), np.arange(len(holds))[:, None], holds)
    return _of_tuples(facts, selector)


def is_order(holds: Predicate) -> bool:
    """Whether a predicate [query classes, key classes] is a total order, strict or reflexive."""
    if not len(holds) or holds.shape[0] != holds.shape[1] or (holds == UNDEFINED).any():
        return False
    own = np.diagonal(holds)
    others = holds - np.diag(own)
    is_total = (others + others.T == 1 - np.eye(len(holds), dtype=int)).all()
    is_transitive = len(np.unique(others.sum(axis=1))) == len(holds)
    return bool(is_total and is_transitive and (own == own[0]).all())


def _of_tuples(facts: Inferred, selector: Node) -> Order | None:
    parts = parts_of(facts, selector)
    if parts is None:
        return None
    selects = [part for part in parts if part.op is Op.SELECT]
    keys, queries = ({part.inputs[side] for part in selects} for side in (0, 1))
    if keys != queries or not 1 < len(keys) <= _MOST_OPERANDS:
        return None
    operands = tuple(sorted(keys))
    rows = all_classes(facts, operands, MOST_TUPLES)
    if rows is None or len(rows) < 2:
        return None
    facts.work.spend(len(parts) * len(rows) ** 2 / 50, selector.label)
    classes = dict(zip(operands, rows.T, strict=True))
    holds = selected(facts, parts, classes, classes)
    if holds is None or not is_order(holds.astype(np.int32)):
        return None
    return Order(operands, rows, holds.astype(np.int32))
