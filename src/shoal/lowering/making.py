"""Offers of MLPs that compute values by tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shoal.craft.affine import Matrix
from shoal.craft.components import MLP
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.lowering.context import Context
from shoal.lowering.held import Errors, Held, StreamVariable
from shoal.lowering.offers import LeftOut, Offer, Offers
from shoal.lowering.synthesis.choose import TooManyNeuronsError, synthesise


@dataclass(frozen=True, eq=False)
class Recipe:
    """A value by a table.

    Attributes:
        variable: what is written.
        held: how it is read.
        operands: what the table is over.
        points: [rows, coordinates of all operands].
        results: [rows, dimensions of the variable].
        node: the s-op whose value it is; None for a helper.
        block: offers of one expression share a block.
    """

    variable: StreamVariable
    held: Held
    operands: Sequence[Held]
    points: Matrix
    results: Matrix
    node: int | None
    block: str


def make(context: Context, recipe: Recipe) -> Offer | None:
    """The cheapest exact MLP; None if none is exact.

    Raises:
        UnsupportedProgramError: it would take too many neurons, or too much work.
    """
    made = synthesise(
        recipe.variable.name,
        [context.leaf(operand) for operand in recipe.operands],
        recipe.points,
        recipe.results,
        recipe.variable.space,
        context.inferred.limits.mlp_weights,
        context.inferred.work,
    )
    return None if made is None else _offer(recipe, made.mlp, made.errors)


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
            made = synthesise(
                name,
                [context.leaf(operand) for operand in recipe.operands],
                recipe.points,
                recipe.results,
                recipe.variable.space,
                limits.fused_neurons * width,
                work,
            )
    except TooManyNeuronsError as error:
        return LeftOut(f"{name} would take {error.neurons:,} neurons")
    except UnsupportedProgramError as error:
        if error.kind is not Refusal.TOO_MUCH_WORK:
            raise
        return LeftOut(f"{name} would take too much work")
    if made is None or made.errors.largest > recipe.held.form.most_error:
        return None
    return _offer(recipe, made.mlp, made.errors)


def offer_another(context: Context, recipe: Recipe) -> Offers[None]:
    """The same, offered if it is there."""
    offer = make_another(context, recipe)
    if offer is not None:
        yield offer


def _offer(recipe: Recipe, mlp: MLP, errors: Errors) -> Offer:
    reads = tuple(name for operand in recipe.operands for name in operand.variables)
    return Offer(recipe.held, recipe.node, recipe.variable, mlp, reads, errors, block=recipe.block)
