"""What ``print`` shows of results and allocations fits 80 columns and says what is proven."""

from dataclasses import replace

from hypothesis import given, settings

from shoal_solvers import AllocationProblem, Placement, Status, problem_identity, solve
from tests.solvers.problems import chain, problems


def test_a_proven_result() -> None:
    result = replace(solve(chain()), seconds=0.5, problem=problem_identity(chain()))
    assert result.proven
    assert str(result).splitlines() == [
        f"cp-sat, 0.50 s, problem {problem_identity(chain())}",
        "objective  value  bound  status",
        "layers         1      1  optimal",
        "width          5      5  optimal",
        "neurons       11     11  optimal",
        "heads          1      1  optimal",
        "total         12     12  optimal",
        "every objective is proven optimal",
    ]


def test_an_open_result() -> None:
    result = solve(chain())
    layers, *others = result.objectives
    unsure = tuple(
        replace(o, bound=1, status=Status.HEURISTIC) if o.value > 1 else o for o in others
    )
    result = replace(result, solver="critical-path", seconds=0.5, objectives=(layers, *unsure))
    result = replace(result, problem="")
    assert str(result).splitlines() == [
        "critical-path, 0.50 s",
        "objective  value  bound  status",
        "layers         1      1  optimal",
        "width          5      1  heuristic",
        "neurons       11      1  heuristic",
        "heads          1      1  optimal",
        "total         12      1  heuristic",
        "not every objective is proven optimal; open: width by at most 4, neurons by at",
        "most 10, total by at most 11",
    ]
    none = replace(result, objectives=unsure[:2], interrupted=True)
    assert "interrupted: this is the best that was found until then\nno objective is" in str(none)


def test_an_allocation() -> None:
    assert str(solve(chain()).allocation).splitlines() == [
        "1 layer, 5 columns, 2 operations",
        "attention 0  runs make_a",
        "MLP 0        runs make_c (alternative 1); erases x",
    ]


@settings(max_examples=30, deadline=None)
@given(problems(most_operations=8))
def test_no_line_is_longer_than_a_terminal(problem: AllocationProblem) -> None:
    result = solve(problem, "critical-path")
    for text in (str(result), str(result.allocation)):
        assert max(map(len, text.splitlines())) <= 80


def test_odd_names_and_numbers_are_shown_on_lines_that_fit() -> None:
    allocation = solve(chain()).allocation
    odd = {"\x1b[31mred\nline\ud800": Placement(10**12, 3), "long" * 50: Placement(10**12, 0)}
    text = str(replace(allocation, num_layers=10**15, placements=odd))
    assert "\\x1b[31mred\\nline\\ud800 (alternative 3)" in text
    assert max(map(len, text.splitlines())) <= 80
    assert text.isascii()
