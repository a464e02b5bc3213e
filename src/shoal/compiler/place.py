"""Where everything goes: the allocation of what is lowered, by the allocator the user chose.

With the pass "narrow" there are two. The first one chooses components; its variables are as wide as
their forms. Then of each variable only what the chosen components read is stored, and these
components are allocated anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from shoal.compiler.problem import allocation_problem
from shoal.compiler.variants import Variant
from shoal.errors import BudgetError, InvalidOptionError
from shoal.lowering.lowered import LoweredProgram
from shoal.narrowing.codes import coded
from shoal.narrowing.names import named
from shoal.narrowing.narrow import JOINT, NARROW, SAVES, narrowed
from shoal.options import HEURISTICS, PARAMETERS, PER_LAYER, CompileOptions
from shoal.program.passes import Optimised
from shoal.program.rewriting import Saving
from shoal.program.trace import RESULT
from shoal_solvers import (
    MOST_BUDGET,
    Allocation,
    AllocationProblem,
    InfeasibleError,
    InvalidAllocationError,
    InvalidProblemError,
    ObjectiveResult,
    Result,
    Status,
    lower_bound_on_layers,
    solve,
)


@dataclass(frozen=True, eq=False)
class Placed:
    """A lowered program with an allocation.

    Attributes:
        optimised: the program that was lowered.
        lowered: what it was lowered to, of the chosen components alone if these were chosen before.
        problem: the allocation problem that it poses.
        allocated: its solution, with what is proven.
    """

    optimised: Optimised
    lowered: LoweredProgram
    problem: AllocationProblem
    allocated: Result


def place(
    variants: Sequence[Variant],
    options: CompileOptions,
    count: Callable[[Placed], int],
    progress: Callable[[ObjectiveResult], None] | None = None,
) -> Placed:
    """Allocate, by narrow variables if the pass is switched on.

    How narrow variables will be is known only of chosen components. So several choices are placed:
    by wide variables and by codes, with what counts by digits and without. The first is taken, or
    another one that is better by the objective and takes no more parameters, unless columns are
    what is asked for first.

    Args:
        variants: the program with all its alternatives, and other programs that do the same. The
            first that is best by the objective is taken.
        options: the allocator, its limits, and the passes.
        count: the parameters of a model.
        progress: called after each objective of the exact solver.

    Raises:
        BudgetError: the budgets cannot be met, or a heuristic does not meet them.
    """
    alike = [[v for v in variants if v.in_digits is in_digits] for in_digits in (False, True)]
    found: list[Placed] = []
    failed: BudgetError | None = None
    for group in filter(None, alike):
        try:
            found += _placed(group, options, progress)
        except BudgetError as error:
            failed = failed or error
    if not found:
        assert failed is not None
        raise failed
    best, order = found[0], options.objective
    for other in found[1:]:
        is_better = _costs(other.allocated, order) < _costs(best.allocated, order)
        if is_better and (order[0] == "width" or count(other) <= count(best)):
            best = other
    bound = min(_bound_on_layers(placed.allocated) for placed in found)
    return replace(best, allocated=_at_least(best.allocated, bound))


def _placed(
    variants: Sequence[Variant],
    options: CompileOptions,
    progress: Callable[[ObjectiveResult], None] | None,
) -> list[Placed]:
    """The best of some variants, with narrow variables if the pass is switched on.

    And the same by components that are chosen together with what is stored, if these are others.
    """
    is_narrow = NARROW in options.passes
    told = None if is_narrow or len(variants) > 1 else progress
    chosen = _best(variants, options, told)
    if not is_narrow:
        return [chosen]
    by_codes = chosen_by_codes(chosen, options)
    try:
        found = [_narrow(chosen, chosen.allocated, options, progress)]
    except BudgetError as error:
        found = [_frugal(variants, chosen, options, error)]
    if by_codes is not None:
        with suppress(BudgetError):  # the first one keeps the budgets
            found.append(_narrow(by_codes, chosen.allocated, options, None))
    return found


def chosen_by_codes(chosen: Placed, options: CompileOptions) -> Placed | None:
    """Components that are chosen by how wide they make what they read; None if no others are.

    Heuristics, which compare no widths, choose none.
    """
    is_exact = options.allocator not in HEURISTICS
    by_codes = coded(chosen.lowered, chosen.problem) if is_exact else None
    if by_codes is None:
        return None
    try:
        found = allocate(by_codes.problem, options)
    except BudgetError:
        return None
    allocation = by_codes.chosen(found.allocation)
    if _components(allocation) == _components(chosen.allocated.allocation):
        return None
    return replace(chosen, allocated=replace(found, allocation=allocation))


def _components(allocation: Allocation) -> tuple[dict[str, int], int]:
    """The alternatives that an allocation takes of operations, and of the result."""
    placements = allocation.placements
    return {n: placements[n].alternative for n in placements}, allocation.outputs.get(RESULT, 0)


def _frugal(
    variants: Sequence[Variant], chosen: Placed, options: CompileOptions, failed: BudgetError
) -> Placed:
    """Components that take as little as can be of what budgets are in the way of.

    Raises:
        BudgetError: even these take too much; says the least that would do of what was tried.
    """
    for name in ("width", "neurons"):
        if (
            getattr(options.within, f"max_{name}") is not None
            and options.allocator not in HEURISTICS
        ):
            order = (name, *(other for other in options.objective if other != name))
            try:
                frugal = _best(variants, replace(options, objective=order), None)
                return _narrow(frugal, chosen.allocated, options, None)
            except BudgetError as error:
                failed = min(failed, error, key=_suggested)
    raise failed


def _suggested(error: BudgetError) -> float:
    """The smallest number that an error says would do."""
    found = re.findall(r"the smallest value that works is (\d+)", str(error))
    return min(map(float, found), default=float("inf"))


def _narrow(
    chosen: Placed,
    best: Result,
    options: CompileOptions,
    progress: Callable[[ObjectiveResult], None] | None,
) -> Placed:
    """Chosen components over narrow variables.

    Their layers are proven to be as few as those of the best, if they are, since others could be
    chosen; and so is that there is none within the budgets proven for these components alone.
    """
    found: list[Placed] = []
    failed: BudgetError | None = None
    for narrow in narrowed_placements(chosen, options):
        try:
            allocated = allocate(narrow.problem, options, progress)
        except BudgetError as error:
            failed = failed or error
        else:
            found.append(replace(narrow, allocated=_as_proven(allocated, best)))
    if not found:
        assert failed is not None
        proven = "It is proven that no allocation meets the budgets"
        looked_at = "The components that were looked at have none, and no others were looked at"
        raise BudgetError(str(failed).replace(proven, looked_at)) from None
    return min(found, key=lambda placed: _costs(placed.allocated, options.objective))


def narrowed_placements(chosen: Placed, options: CompileOptions) -> Iterator[Placed]:
    """What stores of each variable what chosen components read; it is still allocated as before.

    First what is written together shares columns, what holds names only with the pass "joint";
    then each has its own.
    """
    is_joint = JOINT in options.passes
    names = () if is_joint else named(chosen.optimised)
    for also_written in (True, False):
        narrow, shared = narrowed(chosen.lowered, chosen.allocated.allocation, names, also_written)
        if is_joint:
            more = Saving(JOINT, shared, SAVES[JOINT])
            narrow = replace(narrow, savings=(*narrow.savings, more))
        yield replace(chosen, lowered=narrow, problem=allocation_problem(narrow, options))
        if not shared:
            return


def _best(
    variants: Sequence[Variant],
    options: CompileOptions,
    progress: Callable[[ObjectiveResult], None] | None,
) -> Placed:
    """The first variant that is best by the objective, allocated; its layers proven for all.

    Variants that cannot have fewer layers are passed over where layers come first. Equal ones are
    no better where variables will be narrow, whatever else they have now.

    Raises:
        BudgetError: none keeps the budgets; says why the first one does not.
    """
    problems = [allocation_problem(variant.lowered, options) for variant in variants]
    bounds = [lower_bound_on_layers(problem) if problems[1:] else 0 for problem in problems]
    by_layers = options.objective[0] == "layers"
    is_decided = NARROW not in options.passes
    order = options.objective[: 1 if by_layers and not is_decided else None]
    found: dict[int, Result] = {}
    failed: dict[int, BudgetError] = {}
    for number in sorted(range(len(variants)), key=bounds.__getitem__):
        fewest = min((result.costs.layers for result in found.values()), default=MOST_BUDGET)
        is_nearer = is_decided or all(number < other for other in found)
        may_be_better = bounds[number] < fewest or (bounds[number] == fewest and is_nearer)
        if may_be_better or not by_layers:
            try:
                found[number] = _choose(problems[number], options, progress)
                bounds[number] = _bound_on_layers(found[number])
            except BudgetError as error:
                failed[number] = error
    if not found:
        raise failed[min(failed)]
    best = min(found, key=lambda n: (*_costs(found[n], order), n))
    bound = min(b for number, b in enumerate(bounds) if number not in failed)
    chosen = variants[best]
    return Placed(chosen.optimised, chosen.lowered, problems[best], _at_least(found[best], bound))


def _costs(allocated: Result, order: Sequence[str]) -> tuple[int, ...]:
    """What an allocation costs, the most important first."""
    return tuple(getattr(allocated.costs, name) for name in order)


def _choose(
    problem: AllocationProblem,
    options: CompileOptions,
    progress: Callable[[ObjectiveResult], None] | None,
) -> Result:
    """An allocation by wide variables: within the budgets, or within those of layers and heads.

    Narrow variables may keep the others nevertheless.
    """
    limited = problem.budgets
    try:
        return allocate(problem, options, progress)
    except BudgetError:
        if NARROW not in options.passes or (
            limited.max_width is None and limited.max_neurons is None
        ):
            raise
    budgets = replace(limited, max_width=None, max_neurons=None)
    return allocate(replace(problem, budgets=budgets), options)


def _as_proven(allocated: Result, chosen: Result) -> Result:
    """The allocation of chosen components, its layers no better proven than for all components."""
    limited = _at_least(allocated, _bound_on_layers(chosen))
    return replace(limited, seconds=allocated.seconds + chosen.seconds)


def _bound_on_layers(allocated: Result) -> int:
    """What is proven of the layers of an allocation."""
    return next((o.bound for o in allocated.objectives if o.name == "layers"), 0)


def _at_least(allocated: Result, bound: int) -> Result:
    """An allocation whose layers are proven to be at least so many, and no more."""

    def limited(objective: ObjectiveResult) -> ObjectiveResult:
        if objective.name != "layers" or objective.bound <= bound:
            return objective
        return replace(objective, bound=bound, status=Status.FEASIBLE)

    return replace(allocated, objectives=tuple(map(limited, allocated.objectives)))


def allocate(
    problem: AllocationProblem,
    options: CompileOptions,
    progress: Callable[[ObjectiveResult], None] | None = None,
) -> Result:
    """Solve the problem by the chosen allocator; the result has passed the checker.

    Args:
        problem: what to allocate.
        options: the allocator, and what it may take.
        progress: called after each objective of the exact solver.

    Raises:
        InvalidOptionError: a limit makes no sense.
        BudgetError: the budgets cannot be met, or a heuristic does not meet them.
        KeyboardInterrupt: Ctrl-C ended the search; a model must not depend on when that was.
    """
    try:
        result = solve(
            problem,
            solver=options.allocator,
            objectives=[name for name in options.objective if name != PARAMETERS],
            time_limit=options.time_limit,
            wall_clock_limit=options.wall_clock_limit,
            workers=options.workers,
            progress=progress,
        )
    except InvalidProblemError as error:
        raise InvalidOptionError(str(error)) from None
    except InfeasibleError as error:
        raise BudgetError(as_given(str(error), options)) from None
    except InvalidAllocationError as error:
        if not problem.budgets.limits() or options.allocator == "cp-sat":
            raise
        raise BudgetError(
            f"{as_given(str(error), options)}\n{options.allocator} does not look at budgets; "
            'compile with allocator="cp-sat"'
        ) from None
    if result.interrupted:
        raise KeyboardInterrupt
    return result


def as_given(message: str, options: CompileOptions) -> str:
    """What the solver says of budgets, where these are limits of a layer by the names of those."""
    for name, limit in PER_LAYER.items():
        if getattr(options.within, name) != getattr(options.budget, name):
            message = message.replace(f"{name}=", f"{limit}=")
    return message
