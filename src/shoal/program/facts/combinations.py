"""What combinations of selectors are made of, and what they select."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from shoal.program.facts.inferred import Inferred
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


def conjuncts(program: Program, selector: Node) -> Iterator[Node]:
    """The selectors that all hold where one does, none of which is a conjunction."""
    if selector.op is Op.AND:
        for operand in selector.inputs:
            yield from conjuncts(program, program.node(operand))
    else:
        yield selector
