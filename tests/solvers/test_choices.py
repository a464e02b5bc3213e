"""Outputs by choice: one of several sets of variables is there at the end."""

from dataclasses import replace

import pytest

from shoal_solvers import (
    AllocationProblem,
    Alternative,
    Budgets,
    InfeasibleError,
    InvalidProblemError,
    Kind,
    Operation,
    OutputChoice,
    Variable,
    allocation_from_json,
    allocation_to_json,
    lower_bound_on_layers,
    problem_from_json,
    problem_to_json,
    solve,
    violations,
)


@pytest.fixture
def problem() -> AllocationProblem:
    """The result is wide after attention alone, or narrow after 20 neurons."""
    return AllocationProblem(
        variables=(
            Variable("x", 2, is_input=True),
            Variable("wide", 8),
            Variable("hidden", 1),
            Variable("narrow", 3),
        ),
        operations=(
            Operation("copy", Kind.ATTENTION, ("wide",), (Alternative(("x",), 1),)),
            Operation("hide", Kind.ATTENTION, ("hidden",), (Alternative(("x",), 1),)),
            Operation("decode", Kind.MLP, ("narrow",), (Alternative(("hidden",), 20),)),
        ),
        choices=(OutputChoice("result", (("wide",), ("narrow",))),),
    )


def test_the_cheapest_option_is_chosen(problem: AllocationProblem) -> None:
    narrow = solve(problem)
    assert narrow.proven
    assert narrow.allocation.outputs == {"result": 1}
    assert set(narrow.allocation.placements) == {"hide", "decode"}
    assert narrow.costs.width == 6
    few_neurons = solve(problem.with_budgets(Budgets(max_neurons=10)))
    assert few_neurons.proven
    assert few_neurons.allocation.outputs == {"result": 0}
    assert set(few_neurons.allocation.placements) == {"copy"}
    assert few_neurons.costs.width == 10


def test_budgets_that_no_option_meets_are_explained(problem: AllocationProblem) -> None:
    with pytest.raises(InfeasibleError, match="works is 10") as caught:
        solve(problem.with_budgets(Budgets(max_neurons=10, max_width=7)))
    assert "works is 20 (neurons" in str(caught.value)


def test_heuristics_take_what_is_written_or_what_is_ready_first(problem: AllocationProblem) -> None:
    reversed_choice = replace(problem, choices=(OutputChoice("result", (("narrow",), ("wide",))),))
    assert solve(reversed_choice, "longest-path").allocation.outputs == {"result": 0}
    assert solve(reversed_choice, "critical-path").allocation.outputs == {"result": 1}


def test_an_option_may_be_there_from_the_start(problem: AllocationProblem) -> None:
    options = (("narrow",), ("x",))
    from_the_start = replace(problem, choices=(OutputChoice("result", options),))
    assert lower_bound_on_layers(from_the_start) == 0
    assert solve(from_the_start).costs.as_tuple() == (0, 2, 0, 0, 0)


def test_depth_is_bounded_by_the_shallowest_option(problem: AllocationProblem) -> None:
    deep = Operation("again", Kind.MLP, ("deep",), (Alternative(("narrow",), 1),))
    problem = replace(
        problem,
        variables=(*problem.variables, Variable("deep", 1)),
        operations=(*problem.operations, deep),
        choices=(OutputChoice("result", (("deep",), ("narrow", "wide"))),),
    )
    assert lower_bound_on_layers(problem) == 1
    assert solve(problem).allocation.outputs == {"result": 1}


def test_the_checker_names_broken_choices(problem: AllocationProblem) -> None:
    allocation = solve(problem).allocation
    for outputs, expected in (
        ({}, "chooses no option for 'result'"),
        ({"result": 2}, "the choice 'result' has no option 2"),
        ({"result": True}, "the choice 'result' has no option True"),
        ({"result": 1, "ghost": 0}, "chooses for unknown output 'ghost'"),
        ({"result": 0}, "operation 'copy' is needed, but not placed"),
        (5, "has outputs that are no mapping"),
    ):
        broken = list(violations(problem, replace(allocation, outputs=outputs)))
        assert any(expected in line for line in broken), (outputs, broken)


def test_they_are_stored(problem: AllocationProblem) -> None:
    assert problem_from_json(problem_to_json(problem)) == problem
    allocation = solve(problem).allocation
    assert allocation_from_json(allocation_to_json(allocation)) == allocation


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ((OutputChoice("result", ()),), "the choice 'result' has no option"),
        ((OutputChoice("result", (("ghost",),)),), "the choice 'result' has unknown variables"),
        ((OutputChoice("a", (("x",),)),) * 2, "choice names must be unique"),
    ],
)
def test_choices_that_make_no_sense_are_refused(
    problem: AllocationProblem, choices: tuple[OutputChoice, ...], expected: str
) -> None:
    with pytest.raises(InvalidProblemError, match=expected):
        replace(problem, choices=choices)
