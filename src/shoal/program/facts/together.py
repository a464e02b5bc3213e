"""Means by one selector: which of them occur together.

The means of two s-ops over the same keys have the same denominator: with opening and closing
brackets among n keys, a / n and b / n, and not a / n and b / m for any m.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations
from math import lcm

import numpy as np
import numpy.typing as npt

from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import Inferred, choices
from shoal.program.facts.joint import TooManyRowsError, joint
from shoal.program.facts.lookup import NONE
from shoal.program.ir import Node, Op
from shoal.rasp.values import canonical_key, is_number

Pair = tuple[int, int]
"""The classes of two means; NONE for None."""


def that_can_meet(
    facts: Inferred, operands: Sequence[int], rows: npt.NDArray[np.int_]
) -> npt.NDArray[np.int_]:
    """Those of some joint classes in which means by one selector go together.

    Args:
        facts: about the operands.
        operands: s-ops by node id.
        rows: [rows, operands], classes that might meet.
    """
    for first, second in combinations(range(len(operands)), 2):
        pairs = means_together(facts, operands[first], operands[second])
        if pairs is not None:
            together = rows[:, [first, second]] @ np.array([1 << 32, 1])
            wanted = np.array(list(pairs)).reshape(-1, 2) @ np.array([1 << 32, 1])
            rows = rows[np.isin(together, wanted)]
    return rows


def means_together(facts: Inferred, first: int, second: int) -> set[Pair] | None:
    """The classes that two means have at one position; None if nothing is known or they are many.

    Args:
        facts: about the program.
        first: a mean by node id.
        second: another one.
    """
    nodes = [facts.program.node(number) for number in (first, second)]
    if any(node.op is not Op.AGGREGATE for node in nodes) or first == second:
        return None
    if nodes[0].inputs[0] != nodes[1].inputs[0]:
        return None
    operands = [node.inputs[1] for node in nodes]
    domains = [facts.domain(number) for number in (first, second, *operands)]
    listed = [domain for domain in domains if isinstance(domain, Enumerated)]
    bounds = facts.widths[nodes[0].inputs[0]]
    are_means = all(facts.sops[number].mixture for number in (first, second))
    if len(listed) < 4 or not are_means or any(domain.nullable for domain in listed[2:]):
        return None
    places = [_places(domain) for domain in listed[:2]]
    vectors = _vectors(facts, operands, listed[2:])
    if vectors is None:
        return None
    found: set[Pair] = set()
    if bounds.low == 0:
        defaults = [_default(*each) for each in zip(listed, nodes, strict=False)]
        if None not in defaults:
            found.add(_pair(number for number in defaults if number is not None))
    means = _means(vectors, max(1, bounds.low), bounds.high, facts.limits.averages)
    if means is None:
        return None
    facts.work.spend(2 * len(means), nodes[0].label)
    for mean in means:
        classes = [place.get(number) for place, number in zip(places, mean, strict=True)]
        if None in classes:
            return None
        found.add(_pair(number for number in classes if number is not None))
    return found


def _pair(numbers: Iterable[int]) -> Pair:
    first, second = numbers
    return first, second


def _places(domain: Enumerated) -> dict[float, int]:
    """The class of each number."""
    members = [(v, i) for i, c in enumerate(domain.classes) for v in c]
    return {float(v): i for v, i in members if isinstance(v, int | float) and is_number(v)}


def _default(domain: Enumerated, node: Node) -> int | None:
    """The class of the default; None if it is known to be used on no input."""
    return NONE if node.value is None else domain.class_of.get(canonical_key(node.value))


def _vectors(
    facts: Inferred, operands: Sequence[int], domains: Sequence[Enumerated]
) -> list[tuple[Fraction, Fraction]] | None:
    """The pairs of numbers that two operands have at one position."""
    if not all(domain.are_numbers and len(domain) for domain in domains):
        return None
    try:
        rows = joint([choices(facts, number) for number in operands], facts.limits.averages)
    except TooManyRowsError:
        return None
    numbers = [
        [Fraction(value) for value in domain.values if isinstance(value, int | float)]
        for domain in domains
    ]
    return [(numbers[0][a], numbers[1][b]) for a, b in rows.tolist()]


def _means(
    vectors: Sequence[tuple[Fraction, Fraction]], least: int, most: int, budget: int
) -> set[tuple[float, float]] | None:
    """The means of ``least`` to ``most`` pairs; None if there may be more than ``budget``."""
    unit = lcm(*(number.denominator for vector in vectors for number in vector))
    steps = {(int(x * unit), int(y * unit)) for x, y in vectors}
    sums: set[tuple[int, int]] = {(0, 0)}
    found: set[tuple[float, float]] = set()
    for width in range(1, most + 1):
        if len(sums) * len(steps) > 4 * budget:
            return None
        sums = {(x + a, y + b) for x, y in sums for a, b in steps}
        if width >= least:
            # the quotient of two whole numbers is rounded once, like that of a fraction
            found |= {(x / (unit * width), y / (unit * width)) for x, y in sums}
        if len(found) > budget:
            return None
    return found
