"""Scores of classes that are affine functions of points: a linear program finds them, or none are.

Source: a set of points with classes is separated by an argmax of affine functions exactly if a
system of linear inequalities has a solution. First scores are looked for that depend on one
functional, for classes in their order: score c is c * s - b_c, so that the class goes up with s.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from shoal.arrays import Array, Float, Int
from shoal.craft.fitting import power_of_two_above
from shoal.limits import Work
from shoal.lowering.linear_program import LinearProgram

Scoring = tuple[Float[Array, "coordinates choices"], Float[Array, " choices"]]
"""A matrix and a bias, by which points become scores."""

MARGIN = 1.0
"""The score of the right choice is so much above that of each other one."""

_LOST = 1 / 16
"""How much of that rounding the weights may take. (Where they are whole it takes none.)"""

_DIGITS = 2.0**-12
"""Weights are multiples of this times a power of two that is above them all."""

_MOST_ENTRIES = 2**17
"""Of one linear program; larger ones are not asked."""

_WORK_PER_ENTRY = 0.5
"""Units of work that an entry of a linear program counts. (729 points of 20 coordinates in three
classes, of which none are separated, take 20 ms: 0.35 units for each entry.)"""

_MOST_SECONDS = 1.0
"""Deterministic ones, of GLOP for one linear program."""


def ordered_scores(
    points: Float[Array, "rows coordinates"], choices: Int[Array, " rows"], count: int, work: Work
) -> Scoring | None:
    """Scores by one functional of the points, for choices that go up with it; None if none are.

    Args:
        points: different ones.
        choices: of each point, of so many (``count``).
        work: counts what is done.

    Raises:
        UnsupportedProgramError: that is too much.
    """
    coordinates = points.shape[1]
    entries = 2 * len(points) * (coordinates + 1)
    if entries > _MOST_ENTRIES:
        return None
    work.spend(_WORK_PER_ENTRY * entries, "scores")
    program = LinearProgram()
    functional, thresholds = program.add(coordinates), program.add(count - 1)
    for step, sign in ((choices - 1, 1.0), (choices, -1.0)):  # thresholds below and above
        there = (step >= 0) & (step < count - 1)
        of_step = -sign * np.eye(count - 1)[step[there]]
        program.require(np.hstack([sign * points[there], of_step]), least=MARGIN)
    ascending = np.eye(count - 1)[1:] - np.eye(count - 1)[:-1]
    program.require(np.hstack([np.zeros((len(ascending), coordinates)), ascending]), least=0.0)
    found = _least(program, functional)
    if found is None:
        return None
    weights, steps = np.split(_on_grid(found[: thresholds.stop]), [coordinates])
    matrix = np.outer(weights, np.arange(count, dtype=float))
    return _if_apart(points, choices, matrix, -np.append(0.0, np.cumsum(steps)))


def any_scores(
    points: Float[Array, "rows coordinates"], choices: Int[Array, " rows"], count: int, work: Work
) -> Scoring | None:
    """Any affine scores of the points of which that of the right choice is the greatest.

    Arguments and errors are as of ``ordered_scores``.
    """
    each = points.shape[1] + 1
    entries = len(points) * (count - 1) * 2 * each
    if entries > _MOST_ENTRIES:
        return None
    work.spend(_WORK_PER_ENTRY * entries, "scores")
    program = LinearProgram()
    numbers = program.add(count * each)
    with_one = np.hstack([points, np.ones((len(points), 1))])
    for other in range(count):
        there = choices != other
        signs = np.eye(count)[choices[there]] - np.eye(count)[other]
        rows = signs[:, :, None] * with_one[there][:, None, :]
        program.require(rows.reshape(len(rows), len(numbers)), least=MARGIN)
    found = _least(program, numbers)
    if found is None:
        return None
    weights = _on_grid(found[: len(numbers)]).reshape(count, each)
    weights = weights - weights[:1]
    return _if_apart(points, choices, weights[:, :-1].T, weights[:, -1])


def scores_of_many(
    points: Float[Array, "rows coordinates"],
    choices: Int[Array, " rows"],
    count: int,
    work: Work,
    find: Callable[..., Scoring | None],
) -> Scoring | None:
    """Scores of more points than a linear program is asked about: of some, and then of those wrong.

    If some of the points have none, all have none; and what is found is held against all of them.
    Arguments and errors are as of ``ordered_scores``.

    Args:
        find: ``ordered_scores`` or ``any_scores``.
    """
    each = (points.shape[1] + 1) * (1 if find is ordered_scores else count - 1)
    most = _MOST_ENTRIES // (2 * max(1, each))
    some = min(4 * points.shape[1] + 32, most // 2)
    asked = np.unique(np.linspace(0, len(points) - 1, min(len(points), some)).astype(int))
    while len(asked) <= most:
        scoring = find(points[asked], choices[asked], count, work)
        if scoring is None:
            return None
        lead = _lead(points, choices, *scoring)
        wrong = np.flatnonzero(lead < MARGIN - _LOST)
        if not len(wrong):
            return scoring
        worst = wrong[np.argsort(lead[wrong], kind="stable")[:some]]
        if np.isin(worst, asked).any():
            return None  # rounded weights do not do
        asked = np.union1d(asked, worst)
    return None


def _on_grid(numbers: Float[Array, " numbers"]) -> Float[Array, " numbers"]:
    """Numbers as multiples of a power of two, so that sums of them are exact."""
    step = float(power_of_two_above(np.abs(numbers).max())) * _DIGITS
    return np.asarray(np.round(numbers / step) * step)


def _if_apart(
    points: Float[Array, "rows coordinates"],
    choices: Int[Array, " rows"],
    matrix: Float[Array, "coordinates choices"],
    bias: Float[Array, " choices"],
) -> Scoring | None:
    """The scores, if the right one is far enough above the others everywhere."""
    is_apart = (_lead(points, choices, matrix, bias) >= MARGIN - _LOST).all()
    return (matrix, bias) if is_apart else None


def _lead(
    points: Float[Array, "rows coordinates"],
    choices: Int[Array, " rows"],
    matrix: Float[Array, "coordinates choices"],
    bias: Float[Array, " choices"],
) -> Float[Array, " rows"]:
    """How far the score of the right choice is above the greatest other one."""
    scores = points @ matrix + bias
    own = scores[np.arange(len(points)), choices]
    scores[np.arange(len(points)), choices] = -np.inf
    return np.asarray(own - scores.max(axis=1))


def _least(program: LinearProgram, numbers: range) -> Float[Array, " numbers"] | None:
    """A solution in which the sum of the sizes of numbers is least; None if there is none."""
    sizes = program.add(len(numbers), least=0.0)
    for sign in (1.0, -1.0):
        rows = np.zeros((len(numbers), sizes.stop))
        rows[np.arange(len(numbers)), numbers] = sign
        rows[np.arange(len(numbers)), sizes] = 1.0
        program.require(rows, least=0.0)
    return program.solve(dict.fromkeys(sizes, 1.0), _MOST_SECONDS)
