"""Names of Tracr's ``rasp`` that tools use besides the language."""

from __future__ import annotations

import pytest

from shoal import ProgramError, rasp
from shoal.rasp import causal_eval


def hist() -> rasp.SOp:
    return rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ))


def test_evaluators_evaluate() -> None:
    program = hist()
    assert rasp.DefaultRASPEvaluator().evaluate(program, ["a", "b", "a"]) == [2, 1, 2]
    assert causal_eval.evaluate(program, ["a", "b", "a"]) == [1, 1, 2]
    assert causal_eval.CausalEvaluator().evaluate(program, ["a", "a"]) == [1, 2]
    assert issubclass(rasp.DefaultRASPEvaluator, rasp.RASPEvaluator)


def test_annotators_say_what_holds_by_default() -> None:
    assert rasp.default_name(rasp.tokens) == "tokens"
    assert rasp.default_name(hist().named("h")) == "selector_width"
    assert rasp.default_encoding(hist()) is rasp.Encoding.CATEGORICAL
    assert set(rasp.DEFAULT_ANNOTATORS) == {"encoding", "name"}
    with pytest.raises(ProgramError, match="is no s-op"):
        rasp.default_encoding(rasp.Select(rasp.tokens, rasp.tokens, max))  # type: ignore[arg-type]
    with pytest.raises(ProgramError, match="is no expression"):
        rasp.default_name(5)  # type: ignore[arg-type]


def test_expressions_have_numbers_of_their_own() -> None:
    first, second = hist(), hist()
    assert first.unique_id == first.unique_id != second.unique_id


def test_maps_of_maps_are_one_unless_told() -> None:
    inner = rasp.Map(str.upper, rasp.tokens)
    assert rasp.Map(len, inner).inner is rasp.tokens
    assert rasp.Map(len, inner, simplify=False).inner is inner
