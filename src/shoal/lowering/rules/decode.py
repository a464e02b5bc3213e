"""Decoding: a value in a form that not every reader can use, as one-hot or as a number."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import prod

import numpy as np
import numpy.typing as npt

from shoal.errors import Refusal, UnsupportedProgramError
from shoal.forms.one_hot import OneHot
from shoal.lowering.context import Context
from shoal.lowering.held import Held, stored
from shoal.lowering.making import Recipe, decoding, must_make
from shoal.lowering.offers import Offers
from shoal.program.facts.domains import Domain, Enumerated
from shoal.program.facts.joint import Choices, joint
from shoal.program.ir import Node


def one_hot(context: Context, number: int, reader: str) -> Offers[Held]:
    """An s-op as one-hot: as it is held, or decoded by an MLP of its own.

    Raises:
        UnsupportedProgramError: it has too many values.
    """
    for held in context.held[number]:
        if held.as_indicators is not None:
            return held.as_indicators
    node = context.node(number)
    domain = context.inferred.listed(node, reader)
    name = context.fresh_name(f"{node.label}.one_hot")
    context.require_fit(OneHot(), domain, node.label)
    variable, decoded = stored(OneHot(), name, domain, number)
    recipe = decoding(context.first(number), variable, decoded)
    return (yield must_make(context, recipe, node.label))


def number_of(context: Context, number: int, reader: str) -> Offers[Held | None]:
    """An s-op as something that a number can be read from; None if it is none.

    Raises:
        UnsupportedProgramError: it has too many values to be decoded.
    """
    if not context.domain(number).are_numbers:
        return None
    for held in context.held[number]:
        if held.as_number is not None:
            return held
    return (yield from one_hot(context, number, reader))


def tuples(
    context: Context, selector: Node, numbers: list[int], what: str
) -> Offers[tuple[Held, npt.NDArray[np.int_]]]:
    """Several s-ops as one one-hot value; and rows of their classes.

    Args:
        context: what is known.
        selector: who reads them.
        numbers: their ids.
        what: "keys" or "queries".

    Raises:
        UnsupportedProgramError: they have too many joint values.
    """
    operands = []
    for number in numbers:
        operands.append((yield from one_hot(context, number, selector.label)))
    domains = [held.domain for held in operands]
    rows = _all_rows(context, selector, domains, what)
    if len(numbers) == 1:
        return operands[0], rows
    purpose = f"{selector.id} {what}"
    if purpose in context.helpers and "shared-heads" in context.passes:  # heads read the same
        return context.helpers[purpose], rows
    values = [domain.values for domain in domains if isinstance(domain, Enumerated)]
    joined = Enumerated(
        tuple((tuple(v[i] for v, i in zip(values, row, strict=True)),) for row in rows)
    )
    name = context.fresh_name(f"{selector.label}.{what}")
    variable, held = stored(OneHot(), name, joined, None)
    # rows with None come after those that are classes
    every = joint(
        [Choices(len(v), d.nullable) for v, d in zip(values, domains, strict=True)], 2**62
    )
    every = np.vstack([rows, every[(every < 0).any(axis=1)]])
    results = np.zeros((len(every), len(rows)))
    results[: len(rows)] = np.eye(len(rows))
    points = np.hstack([h.points(every[:, column]) for column, h in enumerate(operands)])
    recipe = Recipe(variable, held, operands, points, results, name)
    offer = must_make(context, recipe, selector.label)
    return (yield replace(offer, purpose=purpose)), rows


def _all_rows(
    context: Context, selector: Node, domains: list[Domain], what: str
) -> npt.NDArray[np.int_]:
    sizes = [len(domain) for domain in domains if isinstance(domain, Enumerated)]
    count, limit = prod(sizes), context.inferred.limits.one_hot_values
    if count > limit:
        raise UnsupportedProgramError(
            Refusal.TOO_MANY_VALUES,
            selector.label,
            f"fits no single head, and its {what} have {count:,} joint values, more than {limit:,}",
            "simplify the selector, or use a smaller vocab",
        )
    return np.array(list(product(*map(range, sizes))), dtype=int).reshape(count, len(sizes))
