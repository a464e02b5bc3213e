from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import shoal
from shoal.rasp import SOp, numerical, tokens
from shoal_analysis.fuzzing.oracles import Difference, Verdict, compare_results, examine
from shoal_analysis.fuzzing.programs import CHECKS
from tests.analysis.fuzzing.making import make_case

NOT_A_VALUE = "no value of any program"


@pytest.mark.parametrize(
    ("sop", "wanted", "result"),
    [
        (tokens, [1, 2], [1, 3]),
        (tokens, [1, 2], [1]),
        (tokens, [None], [0]),
        (tokens, [0], [None]),
        (tokens, [1000.0], [1000.05]),
        (tokens, [1], [1.00005]),
        (numerical(tokens), [None], [0]),
        (numerical(tokens), [0.5], [0.5003]),
    ],
)
def test_a_wrong_result_is_a_difference(sop: SOp, wanted: list[Any], result: list[Any]) -> None:
    with pytest.raises(Difference) as caught:
        compare_results("numpy", sop, [(["x"], wanted)], [result])
    assert caught.value.stage == "numpy"
    assert repr(wanted) in str(caught.value)
    assert repr(result) in str(caught.value)


@pytest.mark.parametrize(
    ("sop", "wanted", "result"),
    [
        (tokens, [1, None, "a"], [1, None, "a"]),
        (tokens, [True, 0.1 + 0.2], [1.0, 0.3]),
        (numerical(tokens), [0.5, 1000], [0.50005, 1000.05]),
    ],
)
def test_rounding_is_no_difference(sop: SOp, wanted: list[Any], result: list[Any]) -> None:
    compare_results("numpy", sop, [(["x"], wanted)], [result])


def test_the_shortest_wrong_input_is_shown() -> None:
    expected: list[Any] = [(["a", "b"], [1, 1]), (["b"], [1]), (["a"], [1])]
    with pytest.raises(Difference, match=r"on \['b'\] got \[2\]"):
        compare_results("craft", tokens, expected, [[2, 2], [2], [1]])


def test_a_program_that_agrees() -> None:
    case = make_case(checks=CHECKS)
    verdict = examine(case)
    model = shoal.compile(case.build(), vocab=case.vocab, max_seq_len=3)
    assert verdict == Verdict(
        "agrees",
        inputs=len(case.inputs()),
        layers=model.num_layers,
        operations=len(model.allocation.placements),
    )


@pytest.mark.slow
def test_a_program_that_agrees_on_haiku() -> None:
    assert examine(make_case(), haiku=True).haiku


def test_a_program_that_is_refused() -> None:
    verdict = examine(
        make_case(
            "s0 = Select(tokens, tokens, Comparison.TRUE)\n"
            "v1 = Aggregate(s0, tokens)\nv2 = Map(as_text, v1)",
            vocab=tuple(2.0**-n for n in range(12)),
            max_seq_len=12,
        )
    )
    assert verdict.outcome == "refused"
    assert verdict.kind == "too many different values"
    assert "averages 0.000488281 .. 1" in verdict.reason


def test_a_program_that_is_undefined() -> None:
    """0 / 0 stands at the first position of every input."""
    assert examine(make_case("v0 = SequenceMap(quotient, indices, indices)")).outcome == "undefined"


def test_a_crash_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*arguments: Any, **options: Any) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(shoal, "compile", crash)
    with pytest.raises(KeyError):
        examine(make_case())


def is_numpy(model: shoal.Model, backend: str) -> bool:
    return backend == "numpy"


def is_craft(model: shoal.Model, backend: str) -> bool:
    return backend == "craft"


def is_longer(model: shoal.Model, backend: str) -> bool:
    return model.options.max_seq_len > 3


def is_renamed(model: shoal.Model, backend: str) -> bool:
    return "token 0" in model.options.vocab


def is_critical_path(model: shoal.Model, backend: str) -> bool:
    return model.options.allocator == "critical-path"


@pytest.mark.parametrize(
    ("is_wrong", "stage"),
    [
        (is_numpy, "numpy"),
        (is_craft, "craft"),
        (is_longer, "longer max_seq_len"),
        (is_renamed, "renamed tokens"),
        (is_critical_path, "numpy under critical-path"),
    ],
)
def test_a_model_that_is_wrong_is_told_by_stage(
    is_wrong: Callable[[shoal.Model, str], bool], stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    correct = shoal.Model.run_batch

    def run_batch(model: shoal.Model, sequences: Any, backend: str = "numpy") -> Any:
        results = correct(model, sequences, backend)
        if is_wrong(model, backend):
            results[-1][-1] = NOT_A_VALUE
        return results

    monkeypatch.setattr(shoal.Model, "run_batch", run_batch)
    with pytest.raises(Difference, match=NOT_A_VALUE) as caught:
        examine(make_case(checks=("allocators", "rename", "longer")))
    assert caught.value.stage == stage


def test_single_runs_that_differ_from_batches_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shoal.Model, "run", lambda model, tokens: [NOT_A_VALUE] * len(tokens))
    with pytest.raises(Difference, match=NOT_A_VALUE) as caught:
        examine(make_case(checks=("batch",)))
    assert caught.value.stage == "batch"


def test_weights_that_differ_when_compiled_again_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    correct, calls = shoal.compile, []

    def compile_differently(program: Any, **options: Any) -> shoal.Model:
        model = correct(program, **options)
        calls.append(model)
        model.weights.position_embedding[0, 0] += len(calls)
        return model

    monkeypatch.setattr(shoal, "compile", compile_differently)
    monkeypatch.setattr("shoal_analysis.fuzzing.oracles.compare_results", lambda *_: None)
    with pytest.raises(Difference, match="pos_embed") as caught:
        examine(make_case(checks=("recompile",)))
    assert caught.value.stage == "recompile"
