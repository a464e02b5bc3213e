"""Two formulations that share nothing agree on every objective."""

import pytest
from ortools.math_opt.python import mathopt

from benchmarks.allocation_milp import milp_costs
from benchmarks.random_instances import InstanceShape, random_instance
from shoal_solvers import Budgets, check, solve


def test_what_highs_gives_up_on_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*arguments: object, **options: object) -> None:
        try:
            raise RuntimeError("HighsStatus: kError [INTERNAL]")
        except RuntimeError:
            raise AttributeError("'StatusNotOk' object has no attribute 'canonical_code'") from None

    monkeypatch.setattr(mathopt, "solve", give_up)
    problem = random_instance(InstanceShape(20), 1)
    result = solve(problem, solver="milp")
    assert check(problem, result.allocation) == result.costs
    assert not result.proven


@pytest.mark.slow
@pytest.mark.parametrize("size", [5, 8, 12, 16, 20, 25])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_cp_sat_equals_milp(size: int, seed: int) -> None:
    problem = random_instance(InstanceShape(size), seed)
    result = solve(problem)
    assert result.proven
    assert result.costs.as_tuple() == milp_costs(problem)


@pytest.mark.parametrize(("size", "seed"), [(30, 0), (40, 0), (40, 3)])
def test_cp_sat_equals_milp_in_depth_and_width(size: int, seed: int) -> None:
    problem = random_instance(InstanceShape(size), seed)
    costs = solve(problem).costs
    assert (costs.layers, costs.width) == milp_costs(problem, objectives=("layers", "width"))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_cp_sat_equals_milp_under_budgets(seed: int) -> None:
    free = solve(random_instance(InstanceShape(12), seed)).costs
    budgets = Budgets(max_width=free.width + 3, max_neurons=max(60, free.neurons * 2 // 3))
    problem = random_instance(InstanceShape(12), seed, budgets)
    assert solve(problem).costs.as_tuple() == milp_costs(problem)
