"""The checker accepts what is right and names every broken rule."""

from dataclasses import replace

import pytest

from shoal_solvers import (
    Allocation,
    Budgets,
    Costs,
    InvalidAllocationError,
    Placement,
    check,
    checker,
    solve,
    violations,
)
from shoal_solvers import allocation as allocation_module
from tests.solvers.problems import chain, fan

VALID = Allocation(
    num_layers=2,
    placements={"make_a": Placement(0, 0), "make_b": Placement(1, 0), "make_c": Placement(3, 0)},
    erasures={"x": 1, "a": 1},
    columns={"x": (0, 1), "a": (2, 3, 4), "b": (0, 1, 2, 3), "c": (4,)},
)


def placed(**changes: Placement) -> Allocation:
    return replace(VALID, placements={**VALID.placements, **changes})


def erased(**changes: int) -> Allocation:
    return replace(VALID, erasures={**VALID.erasures, **changes})


def in_columns(**changes: tuple[int, ...]) -> Allocation:
    return replace(VALID, columns={**VALID.columns, **changes})


def test_accepts_a_valid_allocation() -> None:
    assert check(chain(), VALID) == Costs(layers=2, width=5, neurons=10, heads=1, total=13)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (replace(VALID, num_layers=10**12), "has 1,000,000,000,000 layers, of which at most 7"),
        (replace(VALID, num_layers=-1), "has -1 layers"),
        (replace(VALID, num_layers=1.5), "has 1.5 layers, which is no number of layers"),
        (replace(VALID, placements=None), "has placements that are no mapping"),
        (replace(VALID, erasures=[1]), "has erasures that are no mapping"),
        (replace(VALID, columns=5), "has columns that are no mapping"),
        (placed(make_a=None), "places 'make_a' nowhere"),
        (placed(make_a=Placement("first", 0)), "places 'make_a' nowhere"),
        (erased(a=None), "erases 'a' in None, which is no half-layer"),
        (in_columns(x=None), "gives 'x' columns that are no whole numbers"),
        (in_columns(x=("left", [])), "gives 'x' columns that are no whole numbers"),
        (placed(ghost=Placement(0, 0)), "places unknown operation 'ghost'"),
        (placed(make_c=Placement(3, 7)), "operation 'make_c' has no alternative 7"),
        (placed(make_c=Placement(5, 0)), "'make_c' is in half-layer 5, outside the network"),
        (placed(make_b=Placement(2, 0)), "mlp operation 'make_b' is in half-layer 2"),
        (placed(make_a=Placement(1, 0)), "attention operation 'make_a' is in half-layer 1"),
        (placed(make_c=Placement(1, 0)), "'make_c' reads 'b', which is not in the stream"),
        (placed(make_c=Placement(3, 1)), "'make_b' is placed, but nothing needs it"),
        (
            replace(VALID, placements={"make_a": Placement(0, 0), "make_c": Placement(3, 0)}),
            "operation 'make_b' is needed, but not placed",
        ),
        (erased(ghost=1), "erases unknown variable 'ghost'"),
        (erased(a=2), "variable 'a' is erased in half-layer 2, which is no MLP"),
        (erased(a=5), "variable 'a' is erased in half-layer 5, which is no MLP"),
        (erased(b=3), "variable 'b' is erased, but cannot be"),
        (erased(c=3), "output 'c' is erased"),
        (
            replace(placed(make_a=Placement(2, 0), make_b=Placement(3, 0)), erasures={"a": 1}),
            "erases 'a', which is not in the stream",
        ),
        (
            replace(placed(make_b=Placement(3, 0)), erasures={"a": 1}),
            "'make_b' reads 'a', which is not in the stream",
        ),
        (in_columns(ghost=(7,)), "gives columns to unknown variable 'ghost'"),
        (in_columns(x=(0,)), "'x' needs 2 different columns, but has [0]"),
        (in_columns(x=(1, 1)), "'x' needs 2 different columns, but has [1, 1]"),
        (in_columns(x=(-1, 0)), "variable 'x' has a negative column"),
        (in_columns(a=(1, 2, 3)), "half-layer 0: 'a' and 'x' share column 1"),
        (
            replace(VALID, columns={k: v for k, v in VALID.columns.items() if k != "b"}),
            "variable 'b' is present, but has no columns",
        ),
        (in_columns(c=(8,)), "9 columns are used where 5 are occupied at once"),
    ],
)
def test_rejects(wrong: Allocation, expected: str) -> None:
    with pytest.raises(InvalidAllocationError) as error:
        check(chain(), wrong)
    assert expected in str(error.value)


def test_rejects_absent_variables_with_columns_or_erasures() -> None:
    wrong = Allocation(
        num_layers=1,
        placements={"make_a": Placement(0, 0), "make_c": Placement(1, 1)},
        erasures={"b": 1},
        columns={"x": (0, 1), "a": (2, 3, 4), "b": (5, 6, 7, 8), "c": (5,)},
    )
    erasable = tuple(replace(v, erase_neurons=1) for v in chain().variables)
    lines = "\n".join(violations(replace(chain(), variables=erasable), wrong))
    assert "variable 'b' is absent, but has columns" in lines
    assert "variable 'b' is erased, but never there" in lines


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Budgets(max_layers=1), "max_layers is 1, but the allocation has 2"),
        (Budgets(max_width=4), "max_width is 4, but the allocation has 5"),
        (Budgets(max_neurons=9), "max_neurons is 9, but the allocation has 10"),
    ],
)
def test_rejects_what_exceeds_a_budget(limits: Budgets, expected: str) -> None:
    assert list(violations(chain(limits), VALID)) == [expected]


def test_rejects_too_many_heads() -> None:
    problem = chain(Budgets(max_heads=1))
    heavy = replace(problem.operations[0].alternatives[0], size=2)
    operations = (replace(problem.operations[0], alternatives=(heavy,)), *problem.operations[1:])
    lines = list(violations(replace(problem, operations=operations), VALID))
    assert lines == ["max_heads is 1, but the allocation has 2"]


def test_counts_shared_heads_once_in_each_half_layer() -> None:
    together = {f"make_{name}": Placement(0, 0) for name in "abc"} | {"make_d": Placement(1, 0)}
    later = {name: replace(p, half_layer=p.half_layer + 2) for name, p in together.items()}
    apart = together | {"make_c": Placement(2, 0)}
    columns = {name: (number,) for number, name in enumerate("xabcd")}
    assert check(fan(), Allocation(1, together, {}, columns)) == Costs(1, 5, 1, 2, 3)
    assert check(fan(), Allocation(2, later, {}, columns)) == Costs(2, 5, 1, 2, 3)
    assert check(fan(), Allocation(2, apart, {}, columns)) == Costs(2, 5, 1, 2, 5)


RIGHT = Costs(layers=2, width=5, neurons=10, heads=1, total=13)


@pytest.mark.parametrize("name", ["width", "neurons", "heads", "total"])
def test_notices_what_the_solvers_count_wrongly(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = getattr(RIGHT, name)
    wrong = replace(RIGHT, **{name: right - 1})
    monkeypatch.setattr(checker, "measure", lambda problem, allocation: wrong)
    lines = list(violations(chain(), VALID))
    assert lines == [f"{name}: the solvers count {right - 1} where {right} are found"]


def test_a_budget_is_held_by_what_is_there_and_not_by_what_solvers_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = replace(RIGHT, neurons=8)
    monkeypatch.setattr(checker, "measure", lambda problem, allocation: wrong)
    lines = list(violations(chain(Budgets(max_neurons=8)), VALID))
    assert "max_neurons is 8, but the allocation has 10" in lines


def test_a_miscount_of_sizes_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solvers' own counting, spoiled where they all take it from."""
    correct = allocation_module.half_layer_sizes
    monkeypatch.setattr(
        allocation_module,
        "half_layer_sizes",
        lambda problem, placements, erasures: correct(problem, placements, {}),
    )
    with pytest.raises(InvalidAllocationError, match="neurons: the solvers count"):
        solve(chain(), "critical-path")
