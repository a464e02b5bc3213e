"""Which budget is in the way, and what would do instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from shoal_solvers.allocation import Allocation, measure
from shoal_solvers.bounds import layers_bound
from shoal_solvers.engines.effort import Clock, Effort
from shoal_solvers.exact.fewest_layers import LayersAnswer, minimize_layers, most_layers
from shoal_solvers.exact.searching import Engine, Searcher
from shoal_solvers.exact.starting import best_of, quick_candidates
from shoal_solvers.formulation.formulate import formulate
from shoal_solvers.narrowest import narrowest
from shoal_solvers.objectives import LAYERS, LEXICOGRAPHIC, NEURONS, WIDTH, Objective
from shoal_solvers.problem import AllocationProblem, Budgets
from shoal_solvers.windows import compute_windows

SHARE = 0.25
"""How much of the effort that is left each question may use."""

TIME_LIMIT = 1.0
"""Deterministic seconds for all questions together; nobody waits long for an error."""


@dataclass(frozen=True)
class _Ways:
    """What is looked at to say what would do."""

    problem: AllocationProblem
    searcher: Searcher
    clock: Clock
    bounds: Mapping[Objective, int]
    candidates: tuple[Allocation, ...]


def explain(
    problem: AllocationProblem,
    answer: LayersAnswer,
    bounds: Mapping[Objective, int],
    effort: Effort,
    engine: Engine,
) -> str:
    """What to tell somebody whose budgets gave no allocation.

    For every budget the smallest value is sought that works while the others are kept. A
    budget for which there is none does not stand in the way alone.

    Args:
        problem: what has no allocation, as far as is known.
        answer: what the search for the fewest layers found out.
        bounds: of objectives, in any number of layers.
        effort: as much as the search was given.
        engine: what searches.
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
    clock = Clock(replace(effort, time_limit=min(effort.time_limit, TIME_LIMIT)))
    candidates = (*quick_candidates(problem), narrowest(problem))  # whatever the budgets are
    looking = _Ways(problem, Searcher(engine), clock, bounds, candidates)
    ways = list(_ways_out(looking, limited, others_kept=True))
    if not ways:
        ways = list(_conflicts(looking, limited))
        ways += _ways_out(looking, limited, others_kept=False)
    lines = [f"No allocation of {problem.name!r} within its budgets ({listing}). {verdict}.", *ways]
    return "\n  ".join(lines)


def _ways_out(looking: _Ways, limited: Sequence[Objective], others_kept: bool) -> Iterator[str]:
    """For each budget one line on the smallest value that works, if one was found."""
    for objective in limited:
        limit = objective.limit(looking.problem.budgets)
        assert limit is not None
        kept = looking.problem.budgets if others_kept else Budgets()
        relaxed = looking.problem.with_budgets(replace(kept, **{str(objective.budget): None}))
        found, bound = _smallest(relaxed, objective, looking)
        if found is None or (not others_kept and bound <= limit):
            continue
        others = "with the other budgets kept" if others_kept else "even without any other budget"
        if found <= bound:
            proof = f"the smallest value that works is {found}"
        else:
            proof = f"{found} works, less than {bound} does not, in between it is not known"
        way = f"{objective.budget}={limit} is in the way: {proof}"
        yield f"{way} ({objective.noun}, {others})."


def _conflicts(looking: _Ways, limited: Sequence[Objective]) -> Iterator[str]:
    """Budgets that cannot be met together, as few as can be told; one line on each set.

    One budget after the other is dropped if what is left still cannot be met.
    """
    budgets = looking.problem.budgets
    kept = list(limited)
    for objective in limited:
        fewer = [o for o in kept if o is not objective]
        if fewer and _is_impossible(looking, fewer):
            kept = fewer
    if len(kept) > 1:
        names = [f"{o.budget}={o.limit(budgets)}" for o in kept]
        together = f"{', '.join(names[:-1])} and {names[-1]}"
        yield f"No single budget is in the way; raise several of them: {together} conflict."
    elif len(limited) > 1:
        yield "No single budget is in the way; raise several of them."


def _is_impossible(looking: _Ways, kept: Sequence[Objective]) -> bool:
    """Whether it is proven that some of the budgets cannot be met, whatever the others are."""
    values = {str(o.budget): o.limit(looking.problem.budgets) for o in kept}
    problem = looking.problem.with_budgets(Budgets(**values))
    if any(looking.bounds.get(o, 0) > (o.limit(problem.budgets) or 0) for o in kept):
        return True
    known = best_of(problem, looking.candidates, (LAYERS,))
    answer = minimize_layers(problem, known, looking.searcher, looking.clock, share=SHARE)
    if answer.interrupted:
        raise KeyboardInterrupt
    return answer.exhaustive and answer.bound > answer.limit


def _smallest(
    problem: AllocationProblem, objective: Objective, looking: _Ways
) -> tuple[int | None, int]:
    """The least value of an objective that was found within the budgets, and its bound."""
    searcher, clock = looking.searcher, looking.clock
    known = best_of(problem, looking.candidates, (objective,))
    if objective is LAYERS:
        answer = minimize_layers(problem, known, searcher, clock, share=SHARE)
        if answer.interrupted:
            raise KeyboardInterrupt
        layers = None if answer.allocation is None else answer.allocation.num_layers
        return layers, answer.bound
    bound = looking.bounds.get(objective, 0)
    value = None if known is None else objective.measure(measure(problem, known))
    if value is not None and value <= bound:
        return value, bound
    most, exhaustive = most_layers(problem)
    fewest = layers_bound(problem)
    found: Allocation | None = None
    for num_layers in sorted({min(2 * fewest, most), most}, reverse=objective is not WIDTH):
        windows = compute_windows(problem, num_layers)
        if not windows.feasible:
            continue
        at_once = objective is WIDTH and NEURONS.limit(problem.budgets) is None
        formulation = formulate(problem, windows, [objective], erase_at_once=at_once)
        fits = found if found is None or found.num_layers <= num_layers else None
        limits = {} if value is None else {objective: (bound, value)}
        result = searcher.minimize(formulation, {objective: 1}, limits, clock.left(SHARE), fits)
        clock.spend(result.work)
        if result.interrupted:
            raise KeyboardInterrupt
        if result.allocation is not None:
            found = result.allocation
            own = objective.measure(measure(problem, found))
            value = own if value is None else min(value, own)
        if num_layers == most and exhaustive:
            bound = max(bound, result.bound)  # it can only be as narrow as this in all layers
        if value is not None and value <= bound:
            break
    return value, bound
