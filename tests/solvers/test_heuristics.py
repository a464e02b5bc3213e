"""The polynomial placements: Tracr's merging rules, and the critical path."""

import pytest
from hypothesis import given, settings

from shoal_solvers import (
    AllocationProblem,
    Alternative,
    Kind,
    Operation,
    Variable,
    check,
    lower_bound_on_layers,
    solve,
)
from shoal_solvers.heuristics import critical_path, drop_needless_erasures, longest_path
from tests.solvers.brute_force import optimum
from tests.solvers.problems import problems


def pipeline(levels: str, blocks: dict[int, str] | None = None) -> AllocationProblem:
    """A chain of operations: ``a`` attention, ``m`` MLP, ``b`` both of them side by side."""
    variables = [Variable("v", 1, is_input=True)]
    operations = []
    reads: tuple[str, ...] = ("v",)
    for number, level in enumerate(levels):
        kinds = {"a": [Kind.ATTENTION], "m": [Kind.MLP], "b": [Kind.ATTENTION, Kind.MLP]}[level]
        written = tuple(f"{kind}{number}" for kind in kinds)
        for name, kind in zip(written, kinds, strict=True):
            is_output = number == len(levels) - 1
            variables.append(Variable(name, 1, is_output=is_output, erase_neurons=1))
            block = (blocks or {}).get(number)
            operations.append(Operation(name, kind, (name,), (Alternative(reads, 1),), block))
        reads = written
    return AllocationProblem(tuple(variables), tuple(operations))


@pytest.mark.parametrize(
    ("levels", "layers"),
    [
        ("a", 1),
        ("m", 1),
        ("am", 1),  # attention only, then MLPs only: they share a layer
        ("ma", 2),
        ("mm", 2),
        ("aa", 2),
        ("amm", 2),  # an MLP level merges only once
        ("amam", 2),
        ("aam", 2),
        ("bm", 2),  # a mixed level is a layer of its own
        ("ab", 2),
        ("abm", 3),
    ],
)
def test_longest_path_merges_levels(levels: str, layers: int) -> None:
    assert longest_path(pipeline(levels)).num_layers == layers


def test_longest_path_takes_a_block_as_one_step() -> None:
    apart, together = pipeline("amm"), pipeline("amm", {0: "width", 1: "width"})
    assert longest_path(apart).num_layers == 2
    assert {n: p.half_layer for n, p in longest_path(together).placements.items()} == {
        "attention0": 0,
        "mlp1": 1,
        "mlp2": 3,
    }


def test_longest_path_erases_nothing() -> None:
    assert not longest_path(pipeline("amamam")).erasures


@settings(max_examples=60, deadline=None)
@given(problems(most_operations=4, most_erasable=0))
def test_critical_path_depth_is_optimal(problem: AllocationProblem) -> None:
    best = optimum(problem, most_layers=4)
    assert best is not None
    assert critical_path(problem).num_layers == best[0] == lower_bound_on_layers(problem)


@settings(max_examples=60, deadline=None)
@given(problems(most_operations=8, most_erasable=8))
def test_heuristics_are_valid(problem: AllocationProblem) -> None:
    for solver in ("longest-path", "critical-path"):
        result = solve(problem, solver)
        assert check(problem, result.allocation) == result.costs


def test_needless_erasures_are_dropped() -> None:
    problem = pipeline("mmm")
    allocation = critical_path(problem)
    assert allocation.erasures == {"mlp0": 3, "mlp1": 5}  # the input may stay: two columns do
    assert check(problem, allocation).width == 2
    assert drop_needless_erasures(problem, allocation) == allocation
