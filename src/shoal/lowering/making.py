"""Offers of MLPs that compute values by tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shoal.contract import ONE_HOT_TOLERANCE
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.limits import Work
from shoal.lowering.context import Context
from shoal.lowering.held import Held, points_of, variables_of
from shoal.lowering.offers import LeftOut, Offer, Offers
from shoal.lowering.radii import coordinate_errors
from shoal.lowering.synthesis.choose import TooManyNeuronsError, synthesise
from shoal.lowering.synthesis.tables import Table
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.lookup import NONE, Classes


@dataclass(frozen=True, eq=False)
class Recipe:
    """A value by the classes, or NONE, of its operands.

    Attributes:
        held: what is written into a variable of its own.
        operands: what the table is over.
        rows: [rows, operands], their classes.
        classes: [rows], the class of the value.
        borne: an error that its readers bear, whatever its size, if that is more than usual.
    """

    held: Held
    operands: Sequence[Held]
    rows: npt.NDArray[np.int_]
    classes: Classes
    borne: float = 0.0

    @property
    def width(self) -> int:
        """Coordinates of operands and results together."""
        return self.held.width + sum(operand.width for operand in self.operands)


def decoding(source: Held, held: Held, classes: Classes | None = None) -> Recipe:
    """A value from another way to hold it, the source.

    For each class of that ``classes`` has the class that it stands for, if it is not the same.
    """
    assert isinstance(source.domain, Enumerated)
    every, none = np.arange(len(source.domain)), [NONE] * source.domain.nullable
    rows = np.append(every, none).astype(int)[:, None]
    becomes = np.append(every if classes is None else classes, none).astype(int)
    return Recipe(held, [source], rows, becomes)


def make(
    context: Context,
    recipe: Recipe,
    most_weights: int | None = None,
    work: Work | None = None,
    at_worst: float = 0.0,
) -> Offer | None:
    """The cheapest exact MLP; None if none is exact.

    Args:
        at_worst: an error that they bear if need be.
        most_weights: the limit, if it is not that of all MLPs.
        work: counts what is done, if that is not for the whole compilation.

    Raises:
        UnsupportedProgramError: it would take too many neurons, or too much work.
    """
    inferred, operands, variable = context.inferred, recipe.operands, recipe.held.own
    assert variable is not None
    errors = [coordinate_errors(operand, context.variables) for operand in operands]
    table = Table(
        variable.name,
        operands,
        np.concatenate([np.zeros(0), *errors]),
        points_of(operands, recipe.rows),
        recipe.held.points(recipe.classes),
        work or inferred.work,
    )
    most_weights = most_weights or inferred.limits.mlp_weights
    made = synthesise(table, variable.space, most_weights, recipe.borne, at_worst)
    if made is None:
        return None
    mlp, seen = made
    return Offer(recipe.held, mlp, variables_of(operands), seen, made_from=table)


def make_well_enough(context: Context, recipe: Recipe) -> Offer | None:
    """The same; one-hot values may be farther off than usual, where there is no other way."""
    at_worst = ONE_HOT_TOLERANCE if recipe.held.form.picks_one else 0.0
    return make(context, recipe, at_worst=at_worst)


def must_make(context: Context, recipe: Recipe, owner: str) -> Offer:
    """The same for an expression, the owner.

    Raises:
        UnsupportedProgramError: no MLP is exact enough, or within the limits.
    """
    offer = make_well_enough(context, recipe)
    if offer is None:
        raise UnsupportedProgramError(
            Refusal.TOO_CLOSE,
            owner,
            "its operands take values too close to each other for float32 arithmetic to tell apart",
            "round them earlier, or use a shorter max_seq_len",
        )
    return offer


def offer_others(context: Context, tables: Iterable[Recipe | LeftOut]) -> Offers[None]:
    """Other tables for values that can be computed anyway; those that are left out are said."""
    for table in tables:
        if isinstance(table, LeftOut):
            yield table
        else:
            yield from offer_another(context, table)


def offer_another(context: Context, recipe: Recipe, bears: float = float("inf")) -> Offers[None]:
    """Another table for a value that can be computed anyway, within the limits for those.

    Nothing if none is as exact as its form needs, or as an error that its readers bear.
    """
    limits, held = context.inferred.limits, recipe.held
    if len(recipe.rows) * recipe.width > 4 * limits.mlp_weights:
        return
    name = held.variables[0]
    try:
        with context.inferred.work.optional() as work:
            offer = make(context, recipe, limits.fused_neurons * recipe.width, work)
    except TooManyNeuronsError as error:
        yield LeftOut(f"{name} would take {error.neurons:,} neurons")
    except UnsupportedProgramError as error:
        if error.kind is not Refusal.TOO_MUCH_WORK:
            raise
        yield LeftOut(f"{name} would take too much work")
    else:
        most = max(recipe.borne, min(bears, held.form.most_error))
        if offer is not None and offer.errors.largest <= most:
            yield offer
