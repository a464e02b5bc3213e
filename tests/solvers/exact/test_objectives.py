"""Any order of objectives and any weights, against trying everything."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoal_solvers import (
    OBJECTIVES,
    AllocationProblem,
    Alternative,
    InvalidProblemError,
    Kind,
    Operation,
    OutputChoice,
    Variable,
    pareto,
    solve,
)
from tests.solvers.brute_force import every_cost
from tests.solvers.problems import chain, fan, problems

MOST_LAYERS = 4
"""Beyond as many, brute force does not look; the problems need no more to be at their best."""

slow = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

small = problems(most_operations=3, most_erasable=2)


@pytest.mark.slow
@slow
@given(small, st.permutations(OBJECTIVES))
def test_any_order_equals_brute_force(problem: AllocationProblem, order: list[str]) -> None:
    places = [OBJECTIVES.index(name) for name in order]
    least = min(tuple(c[k] for k in places) for c in every_cost(problem, MOST_LAYERS + 2))
    result = solve(problem, objectives=order)
    assert tuple(o.value for o in result.objectives) == least
    assert [o.name for o in result.objectives] == order
    assert all(o.bound <= o.value for o in result.objectives)


@pytest.mark.slow
@slow
@given(small, st.lists(st.integers(1, 5), min_size=4, max_size=4))
def test_weights_equal_brute_force(problem: AllocationProblem, weights: list[int]) -> None:
    layers, *others = min(
        (c[0], sum(w * v for w, v in zip(weights, c[1:], strict=True)), c[1])
        for c in every_cost(problem, MOST_LAYERS)
    )
    wish = dict(zip(OBJECTIVES[1:], weights, strict=True))
    result = solve(problem, objectives=("layers", wish, "width"))
    assert result.costs.layers == layers
    assert [o.value for o in result.objectives[1:]] == others
    assert result.proven


@pytest.mark.slow
@slow
@given(small)
def test_a_front_has_all_that_is_not_dominated(problem: AllocationProblem) -> None:
    least = min(c[0] for c in every_cost(problem, MOST_LAYERS))
    every = {
        (c[0], c[1], c[0] * c[1] * (3 * c[2] + 5 * c[3])) for c in every_cost(problem, least + 1)
    }
    front = {
        p
        for p in every
        if not any(q != p and all(a <= b for a, b in zip(q, p, strict=True)) for q in every)
    }
    found = pareto(problem, per_neuron=3, per_head=5, more_layers=1)
    assert {(p.layers, p.width, p.parameters) for p in found} == front
    assert all(p.proven for p in found)


def test_a_front_begins_with_no_layers_where_none_are_needed() -> None:
    held = Variable("held", 1, is_input=True)
    made = Variable("made", 0)
    head = Operation("head", Kind.ATTENTION, ("made",), (Alternative((), 0),))
    choice = OutputChoice("result", (("held",), ("made",)))
    problem = AllocationProblem((held, made), (head,), choices=(choice,))
    found = pareto(problem, more_layers=1)
    assert {(p.layers, p.width, p.parameters) for p in found} == {(0, 1, 0), (1, 0, 0)}


def test_a_single_objective_leaves_no_idle_layer() -> None:
    result = solve(chain(), objectives=("width",))
    used = {p.half_layer // 2 for p in result.allocation.placements.values()}
    used |= {half_layer // 2 for half_layer in result.allocation.erasures.values()}
    assert result.allocation.num_layers == len(used)
    assert result.costs.width == 5


@pytest.mark.parametrize(
    ("objectives", "expected"),
    [
        ("width", "objectives is 'width'; give them as a list in their order, of: layers, width"),
        ((), "give them as a list"),
        (("depth",), "there is no objective 'depth'; known: layers, width, neurons, heads, total"),
        ((3,), "there is no objective 3; known"),
        (("width", "width"), "objective width is there twice"),
        (({"depth": 2},), "weights name 'depth', which is no objective"),
        (({"layers": 2},), "layers cannot be weighed against other objectives"),
        (({"width": 0},), "the weight of width is 0; give a whole number from 1 to"),
        (({"width": True},), "the weight of width is True"),
        (({},), "a weighted sum of no objectives"),
    ],
)
def test_what_is_no_objective_is_refused(objectives: object, expected: str) -> None:
    with pytest.raises(InvalidProblemError, match=expected.replace("(", r"\(")):
        solve(fan(), objectives=objectives)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ({"per_neuron": 0}, "per_neuron is 0"),
        ({"per_head": True}, "per_head is True"),
        ({"more_layers": -1}, "more_layers is -1"),
    ],
)
def test_a_front_refuses_absurd_numbers(option: dict[str, int], expected: str) -> None:
    with pytest.raises(InvalidProblemError, match=expected):
        pareto(fan(), **option)
