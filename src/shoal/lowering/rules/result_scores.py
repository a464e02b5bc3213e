"""Result scores: a result that the decoder decides, from what is there anyway.

The decoder takes the greatest of scores that are affine functions of the stream. Where a result of
classes is such an argmax of values that are held, it needs no neurons of its own, and no layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from shoal.arrays import Array, Float, Int
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.forms.scores import Scores
from shoal.limits import Work
from shoal.lowering.context import Context
from shoal.lowering.cuts import cut_table, cuts
from shoal.lowering.held import Held, points_of, variables_of
from shoal.lowering.making import Recipe
from shoal.lowering.offers import LeftOut, Offer, Offers
from shoal.lowering.radii import is_decodable
from shoal.lowering.rules.view import affine_view
from shoal.lowering.synthesis.scores import Scoring, any_scores, ordered_scores
from shoal.program.facts.joint import TooManyRowsError
from shoal.program.facts.lookup import NONE
from shoal.program.ir import Node
from shoal.rows import different_rows

RESULT_SCORES = "result-scores"
"""The name of the rule."""


def result_scores(context: Context, node: Node) -> Offers[None]:
    """A result that only the decoder reads, as scores of values that are there, cut by cut.

    Tables and linear programs that take too much are left out, since the result can be had without.
    """
    if node.id not in context.held or not context.is_only_decoded(node):
        return
    views = [held for held in context.ways(node.id) if held.own is None]
    for cut in cuts(context, node):
        try:
            with context.inferred.work.optional() as work:
                recipe = cut_table(context, node, cut, context.inferred.limits.fused_rows)
                if recipe is None or any(_reads_all_of(recipe, view) for view in views):
                    continue
                held = _scored(context, node, recipe, work)
        except TooManyRowsError:
            continue
        except UnsupportedProgramError as error:
            if error.kind is not Refusal.TOO_MUCH_WORK:
                raise
            yield LeftOut(f"scores of {node.label} would take too much work")
            return
        if held is not None:
            views.append(held)
            yield Offer(held, view_of=node.id)


def _reads_all_of(recipe: Recipe, view: Held) -> bool:
    """Whether operands are read from all that a view is read from, and so are no better."""
    return {*view.variables} <= {*variables_of(recipe.operands)}


def _scored(context: Context, node: Node, recipe: Recipe, work: Work) -> Held | None:
    """The result as scores of operands; None if there are none, or none that are exact enough.

    Raises:
        UnsupportedProgramError: it takes too much work.
    """
    domain = context.inferred.listed(node, node.label)
    form = Scores()
    occurs = (recipe.classes != NONE) | domain.nullable  # what is promised may leave None out
    points = points_of(recipe.operands, recipe.rows[occurs])
    count = len(domain) + domain.nullable
    is_out_of_reach = form.misfit(domain, context.inferred.limits) is not None
    if is_out_of_reach or count < 2 or not points.size:
        return None
    first, _ = different_rows(points)
    different = points[first]
    classes = recipe.classes[occurs]
    choices = np.where(classes == NONE, len(domain), classes)[first]
    scoring = ordered_scores(different, choices, count, work)
    scoring = scoring or any_scores(different, choices, count, work)
    if scoring is None:
        return None
    return as_scores(context, node, recipe.operands, (different, choices), scoring)


def as_scores(
    context: Context,
    node: Node,
    operands: Sequence[Held],
    seen: tuple[Float[Array, "rows coordinates"], Int[Array, " rows"]],
    scoring: Scoring,
) -> Held | None:
    """A result as scores of operands; None if they are not exact enough.

    Args:
        context: what is held.
        node: the result.
        operands: what the scores are affine functions of.
        seen: different points of the operands, and the choice of each.
        scoring: by which the right choice has the greatest score.
    """
    domain, (points, choices) = context.inferred.listed(node, node.label), seen
    matrix, bias = _as_coordinates(scoring, len(domain))
    examples = np.zeros((len(domain) + domain.nullable, len(domain)))
    examples[choices] = points @ matrix + bias
    ends = np.cumsum([operand.width for operand in operands])[:-1]
    parts = zip(operands, np.split(matrix, ends), strict=True)
    read = [(operand, rows) for operand, rows in parts if rows.any()]  # others need not be there
    weights = np.vstack([np.zeros((0, len(bias))), *(rows for _, rows in read)])
    view = affine_view(context, node, Scores(), [operand for operand, _ in read], weights, bias)
    held = replace(view, examples=examples)
    return held if is_decodable(held, context.variables) else None


def _as_coordinates(
    scoring: Scoring, classes: int
) -> tuple[Float[Array, "coordinates classes"], Float[Array, " classes"]]:
    """Coordinates of which the decoder makes the scores, less that of None if there is one.

    It takes the greatest of 2 x - 1 for each class, and 0 for None.
    """
    matrix, bias = scoring
    if len(bias) > classes:
        matrix, bias = matrix - matrix[:, classes:], bias - bias[classes]
    return matrix[:, :classes] / 2, (bias[:classes] + 1.0) / 2
