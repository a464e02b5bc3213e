"""Building programs: operators, immutability, annotations, and what is refused."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from shoal import ProgramError, rasp
from shoal.rasp import (
    Aggregate,
    Comparison,
    ConstantSelector,
    Encoding,
    Full,
    LinearSequenceMap,
    Map,
    Select,
    SelectorNot,
    SelectorWidth,
    SequenceMap,
    annotate,
    categorical,
    get_encoding,
    indices,
    is_categorical,
    is_numerical,
    keep,
    numerical,
    selector_not,
    sop_not,
    tokens,
)

SELECTOR = Select(tokens, tokens, Comparison.EQ)

NAMES_IN_TRACR = [
    "tokens", "indices", "length", "Map", "SequenceMap", "LinearSequenceMap", "Full",
    "Select", "SelectorWidth", "SelectorAnd", "SelectorOr", "SelectorNot", "Aggregate",
    "Comparison", "ConstantSOp", "ConstantSelector", "numerical", "categorical", "annotate",
    "evaluate", "SOp", "Selector", "RASPExpr", "Encoding", "TokensType", "IndicesType",
    "LengthType", "is_numerical", "is_categorical", "get_encoding", "selector_and",
    "selector_or", "selector_not", "sop_not", "Value", "SelectorValue",
]  # fmt: skip

OPERATORS: list[Callable[[Any, Any], Any]] = [
    operator.lt,
    operator.le,
    operator.eq,
    operator.ne,
    operator.gt,
    operator.ge,
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
]


@pytest.mark.parametrize("apply", OPERATORS)
def test_operators_work_elementwise_on_either_side(apply: Callable[[Any, Any], Any]) -> None:
    xs = [1, 2, 5, 3]
    assert apply(tokens, 3)(xs) == [apply(x, 3) for x in xs]
    assert apply(3, tokens)(xs) == [apply(3, x) for x in xs]
    assert apply(tokens, indices + 1)(xs) == [apply(x, i + 1) for i, x in enumerate(xs)]


def test_and_or_not_are_pythons() -> None:
    xs = [0, 1, 2]
    assert (tokens & "y")(xs) == [0, "y", "y"]
    assert ("y" & tokens)(xs) == [0, 1, 2]
    assert (tokens | "y")(xs) == ["y", 1, 2]
    assert ("y" | tokens)(xs) == ["y", "y", "y"]
    assert (tokens & indices)(xs) == [0, 1, 2]
    assert (~tokens)(xs) == sop_not(tokens)(xs) == [True, False, False]
    assert (-tokens)(xs) == [0, -1, -2]


@pytest.mark.parametrize(
    "build",
    [
        lambda: tokens + SELECTOR,
        lambda: tokens & SELECTOR,
        lambda: SELECTOR & tokens,
        lambda: SELECTOR | 5,
        lambda: tokens == SELECTOR,
        lambda: Map(tokens, len),
        lambda: Map(5, tokens),
        lambda: SequenceMap(max, tokens, 5),
        lambda: LinearSequenceMap(tokens, tokens, "a", 1),
        lambda: LinearSequenceMap(tokens, SELECTOR, 1, 1),
        lambda: Full([1]),
        lambda: Aggregate(tokens, tokens),
        lambda: Aggregate(SELECTOR, SELECTOR),
        lambda: Aggregate(SELECTOR, tokens, default=[]),
        lambda: SelectorWidth(tokens),
        lambda: Select(tokens, SELECTOR, Comparison.EQ),
        lambda: Select(tokens, tokens, "=="),
        lambda: SelectorNot(tokens),
        lambda: ConstantSelector([[1], [0]]),
        lambda: numerical(SELECTOR),
        lambda: keep(SELECTOR),
        lambda: tokens.named(""),
        lambda: tokens.named(3),
        lambda: get_encoding(tokens.annotated(encoding="one-hot")),
    ],
)
def test_bad_constructions_say_what_is_wrong(build: Callable[[], Any]) -> None:
    with pytest.raises(ProgramError, match=r".{20}"):
        build()


def test_expressions_are_immutable() -> None:
    with pytest.raises(FrozenInstanceError):
        SELECTOR.keys = indices  # type: ignore[misc]
    with pytest.raises(TypeError):
        tokens.annotations["name"] = "x"  # type: ignore[index]


def test_annotating_gives_a_copy() -> None:
    plain = Map(str, tokens)
    named = plain.named("text")
    marked = annotate(named, note=1)
    assert named is not plain
    assert (plain.name, named.name, marked.label) == ("map", "text", "text")
    assert (plain.is_named, marked.is_named) == (False, True)
    assert marked.annotations["note"] == 1
    assert "note" not in named.annotations
    assert named.copy() is not named
    assert named.copy().annotations == named.annotations


@pytest.mark.parametrize(
    "expression",
    [
        Map(lambda x: x + 1, tokens),
        SequenceMap(max, tokens, indices),
        LinearSequenceMap(tokens, indices, 2, 3),
        Aggregate(SELECTOR, tokens, default=0),
        SelectorWidth(SELECTOR),
        Full(3),
    ],
)
def test_copies_mean_the_same(expression: rasp.SOp) -> None:
    assert expression.named("x")([1, 2]) == expression([1, 2]) == expression.copy()([1, 2])


def test_encodings() -> None:
    assert get_encoding(tokens) is Encoding.CATEGORICAL
    assert is_numerical(numerical(tokens))
    assert is_categorical(categorical(numerical(tokens)))
    assert is_numerical(tokens.annotated(encoding="numerical"))


def test_a_map_of_an_unannotated_map_is_one_map() -> None:
    twice = Map(lambda x: x + 1, Map(lambda x: 2 * x, tokens))
    assert twice.inner is tokens
    assert twice([1, 2]) == [3, 5]
    named = Map(lambda x: 2 * x, tokens).named("double")
    assert Map(lambda x: x + 1, named).inner is named
    inner = Map(lambda x: 2 * x, tokens)
    assert Map(lambda x: x + 1, inner, simplify=False).inner is inner


@pytest.mark.parametrize("comparison", list(Comparison))
def test_the_complement_selects_what_a_selector_does_not(comparison: Comparison) -> None:
    selector = Select(tokens, tokens, comparison)
    sets = [frozenset(), frozenset({1}), frozenset({2})]  # neither of the last two is less
    for xs in ([0, 0], [1, 1], [2, 0], sets, [float("nan"), 1.0]):
        selected = selector(xs)
        for complement in (~selector, selector_not(selector), SelectorNot(selector)):
            assert complement(xs) == [[not here for here in row] for row in selected]


def test_a_complement_does_not_take_the_name_of_what_it_negates() -> None:
    named = Select(tokens, tokens, Comparison.LT).named("less")
    assert not (~named).is_named
    assert repr(~named) == "~less"


def test_s_ops_are_hashable_and_equality_builds_a_program() -> None:
    assert len({tokens, indices, tokens}) == 2
    assert isinstance(tokens == 1, rasp.SOp)


def test_the_names_of_tracrs_module_are_there() -> None:
    assert set(NAMES_IN_TRACR) <= set(rasp.__all__)
    assert all(hasattr(rasp, name) for name in NAMES_IN_TRACR)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: tokens and indices,
        lambda: not tokens,
        lambda: 0 < indices < 3,  # type: ignore[operator]
        lambda: 1 if tokens == indices else 2,
        lambda: rasp.Select(tokens, tokens, Comparison.EQ) or tokens,
    ],
)
def test_expressions_are_neither_true_nor_false(wrong: Callable[[], Any]) -> None:
    with pytest.raises(ProgramError, match="neither true nor false"):
        wrong()
