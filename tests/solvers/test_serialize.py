"""JSON out and in again gives the same; wrong JSON is refused with its place."""

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from shoal_solvers import (
    AllocationProblem,
    Budgets,
    InvalidAllocationError,
    InvalidProblemError,
    check,
    problem_identity,
    solve,
)
from shoal_solvers.serialize import (
    allocation_from_json,
    allocation_to_json,
    problem_from_json,
    problem_to_json,
    result_from_json,
    result_to_json,
    solution_from_json,
)
from tests.solvers.problems import chain, fan, problems


@settings(max_examples=50, deadline=None)
@given(problems(most_operations=8))
def test_problems_come_back_equal(problem: AllocationProblem) -> None:
    assert problem_from_json(problem_to_json(problem)) == problem


@settings(max_examples=50, deadline=None)
@given(problems(most_operations=8))
def test_solutions_come_back_equal_and_name_their_problem(problem: AllocationProblem) -> None:
    result, identity = solve(problem, "critical-path"), problem_identity(problem)
    of_result, of_allocation = (
        result_to_json(result, problem),
        allocation_to_json(result.allocation, problem),
    )
    named = replace(result, problem=identity)
    assert result_from_json(of_result, problem) == named
    assert allocation_from_json(of_allocation, problem) == result.allocation
    assert solution_from_json(of_result) == (named, identity)
    assert solution_from_json(of_allocation) == (result.allocation, identity)
    assert result_to_json(named) == of_result


def test_sharing_is_written_only_where_it_is_set() -> None:
    assert "sharing" not in problem_to_json(chain())
    assert problem_to_json(fan()).count('"sharing": "selector"') == 3


def test_allocations_and_results_come_back_equal() -> None:
    result = solve(chain())
    assert allocation_from_json(allocation_to_json(result.allocation)) == result.allocation
    assert result_from_json(result_to_json(result)) == result


def changed(path: list[str | int], value: object) -> str:
    """The chain with one place of its JSON replaced."""
    data = json.loads(problem_to_json(chain()))
    spot = data
    for step in path[:-1]:
        spot = spot[step]
    spot[path[-1]] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "no valid JSON: Expecting property name enclosed in double quotes at line 1"),
        ("[]", "the problem should be an object with the fields name, variables"),
        ('{"variables": []}', "the problem lacks the field 'operations'; add it"),
        (changed(["color"], 1), "the problem has unknown fields: color"),
        (changed(["name"], 3), "field 'name' of the problem should be a text"),
        (changed(["variables"], {}), "field 'variables' of the problem should be a list"),
        (
            changed(["variables", 1, "width"], "wide"),
            "'width' of item 1 of 'variables' of the problem should be a whole number, "
            'but is a text ("wide")',
        ),
        (changed(["variables", 0, "width"], True), "should be a whole number, but is true or"),
        (changed(["variables", 0, "erase_neurons"], 1.5), "a whole number or null, but is a numb"),
        (changed(["operations", 2, "kind"], "conv"), "is 'conv'; known kinds: attention, mlp"),
        (changed(["operations", 0, "writes"], [1]), "'writes' of item 0 of 'operations'"),
        (
            changed(["operations", 0, "alternatives", 0, "size"], None),
            "'size' of item 0 of 'alternatives' of item 0 of 'operations'",
        ),
        (changed(["operations", 0, "sharing"], 1), "'sharing' of item 0 of 'operations' of the pr"),
        (changed(["budgets", "max_wit"], 3), "'budgets' of the problem has unknown fields"),
        (changed(["budgets", "max_width"], 0), "budget max_width is 0"),
    ],
)
def test_refuses(text: str, expected: str) -> None:
    with pytest.raises(InvalidProblemError) as error:
        problem_from_json(text)
    assert expected in str(error.value)


def test_refuses_wrong_allocations_and_results() -> None:
    data = json.loads(result_to_json(solve(chain())))
    data["objectives"][0]["status"] = "great"
    with pytest.raises(InvalidProblemError, match="is 'great'; known: optimal"):
        result_from_json(json.dumps(data))
    data["objectives"][0]["status"] = "optimal"
    for seconds in (10**400, -1.0):
        data["seconds"] = seconds
        with pytest.raises(InvalidProblemError, match="'seconds' of the result"):
            result_from_json(json.dumps(data))
    data["allocation"]["columns"]["x"] = ["left"]
    with pytest.raises(InvalidProblemError, match="columns of 'x' in the allocation"):
        allocation_from_json(json.dumps(data["allocation"]))


def test_refuses_sizes_that_would_take_all_memory() -> None:
    for path, size, expected in (
        (["variables", 0, "width"], 10**9, "1,000,000,008 columns together; at most 1,000,000"),
        (["variables", 0, "width"], 10**30, "has width 1000000000000000000000000000000"),
        (["variables", 0, "erase_neurons"], 10**30, "has erase_neurons 1000"),
        (["operations", 0, "alternatives", 0, "size"], 2**63, "has size 9223372036854775808"),
        (["budgets", "max_width"], 2**63, "budget max_width is 9223372036854775808"),
    ):
        tracemalloc.start()
        try:
            with pytest.raises(InvalidProblemError, match=expected):
                problem_from_json(changed(path, size))
            assert tracemalloc.get_traced_memory()[1] < 2**20
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5_000, "cannot be read"),
        ("", "no valid JSON"),
        ("7", "should be an object .*, but is a whole number [(]7[)]"),
        ('["x", 1]', "should be an object .*, but is a list of 2 items"),
        ('"' + "x" * 10**7 + '"', 'but is a text [("]{2}x{39}[)]$'),
        ("{" + ", ".join(f'"{i:07}": 0' for i in range(10**5)) + "}", "0000007 and 99,992 more; k"),
        ('{"name": "x", "name": "y"}', "has an object with the field 'name' twice; keep one"),
        ('{"name": NaN}', "has no NaN; give a finite number"),
        ('{"name": -Infinity}', "has no -Infinity"),
        ('{"\\u001b[31m": 1}', r"has unknown fields: \\x1b\[31m"),
    ],
    ids=[
        *("nested", "long number", "empty", "number", "list", "long text", "many fields"),
        *("twice", "NaN", "infinity", "terminal code"),
    ],
)
def test_refuses_what_python_cannot_read(text: str, expected: str) -> None:
    for read in (problem_from_json, allocation_from_json, result_from_json):
        with pytest.raises(InvalidProblemError, match=expected):
            read(text)
        with pytest.raises(InvalidProblemError, match="no JSON text, but dict"):
            read({"text": text})  # type: ignore[arg-type]


def test_an_allocation_from_elsewhere_is_checked_soon() -> None:
    data = json.loads(allocation_to_json(solve(chain()).allocation))
    data["num_layers"] = 10**15
    with pytest.raises(InvalidAllocationError, match="of which at most"):
        check(chain(), allocation_from_json(json.dumps(data)))


STORED = Path(__file__).parent / "stored"
"""The chain in at most three layers and what was found, as written before there were versions."""


def test_what_was_written_without_a_version_is_read() -> None:
    problem_text, allocation_text, result_text = (
        (STORED / f"{what}_without_version.json").read_text()
        for what in ("problem", "allocation", "result")
    )
    problem = problem_from_json(problem_text)
    assert problem == chain(Budgets(max_layers=3))
    result = result_from_json(result_text, problem)
    assert result.problem == ""
    assert allocation_from_json(allocation_text, problem) == result.allocation
    assert check(problem, result.allocation) == result.costs
    assert solution_from_json(result_text) == (result, "")
    assert solution_from_json(allocation_text) == (result.allocation, "")


RESULT = solve(chain(), "critical-path")
TEXTS = {
    problem_from_json: problem_to_json(chain()),
    allocation_from_json: allocation_to_json(RESULT.allocation, chain()),
    result_from_json: result_to_json(RESULT, chain()),
}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"version": 2}, "is of version 2, but this version of Shoal reads 'shoal allocation.*' up "
         "to version 1; take a newer Shoal, or have it written by this one"),
        ({"version": 0}, "is of version 0; versions are whole numbers from 1 on"),
        ({"version": True}, "field 'version' of .* should be a whole number, but is true or"),
        ({"version": "1"}, "field 'version' of .* should be a whole number, but is a text"),
        ({"version": None}, "lacks the field 'version'; add it"),
        ({"format": None}, "lacks the field 'format'; add it"),
        ({"format": 1}, "field 'format' of .* should be a text"),
        ({"format": "graph"}, "is of format 'graph', but should be of format 'shoal allocation.*'; "
         "give what is of format 'shoal allocation"),
        ({"format": "graph", "nodes": []}, "is of format 'graph'"),
        ({"version": 2, "nodes": []}, "is of version 2"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("read", TEXTS, ids=lambda read: read.__name__)
def test_refuses_other_formats_and_newer_versions(read, header, expected) -> None:  # type: ignore[no-untyped-def]
    data = {**json.loads(TEXTS[read]), **header}
    text = json.dumps({name: value for name, value in data.items() if value is not None})
    with pytest.raises(InvalidProblemError, match=expected):
        read(text)


@pytest.mark.parametrize("read", TEXTS, ids=lambda read: read.__name__)
@pytest.mark.parametrize("right", TEXTS, ids=lambda read: read.__name__)
def test_says_how_to_read_what_is_of_another_kind(read, right) -> None:  # type: ignore[no-untyped-def]
    if read is right:
        assert json.loads(TEXTS[read])["version"] == 1
        read(TEXTS[read])
        return
    with pytest.raises(InvalidProblemError, match=f"; read it by {right.__name__}$"):
        read(TEXTS[right])


def test_refuses_solutions_of_another_problem_and_names_both() -> None:
    here, there = problem_identity(chain()), problem_identity(fan())
    expected = (
        f"belongs to the problem with identity {here}, not to 'fan', whose identity is {there}"
    )
    for read in (allocation_from_json, result_from_json):
        with pytest.raises(InvalidProblemError, match=expected):
            read(TEXTS[read], fan())
    with pytest.raises(InvalidProblemError, match=expected):
        result_to_json(replace(RESULT, problem=here), fan())


def test_a_solution_that_names_no_problem_may_belong_to_any() -> None:
    text = result_to_json(replace(RESULT, problem=""))
    assert "problem" not in json.loads(text)
    assert result_from_json(text, fan()) == replace(RESULT, problem="")
