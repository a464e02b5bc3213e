"""Relaxations, certificates and snapshots never exceed what can be had."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.random_instances import InstanceShape, random_instance
from shoal_solvers import (
    AllocationProblem,
    Budgets,
    Result,
    WidthCertificate,
    check,
    proves,
    result_from_json,
    result_to_json,
    solve,
)
from shoal_solvers.duality import certify_width
from shoal_solvers.engines import highs
from shoal_solvers.engines.effort import Clock, Effort
from shoal_solvers.exact.searching import Engine, Searcher
from shoal_solvers.exact.snapshots import width_bound_in_any_depth
from shoal_solvers.formulation.formulate import formulate
from shoal_solvers.formulation.linear_model import NO_LIMIT, LinearModel
from shoal_solvers.narrowest import narrowest
from shoal_solvers.objectives import LEXICOGRAPHIC, WIDTH
from shoal_solvers.windows import compute_windows
from tests.solvers.brute_force import every_cost, optimum
from tests.solvers.problems import problems

slow = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def breaks(model: LinearModel, values: np.ndarray) -> bool:
    """Whether values break a row or a limit."""
    sums = np.zeros(model.num_rows, np.int64)
    np.add.at(sums, model.row, model.coefficient * values[model.column])
    too_small = (model.lower != NO_LIMIT) & (sums < model.lower)
    outside = (values < model.column_lower) | (values > model.column_upper)
    return bool((sums > model.upper).any() or too_small.any() or outside.any())


@pytest.mark.slow
@slow
@given(problems(), st.booleans(), st.integers(0, 2), st.data())
def test_every_allocation_keeps_the_rows(
    problem: AllocationProblem, at_once: bool, more: int, data: st.DataObject
) -> None:
    allocation = solve(problem, data.draw(st.sampled_from(["cp-sat", "critical-path"]))).allocation
    useful = len(problem.operations) + len(problem.variables)
    windows = compute_windows(problem, min(useful, allocation.num_layers + more))
    objectives = [WIDTH] if at_once else LEXICOGRAPHIC
    formulation = formulate(problem, windows, objectives, erase_at_once=at_once)
    values = formulation.values(allocation)
    assert not breaks(formulation.model, values)
    costs = check(problem, formulation.allocation(values))
    assert costs.width <= check(problem, allocation).width
    if not at_once:
        assert costs.as_tuple()[1:] == check(problem, allocation).as_tuple()[1:]


@pytest.mark.slow
@slow
@given(problems(), st.data())
def test_relaxations_never_exceed_the_optimum(
    problem: AllocationProblem, data: st.DataObject
) -> None:
    best = optimum(problem, most_layers=5)
    assert best is not None
    windows = compute_windows(problem, best[0])
    whole = formulate(problem, windows, [WIDTH], erase_at_once=True)
    model = whole.model.minimizing({whole.objectives[WIDTH]: 1})
    relaxed = highs.relax(model, Effort())
    assert relaxed is not None
    assert relaxed.value <= best[1] + 1e-6
    certificate = certify_width(whole, relaxed.duals)
    assert relaxed.value - 1e-3 <= certificate.bound <= best[1]
    assert proves(problem, certificate)
    assert not proves(problem, replace(certificate, bound=best[1] + 1))
    states = data.draw(st.sets(st.sampled_from(range(best[0])))) if best[0] else set()
    few = formulate(problem, windows, [WIDTH], erase_at_once=True, states=sorted(states))
    found = Searcher(Engine()).minimize(few, {WIDTH: 1}, {}, Effort())
    assert found.bound <= best[1]
    exact = Searcher(Engine("milp")).minimize(whole, {WIDTH: 1}, {}, Effort())
    assert exact.bound == exact.value == best[1]


@pytest.mark.slow
@slow
@given(problems(most_operations=3, most_erasable=3))
def test_snapshots_bound_the_width_in_any_depth(problem: AllocationProblem) -> None:
    bound = width_bound_in_any_depth(problem, Searcher(Engine()), Clock(Effort()))
    least = min(c[1] for c in every_cost(problem, 5))
    assert bound <= least <= check(problem, narrowest(problem)).width


@pytest.fixture(scope="module")
def certified() -> tuple[AllocationProblem, Result]:
    problem = random_instance(InstanceShape(60), 1)
    return problem, solve(problem, objectives=("layers", "width"))


def test_a_search_leaves_a_certificate_that_is_stored(
    certified: tuple[AllocationProblem, Result],
) -> None:
    problem, result = certified
    stored = result_from_json(result_to_json(result), problem)
    assert stored == result
    assert stored.certificate is not None
    assert proves(problem, stored.certificate)


def test_a_certificate_proves_nothing_about_another_problem_or_more(
    certified: tuple[AllocationProblem, Result],
) -> None:
    problem, result = certified
    certificate = result.certificate
    assert certificate is not None
    narrower = replace(
        problem, variables=tuple(replace(v, width=v.width // 2) for v in problem.variables)
    )
    assert not proves(narrower, certificate)
    assert not proves(problem, replace(certificate, bound=certificate.bound + 1))
    assert not proves(problem, replace(certificate, num_layers=10**9))
    assert not proves(problem, WidthCertificate(certificate.num_layers, 1, {10**9: 1}))
    assert not proves(problem, WidthCertificate(certificate.num_layers, 1, {0: -5}))


def test_too_few_layers_are_certified_by_precedence() -> None:
    problem = random_instance(InstanceShape(20), 1)
    assert proves(problem.with_budgets(Budgets()), WidthCertificate(1, 10**6, {}))
