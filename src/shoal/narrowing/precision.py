"""Whether what is read of a variable can be had of what is stored, about as precisely."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from shoal.contract import ROUNDING
from shoal.craft.affine import Matrix
from shoal.craft.fitting import NOISE
from shoal.narrowing.demands import Demands
from shoal.narrowing.stored import Stored

MOST_AMPLIFIED = 4.0
"""Errors that readers see may grow so many times; what would make them grow more is left alone."""

MOST_GAPS = 4096
"""Values as large as so many gaps between two of them are rounded like those."""

Kind = tuple[Matrix, bool, float, float]
"""Functionals that are read, and how: see ``kinds``."""


def is_precise(
    stored: Stored, times: Sequence[int], read_since: Callable[[int], tuple[Kind, ...]]
) -> bool:
    """Whether all that is read can be read through a basis, about as precisely as before.

    Numbers that are passed on are rounded relative to their size, or 1.

    Args:
        stored: the basis.
        times: the half-layers in which somebody reads.
        read_since: what is read in a half-layer or later.
    """
    before, points = stored.before.errors, stored.points
    since = times if stored.levels else (0,)
    for wanted, is_exact, most, bears in (kind for when in since for kind in read_since(when)):
        if not wanted.size:
            continue
        found = stored.read(wanted, is_exact)
        if found is None:
            return False
        values = points @ wanted
        off = _rounding(points @ stored.basis, *found, values)
        allowed = ROUNDING * np.maximum(np.abs(values), np.minimum(_units(values), most))
        allowed = MOST_AMPLIFIED * (allowed + before.projected(wanted))
        if (off + stored.errors.projected(found[0]) > np.maximum(allowed, bears)).any():
            return False
    return True


def kinds(demands: Demands, since: int) -> tuple[Kind, ...]:
    """What is read, at BOS if it is read there as well, and how far off it may be.

    That is up to what size it may be rounded as if it were so large, and what is borne in any case.
    """
    free, passed_on = (demands.joined(k, since) for k in (demands.free, demands.passed_on))
    if np.array_equal(free, passed_on):  # nothing is borne beyond what is borne of the latter
        free = free[:, :0]
    return (
        (demands.joined(demands.exact, since), True, np.inf, 0.0),
        (free, False, np.inf, 0.0),
        (passed_on, False, 1.0, 0.0),
        (demands.joined(demands.decoded, since), False, 1.0, demands.bears),
    )


def _rounding(columns: Matrix, matrix: Matrix, constants: Matrix, values: Matrix) -> Matrix:
    """[points, functionals], how far off float32 reads values through what is stored."""
    parts = (part.astype(np.float32).astype(float) for part in (columns, matrix, constants))
    stored, weights, added = parts
    terms = np.abs(stored) @ np.abs(weights) + np.abs(added)
    whole = _are_whole(stored).all() & _are_whole(np.vstack([weights, added])).all(axis=0)
    is_exact = whole & (terms.max(axis=0, initial=0.0) < 2.0**24)
    rounding = np.where(is_exact, 0.0, ROUNDING / 2 * terms)
    return np.asarray(np.abs(stored @ weights + added - values) + rounding)


def _are_whole(numbers: Matrix) -> Matrix:
    return np.asarray(numbers == np.round(numbers))


def _units(values: Matrix) -> Matrix:
    """[functionals], what may be rounded as if it were the size of a value: up to its largest one.

    Not, where values lie much closer to each other than to 0, since readers may tell them apart.
    """
    if not values.size:
        return np.zeros(values.shape[1])
    largest = np.abs(values).max(axis=0)
    gaps = np.diff(np.sort(values, axis=0), axis=0)
    least = np.where(gaps > NOISE * largest, gaps, np.inf).min(axis=0, initial=np.inf)
    return np.asarray(np.minimum(largest, MOST_GAPS * least))
