"""Selectors that put values in an order: single values, or tuples of which one decides first.

"Less, or equal and earlier" is an order of pairs of a value and a position, however it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Int
from shoal.program.facts.combinations import combined, parts_of
from shoal.program.facts.domains import Domain, Enumerated
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
    domains = [facts.domain(number) for number in operands]
    if not all(isinstance(domain, Enumerated) and not domain.nullable for domain in domains):
        return None
    rows = _all_tuples(domains)
    if not 1 < len(rows) <= MOST_TUPLES:
        return None
    facts.work.spend(len(parts) * len(rows) ** 2 / 50, selector.label)
    classes = dict(zip(operands, rows.T, strict=True))
    holds = _selected(facts, parts, classes)
    if holds is None or not is_order(holds):
        return None
    return Order(operands, rows, holds)


def _all_tuples(domains: Sequence[Domain]) -> Int[Array, "values operands"]:
    """All classes together, whether they ever meet or not: if others do, they are in order, too."""
    sizes = [len(domain) for domain in domains if isinstance(domain, Enumerated)]
    if len(sizes) < len(domains) or prod(sizes) > MOST_TUPLES:
        return np.zeros((0, len(domains)), dtype=int)
    return np.indices(sizes).reshape(len(sizes), -1).T


def _selected(
    facts: Inferred, parts: list[Node], classes: Mapping[int, npt.NDArray[np.int_]]
) -> Predicate | None:
    """[values, values], what the last of some selectors selects; None where one is undefined.

    Args:
        facts: about the program.
        parts: operands come first.
        classes: by s-op the class that each value has of it.
    """
    known: dict[int, npt.NDArray[np.bool_]] = {}
    for part in parts:
        if part.op is not Op.SELECT:
            known[part.id] = combined(part, known)
            continue
        key, query = part.inputs
        found = facts.predicates[part.id][classes[query][:, None], classes[key]]
        if (found == UNDEFINED).any():
            return None
        known[part.id] = found == 1
    return known[parts[-1].id].astype(np.int32)
