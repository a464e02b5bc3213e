"""Problems that make no sense, and options that make none, are refused with words that help."""

import math
from dataclasses import replace

import pytest

from shoal_solvers import (
    AllocationProblem,
    Alternative,
    Budgets,
    InvalidProblemError,
    Kind,
    Operation,
    Variable,
    solve,
)
from tests.solvers.problems import chain, fan

X = Variable("x", 1, is_input=True)
Y = Variable("y", 1, is_output=True)
COPY = Operation("copy", Kind.MLP, ("y",), (Alternative(("x",), 1),))


@pytest.mark.parametrize(
    ("variables", "operations", "expected"),
    [
        ([X, Y, Y], [COPY], "variable names must be unique, but doubled: y"),
        ([X, Y], [COPY, COPY], "operation names must be unique, but doubled: copy"),
        ([X, Y], [replace(COPY, alternatives=())], "has no alternative"),
        ([X, Y], [replace(COPY, writes=())], "writes no variable"),
        ([X, Y], [replace(COPY, kind="conv")], "known kinds: attention, mlp"),
        ([X, Y], [], "variable 'y' has no producer"),
        ([replace(X, width=-1), Y], [COPY], "variable 'x' has width -1"),
        ([replace(X, width=1.5), Y], [COPY], "variable 'x' has width 1.5"),
        ([replace(X, erase_neurons=-2), Y], [COPY], "variable 'x' has erase_neurons -2"),
        ([X, replace(Y, is_input=True)], [COPY], "'y' is an input, yet operation 'copy' writes it"),
        ([X, Y], [COPY, replace(COPY, name="again")], "'y' is written by several operations"),
        ([X, Y], [replace(COPY, writes=("y", "z"))], "writes unknown variable 'z'"),
        (
            [X, Y],
            [replace(COPY, alternatives=(Alternative(("z",), 1),))],
            "alternative 0 of operation 'copy' reads unknown variables: z",
        ),
        (
            [X, Y],
            [replace(COPY, alternatives=(Alternative(("x",), -1),))],
            "alternative 0 of operation 'copy' has size -1",
        ),
        (
            [X, Y],
            [replace(COPY, alternatives=(Alternative(("y",), 1),))],
            "in a circle: copy -> copy",
        ),
    ],
)
def test_refuses(variables: list[Variable], operations: list[Operation], expected: str) -> None:
    with pytest.raises(InvalidProblemError) as error:
        AllocationProblem(tuple(variables), tuple(operations))
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"kind": Kind.MLP},
            "operation 'make_b' has sharing 'selector', but only attention operations share heads",
        ),
        (
            {"alternatives": (Alternative(("x",), 1),)},
            "alternative 0 of operation 'make_b' has size 1, but it shares heads with 'make_a', "
            "which has size 2",
        ),
        (
            {"alternatives": (Alternative(("x",), 2), Alternative((), 3))},
            "alternative 1 of operation 'make_b' has size 3",
        ),
    ],
)
def test_refuses_sharing(changes: dict[str, object], expected: str) -> None:
    first, second, *others = fan().operations
    with pytest.raises(InvalidProblemError) as error:
        replace(fan(), operations=(first, replace(second, **changes), *others))  # type: ignore[arg-type]
    assert expected in str(error.value)


@pytest.mark.parametrize("name", ["max_layers", "max_width", "max_neurons", "max_heads"])
@pytest.mark.parametrize("limit", [0, -1, 2.5, True])
def test_refuses_budgets(name: str, limit: object) -> None:
    with pytest.raises(InvalidProblemError, match=f"budget {name} is .* at least 1"):
        chain(Budgets(**{name: limit}))  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [0, -1.0, math.nan, math.inf, "ten", True, 10**40])
def test_refuses_time_limits(limit: object) -> None:
    with pytest.raises(InvalidProblemError, match=r"wall_clock_limit is .*seconds above 0"):
        solve(chain(), wall_clock_limit=limit)  # type: ignore[arg-type]
    with pytest.raises(InvalidProblemError, match=r"time_limit is .*above 0"):
        solve(chain(), time_limit=limit)  # type: ignore[arg-type]


@pytest.mark.parametrize("workers", [0, -1, 1.5, "2", True, 10**12])
def test_refuses_workers(workers: object) -> None:
    with pytest.raises(InvalidProblemError, match="workers is"):
        solve(chain(), workers=workers)  # type: ignore[arg-type]


def test_numbers_that_python_does_not_print_can_be_told() -> None:
    with pytest.raises(InvalidProblemError, match="more digits than can be shown"):
        solve(chain(), workers=10**5000)


def test_refuses_an_unknown_solver() -> None:
    with pytest.raises(
        InvalidProblemError, match=r"unknown solver 'magic'; known: longest-path, .*cp-sat"
    ):
        solve(chain(), "magic")
