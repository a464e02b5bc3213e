"""Models give the problems that were meant, and refuse a mistake where it is made."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal_solvers import (
    AllocationProblem,
    Alternative,
    Budgets,
    InvalidProblemError,
    Kind,
    Model,
    Operation,
    OutputChoice,
    Variable,
    solve,
)
from tests.solvers.problems import budgets, chain, fan, problems


def chain_model() -> Model:
    """The chain, step by step: handles and names, one variable or several."""
    model = Model("chain")
    x = model.add_variable("x", 2, is_input=True, erase_neurons=2)
    a = model.add_variable("a", 3, erase_neurons=3)
    model.add_variable("b", 4)
    c = model.add_variable("c", 1, is_output=True)
    model.add_attention("make_a", reads=x, writes=[a], heads=1)
    model.add_mlp("make_b", reads="a", writes=["b"], neurons=5)
    last = model.add_mlp("make_c", reads=["b"], writes=c, neurons=2)
    model.add_alternative(last, [a], 9)
    return model


def test_builds_the_problem_that_was_meant() -> None:
    assert chain_model().problem() == chain()
    assert repr(chain_model()) == "<Model 'chain': 4 variables, 3 operations, 0 choices>"


def test_solves_with_the_options_of_solve() -> None:
    assert chain_model().solve().allocation == solve(chain()).allocation
    assert chain_model().solve(solver="critical-path").solver == "critical-path"
    with pytest.raises(InvalidProblemError, match="workers is 0"):
        chain_model().solve(workers=0)


@settings(max_examples=50, deadline=None)
@given(problems(), budgets())
def test_a_model_of_a_problem_gives_it_back(problem: AllocationProblem, limits: Budgets) -> None:
    problem = problem.with_budgets(limits)
    assert Model.from_problem(problem).problem() == problem


@settings(max_examples=50, deadline=None)
@given(problems(), budgets(), st.booleans())
def test_every_problem_can_be_built(
    problem: AllocationProblem, limits: Budgets, by_name: bool
) -> None:
    model = Model(problem.name)
    handles = {
        v.name: model.add_variable(
            v.name,
            v.width,
            is_input=v.is_input,
            is_output=v.is_output,
            erase_neurons=v.erase_neurons,
        )
        for v in problem.variables
    }

    def given(names: tuple[str, ...]) -> list[Variable | str]:
        return list(names) if by_name else [handles[name] for name in names]

    for o in problem.operations:
        first, *others = o.alternatives
        operation = model.add_operation(
            o.name,
            str(o.kind),
            given(o.writes),
            [(given(first.reads), first.size)],
            o.block,
            o.sharing,
        )
        for a in others:  # the handle stays good while alternatives are added
            model.add_alternative(o.name if by_name else operation, given(a.reads), a.size)
    for c in problem.choices:
        model.add_choice(c.name, map(given, c.options))
    model.limit(**limits.limits())
    assert model.problem() == problem.with_budgets(limits)


def test_a_model_of_a_problem_can_be_changed() -> None:
    problem = chain(Budgets(max_layers=3, max_width=9))
    model = Model.from_problem(problem)
    model.name = "longer"
    d = model.add_variable("d", 1, is_output=True)
    model.add_mlp("make_d", reads=[problem.variable["c"], "x"], writes=d, neurons=1)
    model.add_alternative(problem.operation["make_b"], "x", 20)
    model.limit(max_width=None, max_heads=2)
    changed = model.problem()
    assert changed.name == "longer"
    assert changed.variables == (*problem.variables, d)
    assert changed.operation["make_d"].alternatives == (Alternative(("c", "x"), 1),)
    assert changed.operation["make_b"].alternatives[1] == Alternative(("x",), 20)
    assert changed.budgets == Budgets(max_layers=3, max_heads=2)
    assert problem == chain(Budgets(max_layers=3, max_width=9))


def test_choices_and_alternatives_of_several_ways() -> None:
    model = Model.from_problem(fan())
    ways = [Alternative(("x",), 3), (["a", "d"], 2), ("x", np.int64(1))]
    operation = model.add_operation(
        "make_e", Kind.MLP, model.add_variable("e", np.int32(4)), ways, block="both"
    )
    assert operation == Operation(
        "make_e",
        Kind.MLP,
        ("e",),
        (Alternative(("x",), 3), Alternative(("a", "d"), 2), Alternative(("x",), 1)),
        block="both",
    )
    assert [type(a.size) for a in operation.alternatives] == [int] * 3
    assert model.add_choice("result", ["e", ["a", "b"]]) == OutputChoice(
        "result", (("e",), ("a", "b"))
    )


FOREIGN = Model.from_problem(chain())
X, MAKE_C = FOREIGN.add_variable("x2", 1), FOREIGN.add_alternative("make_c", "x", 3)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (lambda m: Model(3), "the model name is 3; give a text"),
        (lambda m: m.add_variable("x", 1), "this model has the variable 'x' already; give"),
        (lambda m: m.add_variable(1, 1), "the variable name is 1; give a text"),
        (lambda m: m.add_variable("y", -1), "variable 'y' has width -1; a width is a number of"),
        (lambda m: m.add_variable("y", True), "variable 'y' has width True"),
        (lambda m: m.add_variable("y", 1.0), "variable 'y' has width 1.0"),
        (lambda m: m.add_variable("y", "4"), "variable 'y' has width '4'"),
        (lambda m: m.add_variable("y", 10**6), "1,000,010 columns together; at most 1,000,000"),
        (lambda m: m.add_variable("y", 10**400), "variable 'y' has width 1000"),
        (lambda m: m.add_variable("y", 1, is_input=1), "has is_input 1; give True or False"),
        (lambda m: m.add_variable("y", 1, is_output="no"), "has is_output 'no'; give True or F"),
        (lambda m: m.add_variable("y", 1, erase_neurons=-2), "has erase_neurons -2; give a num"),
        (lambda m: m.add_variable("y", 1, erase_neurons=False), "has erase_neurons False; give"),
        (
            lambda m: m.add_mlp("make_c", reads="x", writes="y", neurons=1),
            "this model has the operation 'make_c' already; give",
        ),
        (
            lambda m: m.add_mlp("op", reads="z", writes="new", neurons=1),
            "alternative 0 of operation 'op' reads the unknown variable 'z'; add it by "
            "add_variable first, or take one of those that there are: x, a, b, c, shared, new",
        ),
        (
            lambda m: m.add_mlp("op", reads=["x", X], writes="new", neurons=1),
            "alternative 0 of operation 'op' reads a variable 'x2' of another model; add one to "
            "this model by add_variable and take what it returns, or give a name",
        ),
        (
            lambda m: m.add_mlp("op", reads=chain().variables[0], writes="new", neurons=1),
            "reads a variable 'x' of another model",
        ),
        (lambda m: m.add_mlp("op", reads=7, writes="new", neurons=1), "reads 7; variables are gi"),
        (lambda m: m.add_mlp("op", reads=[None], writes="new", neurons=1), "reads None; variabl"),
        (lambda m: m.add_mlp("op", reads=MAKE_C, writes="new", neurons=1), "reads Operation"),
        (
            lambda m: m.add_mlp("op", reads="x", writes="y", neurons=1),
            "operation 'op' writes the unknown variable 'y'; add it by add_variable first",
        ),
        (
            lambda m: m.add_mlp("op", reads="x", writes="b", neurons=1),
            "operation 'op' writes 'b', which is written by 'make_b' already; a variable has one",
        ),
        (
            lambda m: m.add_mlp("op", reads="x", writes=["new", "new"], neurons=1),
            "operation 'op' writes 'new', which is written by 'op' already",
        ),
        (
            lambda m: m.add_mlp("op", reads="a", writes="x", neurons=1),
            "operation 'op' writes 'x', which is an input and there from the start; write another",
        ),
        (lambda m: m.add_mlp("op", reads="x", writes=[], neurons=1), "writes no variable; give"),
        (
            lambda m: m.add_mlp("op", reads="x", writes="new", neurons=-1),
            "alternative 0 of operation 'op' has size -1; a size is a number of heads or neurons",
        ),
        (lambda m: m.add_attention("op", reads="x", writes="new", heads=True), "has size True"),
        (lambda m: m.add_attention("op", reads="x", writes="new", heads=2**63), "has size 922"),
        (
            lambda m: m.add_attention("op", reads="x", writes="new", heads=1, block=1),
            "the block of operation 'op' is 1; give a text",
        ),
        (
            lambda m: m.add_attention("op", reads="x", writes="new", heads=1, sharing=["s"]),
            "the sharing of operation 'op' is ['s']; give a text",
        ),
        (
            lambda m: m.add_attention("op", reads="x", writes="new", heads=1, sharing="selector"),
            "alternative 0 of operation 'op' has size 1, but it shares heads with 'share'",
        ),
        (
            lambda m: m.add_operation("op", "mlp", "new", [("x", 2)], sharing="selector"),
            "operation 'op' has sharing 'selector', but only attention operations share heads",
        ),
        (
            lambda m: m.add_alternative("share", "x", 3),
            "alternative 1 of operation 'share' has size 3, but it shares heads with 'share', wh",
        ),
        (
            lambda m: m.add_operation("op", "conv", "new", [("x", 2)]),
            "operation 'op' has kind 'conv'; known kinds: attention, mlp",
        ),
        (lambda m: m.add_operation("op", "mlp", "new", []), "operation 'op' has no alternative"),
        (lambda m: m.add_operation("op", "mlp", "new", 5), "alternative 0 of operation 'op' is 5"),
        (
            lambda m: m.add_operation("op", "mlp", "new", [("x", 1), "a"]),
            "alternative 1 of operation 'op' is 'a'; give a pair of what it reads and how many",
        ),
        (
            lambda m: m.add_alternative("make_z", "x", 3),
            "an alternative is added to the unknown operation 'make_z'; add it by add_operation "
            "first, or take one of those that there are: make_a, make_b, make_c, share",
        ),
        (
            lambda m: m.add_alternative(MAKE_C, "x", 3),
            "the operation 'make_c' is of another model; take what add_operation, add_attention or",
        ),
        (lambda m: m.add_alternative(3, "x", 3), "an alternative is added to 3; operations are g"),
        (
            lambda m: m.add_alternative("make_c", "z", 3),
            "alternative 2 of operation 'make_c' reads the unknown variable 'z'",
        ),
        (
            lambda m: m.add_alternative("make_c", "x", 1.5),
            "alternative 2 of operation 'make_c' has size 1.5",
        ),
        (lambda m: m.add_choice("out", []), "the choice 'out' has no option, so its output can"),
        (lambda m: m.add_choice("out", ["c", ["z"]]), "the choice 'out' has the unknown variabl"),
        (lambda m: m.add_choice("taken", ["c"]), "this model has the choice 'taken' already; give"),
        (lambda m: m.add_choice(None, ["c"]), "the choice name is None; give a text"),
        (lambda m: m.limit(max_layers=0), "budget max_layers is 0; a budget is a whole number of"),
        (lambda m: m.limit(max_width=True), "budget max_width is True"),
        (lambda m: m.limit(max_heads=2.0), "budget max_heads is 2.0"),
        (
            lambda m: m.limit(max_layers=1, max_depth=3),
            "there is no limit max_depth; known: max_layers, max_width, max_neurons, max_heads",
        ),
    ],
)
def test_refuses_a_mistake_and_stays_as_it_was(
    step: Callable[[Model], object], expected: str
) -> None:
    model = chain_model()
    model.add_variable("shared", 0, is_output=True)
    model.add_attention("share", reads="x", writes="shared", heads=2, sharing="selector")
    model.add_choice("taken", ["c", "a"])
    before = model.problem()
    new = model.add_variable("new", 0)
    with pytest.raises(InvalidProblemError) as error:
        step(model)
    assert expected in str(error.value)
    model.add_mlp("make_new", reads=[], writes=new, neurons=0)
    after = model.problem()
    assert after.variables == (*before.variables, new)
    assert after.operations[:-1] == before.operations
    assert (after.choices, after.budgets) == (before.choices, before.budgets)


def test_what_only_the_whole_can_tell_is_told_by_the_problem() -> None:
    model = Model()
    one, other = model.add_variable("one", 1), model.add_variable("other", 1, is_output=True)
    model.add_mlp("make_one", reads=other, writes=one, neurons=1)
    with pytest.raises(InvalidProblemError, match="'other' has no producer; mark it as an input"):
        model.problem()
    model.add_mlp("make_other", reads=one, writes=other, neurons=1)
    with pytest.raises(InvalidProblemError, match="in a circle: make_one -> make_other"):
        model.solve()


def test_many_names_are_listed_in_brief() -> None:
    model = Model()
    for number in range(1000):
        model.add_variable(f"v{number}", 1, is_input=True)
    with pytest.raises(InvalidProblemError, match=r"v0, v1, .*, v7 and 992 more$"):
        model.add_choice("out", ["w"])
