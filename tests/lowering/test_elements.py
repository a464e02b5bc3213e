"""Elements of tokens are inputs of their own: an embedding is a sum of what each of them gives."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal.errors import EvaluationError, ProgramError, UnsupportedProgramError
from shoal.rasp import (
    Aggregate,
    Comparison,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    TokensType,
    keep,
    numerical,
)

FIRST, SECOND = TokensType(0).named("first"), TokensType(1).named("second")
VOCAB = list(product(range(3), "ab"))
TABLES = st.lists(st.integers(0, 2), min_size=len(VOCAB), max_size=len(VOCAB))


def function_of_both(table: list[int], first: SOp = FIRST) -> SOp:
    numbers = dict(zip(VOCAB, table, strict=True))
    return SequenceMap(lambda a, b: numbers[int(a), b], first, SECOND).named("both")


def largest_interaction(model: shoal.Model) -> float:
    """How far the embedding is off a sum of functions of the elements."""
    rows = dict(zip(model.input_encoder.vocab, model.weights.token_embedding, strict=False))
    return max(
        float(np.abs(rows[a, b] - rows[0, b] - rows[a, "a"] + rows[0, "a"]).max(initial=0.0))
        for a, b in VOCAB
    )


@settings(max_examples=25, deadline=None)
@given(TABLES, st.sampled_from(["all", "none"]), st.booleans(), st.booleans())
def test_functions_of_several_elements_are_computed(
    table: list[int], passes: str, is_kept: bool, is_number: bool
) -> None:
    both = function_of_both(table, numerical(FIRST) if is_number else FIRST)
    program = (keep(both) if is_kept else both) == 1
    model = shoal.compile(program, vocab=VOCAB, max_seq_len=2, passes=passes)
    assert largest_interaction(model) < 1e-6
    for word in ([token] for token in VOCAB):
        assert model.run(word) == program(word)
        if is_kept:
            assert model.read("both", word) == both(word)


def test_a_kept_function_of_an_element_that_is_a_number_is_computed() -> None:
    kept = keep(Map(lambda n: n % 2, numerical(FIRST))).named("kept")
    model = shoal.compile(
        SequenceMap(lambda a, b: (a, b), kept, SECOND), vocab=VOCAB, max_seq_len=1
    )
    rows = dict(zip(model.input_encoder.vocab, model.weights.token_embedding, strict=False))
    assert np.allclose(rows[0, "a"] + rows[2, "a"], 2 * rows[1, "a"])
    assert [model.read("kept", [token]) for token in VOCAB] == [kept([token]) for token in VOCAB]


def test_a_kept_function_of_one_element_is_embedded() -> None:
    model = shoal.compile(keep(Map(lambda n: n % 2, FIRST)), vocab=VOCAB, max_seq_len=1)
    assert model.num_layers == 0


@pytest.mark.parametrize("causal", [False, True])
def test_attention_over_elements_agrees_with_the_interpreter(causal: bool) -> None:
    same = Select(FIRST, SECOND, lambda key, query: key == "ab".index(query))
    for program in (
        SelectorWidth(same),
        Aggregate(Select(SECOND, SECOND, Comparison.EQ), numerical(FIRST)),
    ):
        model = shoal.compile(program, vocab=VOCAB, max_seq_len=3, causal=causal)
        words = [list(word) for n in (1, 3) for word in product(VOCAB[::2], repeat=n)]
        for word, found in zip(words, model.run_batch(words), strict=True):
            assert shoal.contract.all_agree(program(word, causal=causal), found, numerical=True)


def test_one_element_in_two_forms_is_one_input() -> None:
    program = SequenceMap(lambda a, b: (a, b), numerical(FIRST), TokensType(0))
    model = shoal.compile(keep(program), vocab=VOCAB, max_seq_len=1)
    assert [model.run([token]) for token in VOCAB] == [program([token]) for token in VOCAB]


@pytest.mark.parametrize("token", [(1,), 7, (), (1, None), "ab"])
def test_tokens_without_the_element_are_refused(token: Any) -> None:
    with pytest.raises(UnsupportedProgramError, match="give tokens that are tuples"):
        shoal.compile(SECOND, vocab=[(1, 2), token], max_seq_len=2)


def test_the_interpreter_says_which_token_has_no_such_element() -> None:
    with pytest.raises(EvaluationError, match="IndexError"):
        SECOND([(1, 2), (1,)])


@pytest.mark.parametrize("element", [-1, True, "0", 1.0])
def test_what_is_no_number_of_an_element_is_refused(element: Any) -> None:
    with pytest.raises(ProgramError, match="counted from 0"):
        TokensType(element)


def test_elements_are_replaced_while_a_model_runs() -> None:
    program = SequenceMap(lambda a, b: f"{a}{b}", FIRST, SECOND)
    model = shoal.compile(program, vocab=VOCAB, max_seq_len=2)
    assert model.write("first", [(0, "a"), (1, "b")], [2, 0]) == ["2a", "0b"]
    assert model.read("second", [(0, "a"), (1, "b")]) == ["a", "b"]


def test_elements_are_shown_as_they_are_written() -> None:
    assert repr(TokensType(1)) == "TokensType(1)"
    assert repr(TokensType()) == "tokens"
