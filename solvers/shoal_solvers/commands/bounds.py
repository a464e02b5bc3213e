"""``python -m shoal_solvers bounds``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from shoal_solvers.bounds import layers_bound
from shoal_solvers.commands.files import read_problem
from shoal_solvers.objectives import LAYERS, LEXICOGRAPHIC
from shoal_solvers.plain_text import aligned, counted
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.windows import compute_windows

SUMMARY = "lower bounds of a stored problem from its structure, without a search"

DESCRIPTION = """\
Print what no allocation of a stored problem can have less of. The bounds come from the structure
of the problem alone: how operations depend on each other, what certainly lives at the same time,
and what certainly has to be computed. Nothing is searched, so they take a moment.
"""

EXAMPLES = """\
examples:
  python -m shoal_solvers bounds instance.json
  python make_instance.py | python -m shoal_solvers bounds -

The bound on layers holds for every allocation. The others hold for allocations in so few layers:
with more layers there may be fewer columns, neurons or heads. What can be had is at least that; a
search ("solve") says how much more.

exit status: 0, or 1 after an error that is explained, 2 wrong usage
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("instance", type=Path, help="JSON file with the problem, - for stdin")


def run(options: argparse.Namespace, console: Console) -> int:
    """Print a bound for each objective, and which budget cannot be met."""
    problem = read_problem(options.instance)
    for line in bounds_text(problem):
        console.out(line)
    return 0


def bounds_text(problem: AllocationProblem) -> list[str]:
    """The lines that are printed."""
    most = problem.budgets.max_layers
    layers = layers_bound(problem)
    windows = compute_windows(problem, layers)
    rows = []
    too_low = []
    for objective in LEXICOGRAPHIC:
        bound = layers if objective is LAYERS else objective.bound(problem, windows, None)
        limit = objective.limit(problem.budgets)
        rows.append(
            (objective.name, f"{bound:,}", "" if limit is None else f"{limit:,}", objective.noun)
        )
        # More layers may need less of all else, unless there cannot be more.
        if limit is not None and limit < bound and (objective is LAYERS or most == layers):
            too_low.append(f"{objective.budget}={limit}")
    lines = aligned(("objective", "at least", "budget", "what it counts"), rows, right=(1, 2))
    lines.append(f"all but the first for allocations in {counted(layers, 'layer')}")
    if too_low:
        lines.append(f"no allocation meets the budgets: {', '.join(too_low)} cannot be kept")
    return lines
