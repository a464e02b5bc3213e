"""Whether the facts about a program are true: it is run by them, and compared with the interpreter.

Meant for tests, which run it after every pass, so that a pass that forgets to keep a fact true is
found at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from shoal.contract import agrees
from shoal.errors import ShoalError
from shoal.program.facts.domains import Domain, Enumerated
from shoal.program.facts.inferred import Inferred
from shoal.program.facts.lookup import NONE, UNDEFINED
from shoal.program.ir import ELEMENTWISE, Node, Op
from shoal.rasp.values import Value, canonical_key, show_value


class FalseFactError(ShoalError):
    """A fact about a program is not true."""


def verify(
    inferred: Inferred, tokens: Sequence[Value], values: Mapping[int, Sequence[Value]]
) -> int:
    """Hold facts against what the interpreter says on one input.

    Domains hold what occurs; tables, and classes by token and position, say what it is; selectors
    select as many keys as their bounds allow. Operands of a table are taken from the interpreter,
    so a node is judged by its own facts.

    Args:
        inferred: a program with its facts, before or after passes.
        tokens: the input.
        values: what the interpreter says, by node id; of selectors the matrix [query][key]. Nodes
            that are not here are not looked at.

    Returns:
        How many facts were held against the interpreter.

    Raises:
        FalseFactError: one of them is not true.
    """
    checked = 0
    for node in inferred.program:
        if node.id not in values:
            continue
        if not node.is_sop:
            checked += _check_widths(inferred, node, np.array(values[node.id], dtype=bool))
            continue
        classes = _classes(inferred, node, values[node.id])
        if classes is None:
            continue
        checked += 1
        local = inferred.sops[node.id].local
        if local is not None:
            rows = [_token(inferred, token) for token in tokens]
            _compare(node, "by token and position", classes, local[rows, np.arange(len(tokens))])
            checked += 1
        by_length = inferred.sops[node.id].by_length
        if by_length is not None and tokens:
            known = by_length[len(tokens) - 1, : len(tokens)]
            _compare(node, "by length and position", classes, known)
            checked += 1
        checked += _check_table(inferred, node, classes, values)
    return checked


def _token(inferred: Inferred, token: Value) -> int:
    return [canonical_key(known) for known in inferred.vocab].index(canonical_key(token))


def _classes(
    inferred: Inferred, node: Node, values: Sequence[Value]
) -> npt.NDArray[np.int_] | None:
    """The classes of values; None if the domain is no list."""
    domain = inferred.domain(node.id)
    if not isinstance(domain, Enumerated):
        for value in values:
            if not _is_in(domain, value):
                raise FalseFactError(f"{node.label!r} can be {show_value(value)}, beyond its range")
        return None
    return np.array([_class(domain, node, value) for value in values], dtype=int)


def _is_in(domain: Domain, value: Value) -> bool:
    low, high = domain.bounds
    if value is None:
        return domain.nullable
    room = 1e-9 * max(1.0, abs(low), abs(high))
    return isinstance(value, int | float) and low - room <= value <= high + room


def _class(domain: Enumerated, node: Node, value: Value) -> int:
    if value is None:
        if domain.nullable:
            return NONE
        raise FalseFactError(f"{node.label!r} can be None, which its domain has not")
    found = domain.class_of.get(canonical_key(value))
    if found is not None:
        return found
    for number, members in enumerate(domain.classes):
        if any(agrees(member, value, numerical=node.is_numerical) for member in members):
            return number
    raise FalseFactError(f"{node.label!r} can be {show_value(value)}, which its domain has not")


def _compare(
    node: Node, what: str, classes: npt.NDArray[np.int_], known: npt.NDArray[np.integer]
) -> None:
    wrong = np.flatnonzero((known != classes) & (known != UNDEFINED))
    if len(wrong):
        place = int(wrong[0])
        raise FalseFactError(
            f"{node.label!r} has class {classes[place]} at position {place}, but is known {what} "
            f"as {known[place]}"
        )
    if (known == UNDEFINED).any():
        raise FalseFactError(f"{node.label!r} occurs where it is known {what} as undefined")


def _check_table(
    inferred: Inferred,
    node: Node,
    classes: npt.NDArray[np.int_],
    values: Mapping[int, Sequence[Value]],
) -> int:
    table = inferred.sops[node.id].table
    if table is None or node.op not in ELEMENTWISE | {Op.CONSTANT}:
        return 0
    operands = []
    for number in node.inputs:
        if number not in values:
            return 0
        found = _classes(inferred, inferred.program.node(number), values[number])
        assert found is not None
        operands.append(found)
    known = table(operands) if operands else np.full(len(classes), table.entries)
    _compare(node, "by its table", classes, known)
    return 1


def _check_widths(inferred: Inferred, node: Node, holds: npt.NDArray[np.bool_]) -> int:
    """Bounds on widths, under the mask, and on those of the complement."""
    bounds = inferred.widths[node.id]
    mask = np.tri(len(holds), dtype=bool) if inferred.program.causal else np.ones_like(holds)
    for low, high, selected in (
        (bounds.low, bounds.high, holds & mask),
        (bounds.low_of_complement, bounds.high_of_complement, ~holds & mask),
    ):
        widths = selected.sum(axis=1)
        if widths.min() < low or widths.max() > high:
            raise FalseFactError(
                f"{node.label!r} selects {widths.min()} to {widths.max()} keys, not {low} to {high}"
            )
    return 1
