"""Lower bounds by weak duality, in whole numbers: certificates made and checked.

Weak duality: for a model that minimises c x over rows A x <= u and columns l <= x <= h, and any
y >= 0, c x >= c x + y (A x - u) >= -y u + sum over columns of the least of (c + A'y) x. (Where a
row is an equation, y may have any sign.) The multipliers are whole numbers, parts of ``SCALE``, so
no rounding is involved, whatever the solver that suggested them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shoal_solvers.certificate import WidthCertificate
from shoal_solvers.formulation.formulate import Formulation, formulate
from shoal_solvers.formulation.linear_model import NO_LIMIT, IntArray, LinearModel
from shoal_solvers.objectives import LAYERS, WIDTH
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.windows import compute_windows

SCALE = 2**20
"""Multipliers are whole parts of this."""


def certify_width(formulation: Formulation, duals: npt.NDArray[np.float64]) -> WidthCertificate:
    """The bound that duals of the relaxation prove, rounded to whole multipliers.

    Args:
        formulation: the width model in all layers.
        duals: of its rows; at most 0 where a row has no lower limit.
    """
    model = formulation.model
    multipliers = np.rint(-duals * SCALE).astype(np.int64)
    one_sided = model.lower == NO_LIMIT
    multipliers[one_sided] = np.maximum(multipliers[one_sided], 0)
    counting = np.array(list(formulation.states.values()), np.int64)
    surplus = int(multipliers[counting].sum()) - SCALE
    for row in counting[np.argsort(-multipliers[counting], kind="stable")].tolist():
        taken = min(max(surplus, 0), int(multipliers[row]))  # rounding may have given too much
        multipliers[row] -= taken
        surplus -= taken
    bound = dual_bound(model, formulation.objectives[WIDTH], multipliers)
    used = np.flatnonzero(multipliers).tolist()
    return WidthCertificate(
        formulation.booleans.windows.num_layers, bound, {r: int(multipliers[r]) for r in used}
    )


def proves(problem: AllocationProblem, certificate: WidthCertificate) -> bool:
    """Whether a certificate proves its bound for a problem: the sum is made again, in integers.

    Works for problems without limits on neurons; with them the width model has other rows.
    """
    if not 0 <= certificate.num_layers <= LAYERS.most(problem):
        return False
    windows = compute_windows(problem, certificate.num_layers)
    if not windows.feasible:
        return True
    formulation = formulate(problem, windows, [WIDTH], erase_at_once=True)
    model = formulation.model
    multipliers = np.zeros(model.num_rows, np.int64)
    for row, multiplier in certificate.multipliers.items():
        if not 0 <= row < model.num_rows or abs(multiplier) > SCALE * 2**20:
            return False
        multipliers[row] = multiplier
    if (multipliers[model.lower == NO_LIMIT] < 0).any():
        return False
    return dual_bound(model, formulation.objectives[WIDTH], multipliers) >= certificate.bound


def dual_bound(model: LinearModel, objective: int, multipliers: IntArray) -> int:
    """What multipliers of rows prove about a column that is minimised, rounded up.

    Args:
        model: the rows.
        objective: the column.
        multipliers: of each row, parts of ``SCALE``; at least 0 where a row has no lower limit.
    """
    reduced = np.zeros(model.num_columns, np.int64)
    np.add.at(reduced, model.column, model.coefficient * multipliers[model.row])
    reduced[objective] += SCALE
    least = np.where(reduced > 0, reduced * model.column_lower, reduced * model.column_upper)
    total = sum(least.tolist()) - sum((multipliers * model.upper).tolist())
    return max(0, int(-(-total // SCALE)))
