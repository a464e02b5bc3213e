"""Decoding: a value in a form that not every reader can use, as one-hot or as a number."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
import numpy.typing as npt

from shoal.errors import Refusal, UnsupportedProgramError
from shoal.forms.one_hot import OneHot
from shoal.lowering.context import Context
from shoal.lowering.held import Held, stored
from shoal.lowering.making import Recipe, decoding, must_make
from shoal.lowering.offers import Offers
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import choices_of
from shoal.program.facts.joint import in_order, joint
from shoal.program.facts.lookup import NONE
from shoal.program.ir import Node


def one_hot(context: Context, number: int, reader: str) -> Offers[Held]:
    """An s-op as one-hot: as it is held, or decoded by an MLP of its own.

    Raises:
        UnsupportedProgramError: it has too many values.
    """
    for held in context.ways(number):
        if held.as_indicators is not None:
            return held.as_indicators
    node = context.node(number)
    domain = context.inferred.listed(node, reader)
    name = context.fresh_name(f"{node.label}.one_hot")
    context.require_fit(OneHot(), domain, node.label)
    held = stored(OneHot(), name, domain, number)
    return (yield must_make(context, decoding(context.first(number), held), node.label))


def number_of(context: Context, number: int, reader: str) -> Offers[Held | None]:
    """An s-op as a number, with presence where it can be None; None if it is none.

    Raises:
        UnsupportedProgramError: it has too many values to be decoded.
    """
    if not context.domain(number).are_numbers:
        return None
    for held in context.ways(number):
        if held.as_number is not None:
            return held.as_number
    return (yield from one_hot(context, number, reader)).as_number


def tuples(
    context: Context, selector: Node, numbers: list[int], what: str
) -> Offers[tuple[Held, npt.NDArray[np.int_]]]:
    """Keys, or queries, of a selector as one one-hot value; and their classes [rows, s-ops].

    Raises:
        UnsupportedProgramError: they have too many joint values.
    """
    operands, values = [], []
    for number in numbers:
        operands.append((yield from one_hot(context, number, selector.label)))
        values.append(context.inferred.listed(context.node(number), selector.label))
    count, limit = prod(map(len, values)), context.inferred.limits.one_hot_values
    if count > limit:
        raise UnsupportedProgramError(
            Refusal.TOO_MANY_VALUES,
            selector.label,
            f"fits no single head, and its {what} have {count:,} joint values, more than {limit:,}",
            "simplify the selector, or use a smaller vocab",
        )
    every = in_order(joint([choices_of(domain) for domain in values], 2**62))
    rows = every[:count]  # those with None come after them
    if len(numbers) == 1:
        return operands[0], rows
    purpose = f"{selector.id} {what}"
    if purpose in context.helpers and "shared-heads" in context.passes:  # heads read the same
        return context.helpers[purpose], rows
    joined = [tuple(d.values[i] for d, i in zip(values, row, strict=True)) for row in rows]
    name = context.fresh_name(f"{selector.label}.{what}")
    held = stored(OneHot(), name, Enumerated(tuple((value,) for value in joined)), None)
    classes = np.where((every < 0).any(axis=1), NONE, np.arange(len(every)))
    offer = must_make(context, Recipe(held, operands, every, classes), selector.label)
    return (yield replace(offer, purpose=purpose)), rows
