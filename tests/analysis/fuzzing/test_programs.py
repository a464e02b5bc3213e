from __future__ import annotations

from collections import Counter

import pytest

from shoal.errors import EvaluationError
from shoal_analysis.fuzzing.cases import POOL, Case
from shoal_analysis.fuzzing.programs import CHECKS, random_cases
from shoal_analysis.fuzzing.statistics import KINDS
from shoal_solvers import SOLVERS

MOST_TRIVIAL = 0.35
"""Share of programs that result in one and the same value on all inputs, or in none at all."""


def distinct_results(case: Case) -> int:
    """How many different values the program results in, over all inputs on which it does."""
    program, seen = case.build(), set()
    for tokens in case.inputs():
        try:
            seen.update(map(repr, program(tokens, causal=case.options.causal)))
        except EvaluationError:
            continue
    return len(seen)


@pytest.mark.slow
def test_results_are_rarely_the_same_on_all_inputs(sample: list[Case]) -> None:
    trivial = sum(distinct_results(case) <= 1 for case in sample)
    assert trivial / len(sample) <= MOST_TRIVIAL


def test_results_are_rarely_none(sample: list[Case]) -> None:
    """Programs that only ever result in None, or raise on everything, test little."""
    values = [set(_results(case)) for case in sample]
    assert sum(v <= {"None"} for v in values) / len(sample) <= 0.2
    assert sum("None" in v for v in values) >= 5


def _results(case: Case) -> list[str]:
    found: list[str] = []
    for tokens in case.inputs():
        try:
            found += map(repr, case.build()(tokens, causal=case.options.causal))
        except EvaluationError:
            continue
    return found


def test_programs_differ(sample: list[Case]) -> None:
    sources = Counter(case.source() for case in sample)
    assert len(sources) >= len(sample) / 3
    assert len({case.vocab for case in sample}) >= 8


def test_programs_use_all_that_there_is(sample: list[Case]) -> None:
    text = "\n".join(case.source() for case in sample)
    assert [kind for kind in KINDS if kind not in text] == []
    assert sum(name in text for name in POOL) >= len(POOL) / 2
    for symbol in (" & ", " | ", "= ~", "length"):
        assert symbol in text


def test_options_take_all_values(sample: list[Case]) -> None:
    options = [case.options for case in sample]
    assert {o.allocator for o in options} == set(SOLVERS)
    assert {o.causal for o in options} == {True, False}
    assert {o.reuse for o in options} == {True, False}
    assert {"all", "none"} <= {o.passes for o in options}
    assert {check for o in options for check in o.checks} == set(CHECKS)
    assert any(slack is not None for o in options for slack in o.slack)


@pytest.mark.slow
def test_programs_depend_on_the_seed_alone() -> None:
    assert random_cases(20, 7) == random_cases(20, 7)
    assert random_cases(20, 7) != random_cases(20, 8)
