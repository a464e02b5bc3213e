from __future__ import annotations

from dataclasses import replace

import pytest

from shoal import rasp
from shoal.errors import EvaluationError
from shoal_analysis.fuzzing.cases import POOL, Case, Line, needed
from tests.analysis.fuzzing.making import make_case


def interpreted(case: Case) -> list[list[object] | None]:
    results: list[list[object] | None] = []
    for tokens in case.inputs():
        try:
            results.append(case.build()(tokens, causal=case.options.causal))
        except EvaluationError:
            results.append(None)
    return results


@pytest.mark.slow
def test_sources_build_the_same_programs(sample: list[Case]) -> None:
    for case in sample:
        parsed = replace(case, lines=Line.parse(case.source()))
        assert parsed.source() == case.source()
        assert rasp.listing(parsed.build()) == rasp.listing(case.build())
        assert repr(interpreted(parsed)) == repr(interpreted(case))


@pytest.mark.slow
def test_sources_have_no_line_that_nothing_needs(sample: list[Case]) -> None:
    for case in sample:
        assert len(case.source().splitlines()) == len(needed(case.lines))
        names = [line.name for line in Line.parse(case.source())]
        for name in names[:-1]:
            assert any(name in line.uses for line in Line.parse(case.source()))


def test_needed_leaves_out_what_the_result_does_not_read() -> None:
    case = make_case("v0 = tokens\nv1 = indices\nv2 = Map(add_one, v1)")
    assert case.source() == "v1 = indices\nv2 = Map(add_one, v1)"


def test_another_s_op_can_stand_in_for_tokens() -> None:
    case = make_case("v0 = Map(as_text, tokens)", vocab=(1, 2))
    doubled = case.build(rasp.Map(POOL["double"], rasp.tokens))
    assert case.build()([1, 2]) == ["1", "2"]
    assert doubled([1, 2]) == ["2", "4"]


@pytest.mark.slow
def test_inputs_fit_the_model_and_reach_its_greatest_length(sample: list[Case]) -> None:
    for case in sample:
        inputs = case.inputs()
        lengths = [len(tokens) for tokens in inputs]
        assert len(inputs) >= 8
        assert min(lengths) == 1
        assert max(lengths) == case.options.max_seq_len
        assert all(token in case.vocab for tokens in inputs for token in tokens)
        assert inputs == case.inputs()


@pytest.mark.parametrize("name", sorted(POOL))
def test_functions_of_programs_say_what_they_do(name: str) -> None:
    assert POOL[name].__doc__
    assert POOL[name].__name__ == name
