"""Problems that say the same have one identity, whatever their order; all others differ."""

import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal_solvers import (
    AllocationProblem,
    Budgets,
    OutputChoice,
    problem_from_json,
    problem_identity,
    problem_to_json,
    solve,
    violations,
)
from tests.solvers.problems import budgets, chain, fan, problems

CHOICE = OutputChoice("out", (("a", "b"), ("c",)))


@settings(max_examples=50, deadline=None)
@given(problems(), budgets(), st.randoms(use_true_random=False))
def test_order_and_name_do_not_count(problem, limits, random) -> None:  # type: ignore[no-untyped-def]
    def shuffled(items):  # type: ignore[no-untyped-def]
        return tuple(random.sample(items, len(items)))

    problem = problem.with_budgets(limits)
    other = AllocationProblem(
        variables=shuffled(problem.variables),
        operations=tuple(
            replace(
                o,
                writes=shuffled(o.writes),
                alternatives=tuple(replace(a, reads=shuffled(a.reads)) for a in o.alternatives),
            )
            for o in shuffled(problem.operations)
        ),
        budgets=problem.budgets,
        name="another name",
        choices=tuple(
            replace(c, options=tuple(map(shuffled, c.options))) for c in shuffled(problem.choices)
        ),
    )
    assert problem_identity(other) == problem_identity(problem)
    allocation = solve(problem.with_budgets(Budgets()), "critical-path").allocation
    assert not list(violations(other.with_budgets(Budgets()), allocation))


@settings(max_examples=50, deadline=None)
@given(problems())
def test_stays_the_same_through_json(problem: AllocationProblem) -> None:
    assert problem_identity(problem_from_json(problem_to_json(problem))) == problem_identity(
        problem
    )


def changes() -> dict[str, AllocationProblem]:
    """Every field of the chain changed once."""
    x, a, *variables = chain().variables
    first, second, third = chain().operations

    def variable(**fields: object) -> AllocationProblem:
        return replace(chain(), variables=(x, replace(a, **fields), *variables))

    def operation(**fields: object) -> AllocationProblem:
        return replace(chain(), operations=(replace(first, **fields), second, third))

    def last(*alternatives: object) -> AllocationProblem:
        return replace(
            chain(),
            operations=(first, second, replace(third, alternatives=alternatives)),
        )

    one, two = third.alternatives
    return {
        "width": variable(width=4),
        "erase_neurons": variable(erase_neurons=4),
        "never erased": variable(erase_neurons=None),
        "is_output": variable(is_output=True),
        "operation": operation(name="makes_a"),
        "kind": operation(kind=second.kind),
        "size": operation(alternatives=(replace(first.alternatives[0], size=2),)),
        "reads": operation(alternatives=(replace(first.alternatives[0], reads=()),)),
        "block": operation(block="copying"),
        "sharing": operation(sharing="previous"),
        "order of alternatives": last(two, one),
        "fewer alternatives": last(one),
        "max_layers": chain(Budgets(max_layers=3)),
        "max_width": chain(Budgets(max_width=3)),
        "max_neurons": chain(Budgets(max_neurons=3)),
        "max_heads": chain(Budgets(max_heads=3)),
        "choice": replace(chain(), choices=(CHOICE,)),
        "order of options": replace(
            chain(), choices=(replace(CHOICE, options=CHOICE.options[::-1]),)
        ),
        "other problem": fan(),
    }


def test_everything_else_counts() -> None:
    identities = {
        what: problem_identity(problem) for what, problem in {"": chain(), **changes()}.items()
    }
    assert len(set(identities.values())) == len(identities), identities


@pytest.mark.parametrize("seed", ["1", "2"])
def test_is_the_same_in_every_process(seed: str) -> None:
    code = (
        "import sys; from shoal_solvers import problem_from_json, problem_identity;"
        "print(problem_identity(problem_from_json(sys.stdin.read())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=problem_to_json(fan()),
        env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == problem_identity(fan())
    assert len(done.stdout.strip()) == 16
