"""What combinations of selectors are made of, and what they select."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Int
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import Inferred
from shoal.program.facts.lookup import UNDEFINED
from shoal.program.ir import Node, Op, Program

MOST_PARTS = 16
"""Selectors that one is made of."""


def parts_of(facts: Inferred, selector: Node) -> list[Node] | None:
    """A selector and what it is made of, operands first; None if that is too much."""
    found = {selector.id: selector}
    agenda = [selector]
    while agenda and len(found) <= MOST_PARTS:
        part = agenda.pop()
        operands = [facts.program.node(number) for number in part.inputs]
        if part.op is not Op.SELECT:
            agenda += [operand for operand in operands if operand.id not in found]
            found |= {operand.id: operand for operand in operands}
    if len(found) > MOST_PARTS:
        return None
    return [node for node in facts.program if node.id in found]


def combined(part: Node, known: Mapping[int, npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
    """[queries, keys], what a combination of selectors selects, the mask left out."""
    operands = [known[number] for number in part.inputs]
    match part.op:
        case Op.NOT:
            return ~operands[0]
        case Op.AND:
            return operands[0] & operands[1]
    return operands[0] | operands[1]


def selected(
    facts: Inferred,
    parts: Sequence[Node],
    queries: Mapping[int, npt.NDArray[np.int_]],
    keys: Mapping[int, npt.NDArray[np.int_]],
) -> npt.NDArray[np.bool_] | None:
    """[queries, keys], what the last of some selectors selects; None where one is undefined.

    Args:
        facts: about the program.
        parts: as of ``parts_of``.
        queries: by s-op the class that each query has of it.
        keys: the same for keys.
    """
    known: dict[int, npt.NDArray[np.bool_]] = {}
    for part in parts:
        if part.op is not Op.SELECT:
            known[part.id] = combined(part, known)
            continue
        key, query = part.inputs
        found = facts.predicates[part.id][queries[query][:, None], keys[key]]
        if (found == UNDEFINED).any():
            return None
        known[part.id] = found == 1
    return known[parts[-1].id]


def classes_by_place(
    facts: Inferred, parts: Sequence[Node]
) -> dict[int, Int[Array, "tokens positions"]] | None:
    """The classes of all that some selectors look at, by token and index.

    None if something else determines one of them, or if it is undefined or None somewhere.
    """
    found: dict[int, Int[Array, "tokens positions"]] = {}
    for number in sorted({n for part in parts if part.op is Op.SELECT for n in part.inputs}):
        local = facts.sops[number].local
        if local is None or (local < 0).any():
            return None
        found[number] = local.astype(int)
    return found


def all_classes(
    facts: Inferred, numbers: Sequence[int], most: int
) -> Int[Array, "rows sops"] | None:
    """All classes of some s-ops together, whether they ever meet or not.

    None if they are more than so many, or if an s-op is not listed or can be None.
    """
    domains = [facts.domain(number) for number in numbers]
    sizes = [len(d) for d in domains if isinstance(d, Enumerated) and not d.nullable]
    if len(sizes) < len(domains) or prod(sizes) > most:
        return None
    return np.indices(sizes).reshape(len(sizes), prod(sizes)).T


def conjuncts(program: Program, selector: Node) -> Iterator[Node]:
    """The selectors that all hold where one does, none of which is a conjunction."""
    if selector.op is Op.AND:
        for operand in selector.inputs:
            yield from conjuncts(program, program.node(operand))
    else:
        yield selector
