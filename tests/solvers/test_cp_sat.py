"""The exact solver against brute force."""

import os
import signal
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from benchmarks.random_instances import InstanceShape, random_instance
from shoal_solvers import (
    OBJECTIVES,
    AllocationProblem,
    Budgets,
    InfeasibleError,
    ObjectiveResult,
    Status,
    Variable,
    check,
    solve,
)
from shoal_solvers.exact.starting import best_heuristic
from tests.solvers.brute_force import optimum
from tests.solvers.problems import budgets, chain, fan, problems

slow = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.slow
@slow
@given(problems())
def test_equals_brute_force(problem: AllocationProblem) -> None:
    result = solve(problem)
    assert result.proven
    assert result.costs.as_tuple() == optimum(problem, most_layers=5)


@pytest.mark.slow
@slow
@given(problems(most_operations=4, most_erasable=3), budgets())
def test_equals_brute_force_under_budgets(problem: AllocationProblem, limits: Budgets) -> None:
    problem = problem.with_budgets(limits)
    best = optimum(problem, most_layers=4)
    if best is not None:
        assert solve(problem).costs.as_tuple() == best
        return
    try:
        result = solve(problem)
    except InfeasibleError:
        return
    assert result.costs.layers > 4  # brute force did not look farther


@pytest.mark.parametrize(("budget", "smallest"), [(2, 3), (3, None), (None, None)])
def test_outputs_that_are_inputs_need_no_layer_but_columns(
    budget: int | None, smallest: int | None
) -> None:
    variables = (
        Variable("x", 3, is_input=True, is_output=True),
        Variable("y", 2, is_input=True, erase_neurons=1),
    )
    problem = AllocationProblem(variables, (), Budgets(max_width=budget))
    if smallest is None:
        assert solve(problem).costs.as_tuple() == (0, 3, 0, 0, 0)
        return
    with pytest.raises(InfeasibleError, match=f"the smallest value that works is {smallest}"):
        solve(problem)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(problems(most_operations=7), st.data())
def test_loosening_a_budget_worsens_nothing(
    problem: AllocationProblem, data: st.DataObject
) -> None:
    tight = data.draw(budgets())
    name = data.draw(st.sampled_from(["max_layers", "max_width", "max_neurons", "max_heads"]))
    loose = Budgets(**{**tight.limits(), name: None})
    try:
        costs = solve(problem.with_budgets(tight)).costs.as_tuple()
    except InfeasibleError:
        assume(False)
    assert solve(problem.with_budgets(loose)).costs.as_tuple() <= costs


@pytest.mark.parametrize(("size", "seed"), [(5, 0), (10, 1), (20, 2), (40, 0), (40, 2)])
def test_never_worse_than_the_heuristics(size: int, seed: int) -> None:
    problem = random_instance(InstanceShape(size), seed)
    result = solve(problem)
    for heuristic in ("longest-path", "critical-path"):
        assert result.costs.as_tuple() <= solve(problem, heuristic).costs.as_tuple()


def test_an_effort_that_is_used_up_leaves_the_best_with_its_gap() -> None:
    problem = random_instance(InstanceShape(150), 0)
    known = best_heuristic(problem)
    assert known is not None
    result = solve(problem, time_limit=1e-3)
    assert not result.proven
    assert check(problem, result.allocation) == result.costs
    assert result.costs.as_tuple() <= check(problem, known).as_tuple()
    for o in result.objectives:
        assert o.bound <= o.value
        assert (o.status is Status.OPTIMAL) == (o.gap == 0)


def test_a_wall_clock_limit_still_gives_a_valid_allocation() -> None:
    problem = random_instance(InstanceShape(80), 0)
    result = solve(problem, wall_clock_limit=0.01)
    assert check(problem, result.allocation) == result.costs


def test_several_workers_give_a_proven_result() -> None:
    problem = random_instance(InstanceShape(20), 1)
    assert solve(problem, workers=2).costs == solve(problem).costs


@pytest.mark.parametrize(("sharing", "heads", "total"), [("selector", 2, 3), (None, 6, 7)])
def test_shared_heads_count_once(sharing: str | None, heads: int, total: int) -> None:
    costs = solve(fan(sharing=sharing)).costs
    assert (costs.layers, costs.heads, costs.total) == (1, heads, total)


def test_shared_heads_fit_a_budget_in_one_layer() -> None:
    assert solve(fan(Budgets(max_heads=2))).costs.layers == 1
    assert solve(fan(Budgets(max_heads=2), sharing=None)).costs.layers == 3


def test_nothing_to_do() -> None:
    result = solve(AllocationProblem(variables=(), operations=()))
    assert result.proven
    assert result.costs.as_tuple() == (0, 0, 0, 0, 0)


# Determinism.

PRINT_RESULT = """
from benchmarks.random_instances import InstanceShape, random_instance
from shoal_solvers import solve
for size in (12, 60):
    result = solve(random_instance(InstanceShape(size), 3), time_limit=0.1, workers={})
    allocation = result.allocation
    print(result.costs, allocation.placements, allocation.erasures, allocation.columns)
    print([(o.name, o.value, o.bound, o.status) for o in result.objectives])
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_the_result_does_not_depend_on_the_hash_seed(workers: int) -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", PRINT_RESULT.format(workers)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(printed) == 1
    assert printed.pop()


# Interruption.


@pytest.mark.slow
def test_ctrl_c_between_objectives_returns_the_best_so_far() -> None:
    problem = random_instance(InstanceShape(40), 1)
    seen: list[ObjectiveResult] = []

    def interrupt(objective: ObjectiveResult) -> None:
        seen.append(objective)
        if objective.name == "width":
            raise KeyboardInterrupt

    result = solve(problem, progress=interrupt)
    assert result.interrupted
    assert [o.name for o in result.objectives] == list(OBJECTIVES)
    assert result.objectives[1].status is Status.OPTIMAL
    assert check(problem, result.allocation) == result.costs
    assert len(seen) == 2


SOLVE_UNTIL_INTERRUPTED = """
from benchmarks.random_instances import InstanceShape, random_instance
from shoal_solvers import check, solve
problem = random_instance(InstanceShape(300), 0)
result = solve(problem, time_limit=1e6, progress=lambda o: print(o.name, flush=True))
assert check(problem, result.allocation) == result.costs
print("interrupted" if result.interrupted else "finished")
"""


@pytest.mark.slow
def test_ctrl_c_during_the_search_returns_the_best_so_far() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SOLVE_UNTIL_INTERRUPTED], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "layers\n"  # now the width is searched
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=50)
    finally:
        process.kill()
    assert process.returncode == 0
    assert out.splitlines()[-1] == "interrupted"


# Budgets that cannot be met.


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (
            Budgets(max_layers=1, max_neurons=8),
            [
                "max_layers=1 is in the way: the smallest value that works is 2 (layers",
                "max_neurons=8 is in the way: the smallest value that works is 9 (neurons",
            ],
        ),
        (
            Budgets(max_width=4),
            ["max_width=4 is in the way: the smallest value that works is 5 (resid"],
        ),
        (
            Budgets(max_neurons=1),
            ["max_neurons=1 is in the way: the smallest value that works is 5"],
        ),
        (
            Budgets(max_layers=2, max_neurons=4),
            [
                "It is proven that no",
                "max_neurons=4 is in the way: the smallest value that works is 5",
                "other budgets kept",
            ],
        ),
        (
            Budgets(max_width=4, max_neurons=1),
            ["No single budget", "max_width=4 is in", "works is 5", "even without any other"],
        ),
    ],
)
def test_infeasible_budgets_are_named(limits: Budgets, expected: list[str]) -> None:
    with pytest.raises(InfeasibleError) as error:
        solve(chain(limits))
    for words in expected:
        assert words in str(error.value)


def test_what_bounds_prove_needs_no_search() -> None:
    """CP-SAT takes longer to import than most programs take to allocate."""
    script = (
        "import sys\n"
        "from shoal_solvers import AllocationProblem, Alternative, Kind, Operation, Variable\n"
        "from shoal_solvers import solve\n"
        "tokens = Variable('tokens', 3, is_input=True, erase_neurons=3)\n"
        "result = Variable('result', 2, is_output=True)\n"
        "head = Operation('head', Kind.ATTENTION, ('result',), (Alternative(('tokens',), 1),))\n"
        "found = solve(AllocationProblem((tokens, result), (head,)))\n"
        "assert found.proven\n"
        "print([name for name in sys.modules if name.startswith('ortools')])\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
