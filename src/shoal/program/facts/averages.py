"""What an aggregate can be: copies, means, and its default."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shoal.errors import Refusal, UnsupportedProgramError
from shoal.program.facts.argmax import argmax_of
from shoal.program.facts.distinct import ordered_by, selects_one_value
from shoal.program.facts.domains import (
    Domain,
    Enumerated,
    Interval,
    group_close,
)
from shoal.program.facts.inferred import Grid, Inferred, SOpFacts, encoded
from shoal.program.facts.means import means
from shoal.program.facts.width_bounds import WidthBounds
from shoal.program.ir import Node, Op
from shoal.rasp.values import Value, is_number, show_value


def infer_aggregate(facts: Inferred, node: Node) -> SOpFacts:
    """The values of an aggregate."""
    bounds = facts.widths[node.inputs[0]]
    operand = facts.program.node(node.inputs[1])
    values = facts.sops[operand.id].domain
    default = node.value
    uses_default = bounds.low == 0
    extra = [default] if uses_default and default is not None else []
    if bounds.high == 0:  # nothing is ever selected
        return SOpFacts(encoded(node, [[value] for value in extra], default is None))
    nullable = values.nullable or (uses_default and default is None)
    if not isinstance(values, Enumerated):
        return _interval(node, values, extra, nullable)
    found = _averages(facts, node, values, bounds, extra)
    if found is None:
        return _interval(node, values, extra, nullable)
    averages, mixture = found
    groups = [*map(list, values.classes), *([value] for value in extra), *averages]
    return SOpFacts(encoded(node, groups, nullable), mixture=mixture)


def _averages(
    facts: Inferred, node: Node, values: Enumerated, bounds: WidthBounds, extra: list[Value]
) -> tuple[list[list[Value]], bool] | None:
    """Means of values that differ, and whether values of several classes are averaged.

    The mean of equal values is that value, so it is none of these.

    Returns:
        Means in groups with the values that they look like; None if they are too many to list.
    """
    if bounds.high <= 1:
        return [], False
    numbers = [[v for v in group if isinstance(v, int | float)] for group in values.classes]
    beyond = [value for group in numbers for value in group if not is_number(value)]
    alike = sum(map(bool, numbers)) <= 1 or _selects_equal_values(facts, node)
    if beyond and not (alike and all(len(group) <= 1 for group in numbers)):
        raise UnsupportedProgramError(
            Refusal.NO_NUMBER,
            node.label,
            f"may average {show_value(beyond[0])} with other values, which a transformer cannot",
            "map it to a finite number or a string first",
            outside_float32=True,
        )
    limit = facts.limits.averages
    facts.work.spend(sum(map(len, numbers)), node.label)
    if alike:
        groups: list[list[Value]] = []
        for group in numbers:
            of_class = means(group, bounds.high, limit)
            if of_class is None:
                return None
            if of_class:
                groups.append([*group, *of_class])
        return groups, False
    members = [v for group in numbers for v in group]
    found = means(members, bounds.high, limit)
    if found is None:
        return None
    # readers see the mean as a number, whatever it is the mean of
    return group_close([*members, *found, *extra]), True


def _selects_equal_values(facts: Inferred, node: Node) -> bool:
    """Whether all positions that one query selects hold the same value."""
    best = argmax_of(facts, facts.program.node(node.inputs[0]))
    if best is not None and best.by is not None:
        averaged = node.inputs[1]
        if averaged == best.by or _is_known_by(facts, averaged, best.by):
            return True
    agenda = [facts.program.node(node.inputs[0])]
    for selector in agenda:
        if selector.op is Op.AND:
            agenda += [facts.program.node(number) for number in selector.inputs]
        elif selector.op is Op.SELECT and _keys_tell(facts, selector, node.inputs[1]):
            return True
    return False


def _keys_tell(facts: Inferred, selector: Node, averaged: int) -> bool:
    """Whether all keys that one query selects have the same value in an s-op.

    The keys' token and position say so; or keys are how many values come before in an order, of
    which one is selected, and equal ones are of equal values.
    """
    holds = facts.predicates[selector.id] == 1
    key = facts.program.node(selector.inputs[0])
    if _selects_one_of_each(facts.sops[key.id].local, facts.sops[averaged].local, holds):
        return True
    ordered = ordered_by(facts, key)
    if not ordered or not selects_one_value(facts, key, holds):
        return False
    return any(number == averaged or _is_known_by(facts, averaged, number) for number in ordered)


def _is_known_by(facts: Inferred, averaged: int, number: int) -> bool:
    """Whether an s-op has one value wherever another one has one, whatever token and position."""
    values, domain = facts.sops[averaged].local, facts.domain(number)
    each = np.eye(len(domain) if isinstance(domain, Enumerated) else 0, dtype=bool)
    return _selects_one_of_each(facts.sops[number].local, values, each)


def _selects_one_of_each(
    keys: Grid | None, values: Grid | None, holds: npt.NDArray[np.bool_]
) -> bool:
    """Whether the keys that each query selects have one value each, by token and position."""
    if keys is None or values is None:
        return False
    together = (keys >= 0) & (values >= 0)
    meets = np.zeros((holds.shape[1], int(values.max(initial=0)) + 1), dtype=bool)
    meets[keys[together], values[together]] = True
    return bool(((holds.astype(int) @ meets.astype(int)) > 0).sum(axis=1).max(initial=0) <= 1)


def _interval(node: Node, values: Domain, extra: list[Value], nullable: bool) -> SOpFacts:
    wrong = [value for value in extra if not is_number(value)]
    if wrong:
        raise UnsupportedProgramError(
            Refusal.NO_NUMBER,
            node.label,
            f"averages numbers, but its default is {show_value(wrong[0])}",
            "use a number or None",
        )
    low, high = values.bounds
    if not node.is_numerical:
        raise UnsupportedProgramError(
            Refusal.TOO_MANY_VALUES,
            node.label,
            f"averages {low:g} .. {high:g} to too many different values for a categorical s-op",
            "annotate it with rasp.numerical",
        )
    numbers = [*(float(v) for v in extra if isinstance(v, int | float)), low, high]
    return SOpFacts(Interval(min(numbers), max(numbers), nullable))
