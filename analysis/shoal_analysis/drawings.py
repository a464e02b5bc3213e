"""Pictures of a solved ``AllocationProblem``, for which no compiled model is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shoal_analysis.pictures.bars import Bars, bars_of_allocation, bars_of_result
from shoal_analysis.pictures.loading import load_plots
from shoal_analysis.pictures.schedule import schedule_of
from shoal_solvers import Allocation, AllocationProblem, Result

if TYPE_CHECKING:  # an extra, which may not be there
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_occupancy(
    problem: AllocationProblem, solution: Allocation | Result, ax: Axes | None = None
) -> Figure:
    """How many columns are in use in every state of the residual stream.

    States in which all are in use have another colour, and bold names: they are why the stream is
    not narrower. A result's proven bound is a line.

    Args:
        problem: what was allocated.
        solution: an allocation that solves it, or what a solver returned.
        ax: where to draw it; None for a new figure.

    Raises:
        InvalidInputError: something else is given, or matplotlib is not installed.
        InvalidAllocationError: the solution is not one of this problem.
    """
    figure: Figure = load_plots().occupancy(_bars(problem, solution), ax)
    return figure


def draw_columns(
    problem: AllocationProblem, solution: Allocation | Result, ax: Axes | None = None
) -> Figure:
    """Which columns of the residual stream hold which variable when, and what is erased.

    Args:
        problem: what was allocated.
        solution: an allocation that solves it, or what a solver returned.
        ax: where to draw it; None for a new figure.

    Raises:
        InvalidInputError: something else is given, or matplotlib is not installed.
        InvalidAllocationError: the solution is not one of this problem.
    """
    figure: Figure = load_plots().allocation(_bars(problem, solution), ax)
    return figure


def draw_schedule(
    problem: AllocationProblem, solution: Allocation | Result, ax: Axes | None = None
) -> Figure:
    """In which half-layer every operation runs, and in which it could.

    The half-layers in which an operation could run in as many layers, for all that it reads and
    all that reads it, are faint. Erasures are crosses; below are the heads and neurons in use.
    Where there are too many operations for a row each, those of one half-layer share rows.

    Args:
        problem: what was allocated.
        solution: an allocation that solves it, or what a solver returned.
        ax: where to draw it; None for a new figure.

    Raises:
        InvalidInputError: something else is given, or matplotlib is not installed.
        InvalidAllocationError: the solution is not one of this problem.
    """
    allocation = solution.allocation if isinstance(solution, Result) else solution
    figure: Figure = load_plots().schedule(schedule_of(problem, allocation), ax)
    return figure


def _bars(problem: AllocationProblem, solution: Allocation | Result) -> Bars:
    if isinstance(solution, Result):
        return bars_of_result(problem, solution)
    return bars_of_allocation(problem, solution)
