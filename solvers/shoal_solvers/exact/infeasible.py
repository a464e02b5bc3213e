"""Which budget is in the way, and what would do instead."""

from __future__ import annotations

from dataclasses import replace

from shoal_solvers.allocation import Allocation, measure
from shoal_solvers.bounds import layers_bound
from shoal_solvers.engines.effort import Clock, Effort
from shoal_solvers.exact.fewest_layers import LayersAnswer, minimize_layers, most_layers
from shoal_solvers.exact.searching import Engine, Searcher
from shoal_solvers.formulation.formulate import formulate
from shoal_solvers.objectives import LAYERS, LEXICOGRAPHIC, Objective
from shoal_solvers.problem import AllocationProblem, Budgets
from shoal_solvers.windows import compute_windows

SHARE = 0.4
"""How much of the effort that is left each question may use."""

TIME_LIMIT = 10.0
"""Deterministic seconds for all questions together; nobody waits long for an error."""


def explain(
    problem: AllocationProblem, answer: LayersAnswer, effort: Effort, engine: Engine
) -> str:
    """What to tell somebody whose budgets gave no allocation.

    For every budget the smallest value is sought that works while the others are kept. A
    budget for which there is none does not stand in the way alone.
    """
    limited = [o for o in LEXICOGRAPHIC if o.limit(problem.budgets) is not None]
    listing = ", ".join(f"{o.budget}={o.limit(problem.budgets)}" for o in limited) or "none"
    if answer.bound > answer.limit and answer.exhaustive:
        verdict = "It is proven that no allocation meets the budgets"
    elif answer.bound > answer.limit:
        verdict = f"It is proven that no allocation with up to {answer.limit} layers meets them"
    else:
        verdict = (
            "The search ended before it was known whether one exists; "
            "a longer time_limit may find one"
        )
    searcher = Searcher(engine)
    clock = Clock(replace(effort, time_limit=min(effort.time_limit, TIME_LIMIT)))
    ways = [
        line
        for objective in limited
        if (line := _way_out(problem, objective, searcher, clock, others_kept=True)) is not None
    ]
    if not ways:
        ways = [
            line
            for objective in limited
            if (line := _way_out(problem, objective, searcher, clock, others_kept=False))
            is not None
        ]
        if ways:
            ways.insert(0, "No single budget is in the way; raise several of them.")
    lines = [f"No allocation of {problem.name!r} within its budgets ({listing}). {verdict}.", *ways]
    return "\n  ".join(lines)


def _way_out(
    problem: AllocationProblem,
    objective: Objective,
    searcher: Searcher,
    clock: Clock,
    others_kept: bool,
) -> str | None:
    """One line on the smallest value of a budget that works; None if none was found."""
    limit = objective.limit(problem.budgets)
    assert limit is not None
    kept = problem.budgets if others_kept else Budgets()
    relaxed = problem.with_budgets(replace(kept, **{str(objective.budget): None}))
    found, bound = _smallest(relaxed, objective, searcher, clock)
    if found is None or (not others_kept and bound <= limit):
        return None
    others = "with the other budgets kept" if others_kept else "even without any other budget"
    if found == bound:
        proof = f"the smallest value that works is {found}"
    else:
        proof = f"{found} works, less than {bound} does not, in between it is not known"
    way = f"{objective.budget}={limit} is in the way: {proof}"
    return f"{way} ({objective.noun}, {others})."


def _smallest(
    problem: AllocationProblem, objective: Objective, searcher: Searcher, clock: Clock
) -> tuple[int | None, int]:
    """The least value of an objective that was found within the budgets, and its bound."""
    if objective is LAYERS:
        answer = minimize_layers(problem, None, searcher, clock)
        if answer.interrupted:
            raise KeyboardInterrupt
        layers = None if answer.allocation is None else answer.allocation.num_layers
        return layers, answer.bound
    most, _ = most_layers(problem)
    fewest = layers_bound(problem)
    found: Allocation | None = None
    bound = 0
    for num_layers in sorted({min(fewest, most), min(2 * fewest, most), most}):
        windows = compute_windows(problem, num_layers)
        if not windows.feasible:
            continue
        formulation = formulate(problem, windows, [objective])
        result = searcher.minimize(formulation, {objective: 1}, {}, clock.left(SHARE), found)
        clock.spend(result.work)
        if result.interrupted:
            raise KeyboardInterrupt
        found = result.allocation or found
        bound = result.bound  # more layers can only help, so the last bound is the one that holds
    return (None if found is None else objective.measure(measure(problem, found))), bound
