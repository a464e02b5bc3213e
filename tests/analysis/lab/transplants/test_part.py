"""Parts say what they have, and refuse what they cannot be made of."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from shoal.errors import InvalidInputError, ProgramError, UnsupportedProgramError
from shoal.rasp import Map, SequenceMap, categorical, keep, tokens
from shoal_analysis.lab.transplants import LinearMap, Numbers, part_of
from tests.analysis.lab.transplants.examples import count_of


def test_the_embedding_is_the_sum_of_what_inputs_add() -> None:
    part = part_of(
        lambda count, letter: keep(SequenceMap(lambda n, x: f"{n}{x}", count, letter)),
        inputs={"count": Numbers(range(3)), "letter": "abc"},
        max_seq_len=2,
    )
    for number, (count, letter) in enumerate(part.model.input_encoder.vocab):
        row = part.model.weights.token_embedding[number]
        added = [
            part.inputs["count"].of([count]) @ part.inputs["count"].embedding,
            part.inputs["letter"].of([letter]) @ part.inputs["letter"].embedding,
        ]
        assert np.allclose(part.bias + sum(added)[0], row, atol=1e-5)


def test_inputs_of_many_values_are_told_apart() -> None:
    part = part_of(
        lambda a, b: SequenceMap(lambda x, y: (x + y) % 5, a, b),
        inputs={"a": range(50), "b": range(40)},
        max_seq_len=2,
    )
    assert part.run(a=[49, 7], b=[39, 8]) == [3, 0]
    added = [part.inputs[name].of([7]) @ part.inputs[name].embedding for name in "ab"]
    number = part.model.input_encoder.vocab.index((7, 7))
    assert np.allclose(part.bias + sum(added)[0], part.model.weights.token_embedding[number])


def test_a_code_takes_no_neurons_where_one_hots_do() -> None:
    code, one_hot = (
        part_of(count_of, inputs={"letter": "abc"}, max_seq_len=4, result=result)
        for result in ("code", "one-hot")
    )
    assert not [part for part in code.model.atlas.parts if part.kind == "neurons"]
    assert [part for part in one_hot.model.atlas.parts if part.kind == "neurons"]
    assert code.outputs["result"].coordinates.size == 1
    assert one_hot.outputs["result"].coordinates.size == 4


def test_outputs_have_the_names_of_what_is_kept_and_the_result() -> None:
    part = part_of(
        lambda letter: keep(count_of(letter)).named("result") % 2,
        inputs={"letter": "abc"},
        max_seq_len=3,
    )
    assert list(part.outputs) == ["map", "result"]
    assert part.outputs["result"].coordinates.values == (1, 2, 3)


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({}, "name at least one, with its values"),
        ({"x": ""}, "has no values"),
        ({"x": 3}, "give a list of them"),
        ({"x": Numbers("ab")}, "list it as one of several categories"),
        ({"x": [None]}, "stands for no value"),
        ({"x": [[1]]}, "is not hashable"),
        ({"x": [float("nan")]}, "not equal to itself"),
        ({"two words": "ab"}, "a name that an argument can have"),
        ({"y": "ab"}, "give its arguments the inputs' names"),
        ({"x": range(50), "y": range(50)}, "50 x 50 = 2,500 combinations"),
    ],
)
def test_inputs_that_make_no_sense_are_refused(inputs: Any, says: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        part_of(lambda x: x, inputs=inputs, max_seq_len=2)
    assert says in str(caught.value)


def test_programs_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"give `lambda x: \.\.\.`"):
        part_of(tokens, inputs={"x": "ab"}, max_seq_len=2)
    with pytest.raises(InvalidInputError, match="reads `tokens`, which a part has none of"):
        part_of(
            lambda x, y: SequenceMap(max, tokens, x), inputs={"x": "a", "y": "b"}, max_seq_len=2
        )
    with pytest.raises(ProgramError):
        part_of(lambda x: 3, inputs={"x": "ab"}, max_seq_len=2)
    with pytest.raises(InvalidInputError, match="drop `vocab`"):
        part_of(lambda x: x, inputs={"x": "ab"}, max_seq_len=2, vocab="ab")
    with pytest.raises(InvalidInputError, match="None on every input"):
        part_of(lambda x: Map(lambda v: None, x), inputs={"x": "ab"}, max_seq_len=2)


def test_what_a_number_does_not_give_linearly_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="is no sum over its inputs"):
        part_of(
            lambda x, y: SequenceMap(lambda a, b: a + b, keep(categorical(x)).named("c"), y),
            inputs={"x": Numbers(range(4)), "y": [0, 1]},
            max_seq_len=2,
        )


def test_refusals_of_the_compiler_point_to_no_line_of_shoal() -> None:
    with pytest.raises(UnsupportedProgramError) as caught:
        part_of(
            lambda x: Map(lambda v: v % 2, x), inputs={"x": Numbers([1, 2, 100_000])}, max_seq_len=2
        )
    assert "inputs.py" not in str(caught.value)


def test_running_a_part_needs_every_input_once_for_each_position() -> None:
    part = part_of(
        lambda x, y: SequenceMap(max, x, y), inputs={"x": "ab", "y": "ab"}, max_seq_len=3
    )
    assert part.run(x="aab", y="bab") == ["b", "a", "b"]
    for inputs, says in (
        ({"x": "ab"}, "'y' is missing"),
        ({"x": "a", "y": "b", "z": "c"}, "no input 'z'"),
        ({"x": "ab", "y": "a"}, "x has 2, y has 1"),
        ({"x": "c", "y": "a"}, "token"),
    ):
        with pytest.raises(InvalidInputError, match=says):
            part.run(**inputs)


def test_missing_torch_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    part = part_of(count_of, inputs={"letter": "ab"}, max_seq_len=2)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "shoal.targets.in_torch", raising=False)
    with pytest.raises(InvalidInputError, match=r"pip install 'shoal\[torch\]'"):
        part.to_torch({"letter": LinearMap(np.eye(4, 2))}, {"result": LinearMap(np.eye(2, 4))})
