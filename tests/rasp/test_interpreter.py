"""What programs mean: the interpreter, against the definitions and a plain reading of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal import EvaluationError, ProgramError
from shoal.rasp import (
    Aggregate,
    Comparison,
    ConstantSelector,
    ConstantSOp,
    Full,
    LinearSequenceMap,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    evaluate,
    evaluate_all,
    indices,
    length,
    tokens,
)

EVERYTHING = Select(tokens, tokens, Comparison.TRUE)
NOTHING = Select(tokens, tokens, Comparison.FALSE)
EARLIER = Select(indices, indices, Comparison.LT)


def rows(*texts: str) -> list[list[bool]]:
    return [[character == "1" for character in text] for text in texts]


def test_tokens_indices_length_and_constants() -> None:
    assert tokens("abc") == ["a", "b", "c"]
    assert indices("abc") == [0, 1, 2]
    assert length("abc") == [3, 3, 3]
    assert length("abc", causal=True) == [1, 2, 3]
    assert Full(7)("abc") == [7, 7, 7]
    assert ConstantSOp([5, None, "x"])("abc") == [5, None, "x"]


def test_numpy_scalars_become_python_values() -> None:
    result = Map(lambda x: np.int64(x) + 1, tokens)(np.array([1, 2]))
    assert result == [2, 3]
    assert [type(value) for value in result] == [int, int]


def test_select_compares_key_with_query_and_gives_a_row_for_each_query() -> None:
    assert EARLIER("abc") == rows("000", "100", "110")
    assert Select(tokens, indices, lambda key, query: key == query)([1, 0]) == rows("01", "10")


@pytest.mark.parametrize(
    ("comparison", "row"),
    [
        (Comparison.EQ, "010"),
        (Comparison.NEQ, "101"),
        (Comparison.LT, "100"),
        (Comparison.LEQ, "110"),
        (Comparison.GT, "001"),
        (Comparison.GEQ, "011"),
        (Comparison.TRUE, "111"),
        (Comparison.FALSE, "000"),
    ],
)
def test_comparisons_read_key_comparison_query(comparison: Comparison, row: str) -> None:
    assert Select(indices, Full(1), comparison)("abc") == rows(row, row, row)


def test_boolean_combinations_of_selectors() -> None:
    same = Select(tokens, tokens, Comparison.EQ)
    assert (same & EARLIER)("aa") == rows("00", "10")
    assert (same | EARLIER)("ab") == rows("10", "11")
    assert (~(same & EARLIER))("aa") == rows("11", "01")
    assert (~same)("ab") == rows("01", "10")


def test_width_counts_selected_keys() -> None:
    assert SelectorWidth(EARLIER)("abc") == [0, 1, 2]


def test_one_selected_element_is_returned_as_it_is() -> None:
    alone = Select(indices, indices, Comparison.EQ)
    result = Aggregate(alone, tokens)([1, True, "x", (1, 2)])
    assert result == [1, True, "x", (1, 2)]
    assert [type(value) for value in result] == [int, bool, str, tuple]


def test_several_selected_elements_are_averaged() -> None:
    assert Aggregate(EVERYTHING, tokens)([1, 2, True]) == [4 / 3] * 3
    assert Aggregate(EVERYTHING, tokens)([0.1, 0.1, 0.1]) == [0.1] * 3


@pytest.mark.parametrize("default", [None, 0, "none", (1,)])
def test_the_default_stands_where_nothing_is_selected(default: object) -> None:
    assert Aggregate(NOTHING, tokens, default)("ab") == [default, default]


def test_a_selected_none_is_not_replaced_by_the_default() -> None:
    alone = Select(indices, indices, Comparison.EQ)
    assert Aggregate(alone, Full(None), default=0)("ab") == [None, None]


def test_none_flows_through_maps_without_a_call() -> None:
    nothing = Aggregate(NOTHING, tokens)
    assert Map(lambda _: 1, nothing)("ab") == [None, None]
    assert SequenceMap(lambda _x, _y: 1, nothing, tokens)("ab") == [None, None]
    assert SequenceMap(lambda _x, _y: 1, tokens, nothing)("ab") == [None, None]
    assert LinearSequenceMap(nothing, indices, 1, 1)("ab") == [None, None]


def test_none_between_two_composed_maps_stops_there() -> None:
    first = Map(lambda x: None if x == 1 else x, tokens)
    assert Map(lambda x: x + 1, first)([1, 2]) == [None, 3]


@pytest.mark.parametrize(("keys", "queries"), [(Full(None), tokens), (tokens, Full(None))])
def test_none_keys_and_queries_are_errors(keys: object, queries: object) -> None:
    with pytest.raises(EvaluationError, match="None"):
        Select(keys, queries, Comparison.TRUE)("ab")


@pytest.mark.parametrize("values", [["a", "b"], [1, None], [(1,), (2,)]])
def test_only_numbers_can_be_averaged(values: list[object]) -> None:
    with pytest.raises(EvaluationError, match="cannot average"):
        Aggregate(EVERYTHING, ConstantSOp(values))("ab")


def test_a_function_that_raises_is_named_with_its_argument() -> None:
    with pytest.raises(EvaluationError, match=r"1 / x.*ZeroDivisionError.* on 0"):
        Map(lambda x: 1 / x, tokens)([1, 0])


def test_linear_sequence_map_weighs_both_operands() -> None:
    assert LinearSequenceMap(tokens, indices, 2, -1)([5, 5]) == [10, 9]


def test_constants_fit_the_input() -> None:
    with pytest.raises(EvaluationError, match="2 positions"):
        ConstantSOp([1, 2])("a")
    assert ConstantSOp([1, 2], check_length=False)("a") == [1]
    short = ConstantSOp([1, 2], check_length=False)
    assert short("abc") == [1, 2]
    assert (short + indices)("abc") == [1, 3]
    everything = Select(indices, indices, Comparison.TRUE)
    for program in (
        Aggregate(everything, short),
        SelectorWidth(Select(short, indices, Comparison.EQ)),
    ):
        with pytest.raises(
            EvaluationError, match="an operand has 2 values, and the input 3 tokens"
        ):
            program("abc")
    matrix = ConstantSelector([[0, 1], [1, 1]], check_length=False)
    assert matrix("ab") == rows("01", "11")
    assert matrix("a") == rows("0")
    with pytest.raises(EvaluationError):
        ConstantSelector([[1]])("ab")


def test_the_empty_input_gives_the_empty_result() -> None:
    assert SelectorWidth(EVERYTHING)([]) == []
    assert EVERYTHING([]) == []


def test_only_expressions_are_evaluated() -> None:
    with pytest.raises(ProgramError):
        evaluate("tokens", "ab")  # type: ignore[arg-type]


def test_evaluate_all_gives_every_part() -> None:
    program = SelectorWidth(EARLIER)
    values = evaluate_all(program, "ab")
    assert values[id(indices)] == [0, 1]
    assert values[id(program)] == [0, 1]


@given(st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=6), st.integers(0, 255))
def test_under_a_causal_mask_queries_see_no_later_keys(xs: list[int], seed: int) -> None:
    equal, smaller = (Select(tokens, tokens, c) for c in (Comparison.EQ, Comparison.LT))
    combinations = [equal, ~equal, equal & smaller, equal | smaller, ~(equal & ~smaller)]
    selector = combinations[seed % len(combinations)]
    full, seen = np.array(selector(xs)), np.array(evaluate(selector, xs, causal=True))
    assert (seen == np.tril(full)).all()
    assert evaluate(SelectorWidth(selector), xs, causal=True) == list(np.tril(full).sum(axis=1))


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=6), st.sampled_from(list(Comparison)))
def test_aggregates_against_a_plain_reading(xs: list[int], comparison: Comparison) -> None:
    expected: list[object] = []
    for query in range(len(xs)):
        chosen = [xs[key] for key in range(len(xs)) if comparison(xs[key], query)]
        if len(chosen) == 1:
            expected.append(chosen[0])
        else:
            expected.append(sum(chosen) / len(chosen) if chosen else "none")
    assert Aggregate(Select(tokens, indices, comparison), tokens, "none")(xs) == expected
