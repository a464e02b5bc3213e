"""Offers of MLPs that compute values by tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shoal.arrays import Array, Int
from shoal.craft.affine import Matrix
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.limits import Work
from shoal.lowering.context import Context
from shoal.lowering.held import Held, StreamVariable, with_none
from shoal.lowering.offers import LeftOut, Offer, Offers
from shoal.lowering.radii import coordinate_errors
from shoal.lowering.synthesis.choose import TooManyNeuronsError, synthesise
from shoal.program.facts.domains import Enumerated


@dataclass(frozen=True, eq=False)
class Recipe:
    """A value by a table.

    Attributes:
        variable: what is written.
        held: how it is read.
        operands: what the table is over.
        points: [rows, coordinates of all operands].
        results: [rows, dimensions of the variable].
        block: offers of one expression share a block.
    """

    variable: StreamVariable
    held: Held
    operands: Sequence[Held]
    points: Matrix
    results: Matrix
    block: str


def decoding(
    source: Held,
    variable: StreamVariable,
    held: Held,
    classes: Int[Array, " classes"] | None = None,
) -> Recipe:
    """A value from another way to hold it.

    Args:
        source: what is read.
        variable: what is written.
        held: how that is read.
        classes: for each class of the source the class that it stands for, if not itself.
    """
    assert isinstance(source.domain, Enumerated)
    every, nullable = np.arange(len(source.domain)), source.domain.nullable
    points = with_none(source.points(every), nullable)
    results = with_none(held.points(every if classes is None else classes), nullable)
    return Recipe(variable, held, [source], points, results, variable.name)


def make(context: Context, recipe: Recipe, tolerance: float = 0.0) -> Offer | None:
    """The cheapest exact MLP; None if none is exact.

    Args:
        context: what is known.
        recipe: what is to be made.
        tolerance: an error that its readers bear, if that is more than usual.

    Raises:
        UnsupportedProgramError: it would take too many neurons, or too much work.
    """
    inferred = context.inferred
    return _made(context, recipe, inferred.limits.mlp_weights, inferred.work, tolerance)


def must_make(context: Context, recipe: Recipe, owner: str) -> Offer:
    """The same, where there is no other way.

    Args:
        context: what is known.
        recipe: what is to be made.
        owner: the expression that it belongs to, for messages.

    Raises:
        UnsupportedProgramError: no MLP is exact, or within the limits.
    """
    offer = make(context, recipe)
    if offer is None:
        raise UnsupportedProgramError(
            Refusal.TOO_CLOSE,
            owner,
            "its operands take values too close to each other for float32 arithmetic to tell apart",
            "round them earlier, or use a shorter max_seq_len",
        )
    return offer


def make_another(context: Context, recipe: Recipe) -> Offer | LeftOut | None:
    """Another table for a value that can be computed anyway, within the limits for those.

    Nothing if none is as exact as its readers need.
    """
    name, limits = recipe.variable.name, context.inferred.limits
    width = recipe.points.shape[1] + recipe.results.shape[1]
    if len(recipe.points) * width > 4 * limits.mlp_weights:
        return None
    try:
        with context.inferred.work.optional() as work:
            offer = _made(context, recipe, limits.fused_neurons * width, work)
    except TooManyNeuronsError as error:
        return LeftOut(f"{name} would take {error.neurons:,} neurons")
    except UnsupportedProgramError as error:
        if error.kind is not Refusal.TOO_MUCH_WORK:
            raise
        return LeftOut(f"{name} would take too much work")
    if offer is None or offer.errors.largest > recipe.held.form.most_error:
        return None
    return offer


def offer_another(context: Context, recipe: Recipe) -> Offers[None]:
    """The same, offered if it is there."""
    offer = make_another(context, recipe)
    if offer is not None:
        yield offer


def _made(
    context: Context, recipe: Recipe, most_weights: int, work: Work, tolerance: float = 0.0
) -> Offer | None:
    variable, operands = recipe.variable, recipe.operands
    errors = [coordinate_errors(operand, context.variables) for operand in operands]
    made = synthesise(
        variable.name,
        operands,
        np.concatenate([np.zeros(0), *errors]),
        recipe.points,
        recipe.results,
        variable.space,
        most_weights,
        work,
        tolerance,
    )
    if made is None:
        return None
    reads = tuple(name for operand in operands for name in operand.variables)
    return Offer(
        recipe.held, variable.node, variable, made.mlp, reads, made.errors, block=recipe.block
    )
