from __future__ import annotations

import pytest

from shoal.rasp import (
    Aggregate,
    Comparison,
    ConstantSelector,
    ConstantSOp,
    Full,
    LinearSequenceMap,
    Map,
    RASPExpr,
    Select,
    SelectorWidth,
    SequenceMap,
    indices,
    keep,
    length,
    listing,
    numerical,
    tokens,
)
from shoal.rasp.library import make_hist, make_reverse

SAME = Select(tokens, tokens, Comparison.EQ)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (tokens, "tokens"),
        (length - 1 - indices, "(length - 1) - indices"),
        (1 - tokens, "1 - tokens"),
        (~tokens, "~tokens"),
        (-tokens, "-tokens"),
        (tokens == "a", "tokens == 'a'"),
        (Full("x"), "Full('x')"),
        (ConstantSOp([1, None]), "ConstantSOp([1, None])"),
        (ConstantSelector([[1]]), "ConstantSelector([[True]])"),
        (Map(len, tokens), "Map(len, tokens)"),
        (SAME, "Select(tokens, tokens, Comparison.EQ)"),
        (SelectorWidth(SAME), "SelectorWidth(Select(tokens, tokens, Comparison.EQ))"),
        (
            Aggregate(SAME & SAME, tokens, default="x"),
            "Aggregate(Select(tokens, tokens, Comparison.EQ) & "
            "Select(tokens, tokens, Comparison.EQ), tokens, default='x')",
        ),
        (LinearSequenceMap(tokens, indices, 1, -1), "LinearSequenceMap(tokens, indices, 1, -1)"),
        (numerical(tokens + 1), "numerical(tokens + 1)"),
        (keep(tokens), "keep(tokens)"),
        ((tokens + 1).named("next"), "(tokens + 1).named('next')"),
        ((tokens + 1).named("next") * indices, "next * indices"),
    ],
)
def test_expressions_read_like_the_program(expression: RASPExpr, text: str) -> None:
    assert repr(expression) == text


def test_lambdas_show_their_source() -> None:
    assert repr(Map(lambda x: x**2 + 1, tokens)) == "Map(lambda x: x ** 2 + 1, tokens)"
    pair = SequenceMap(lambda x, y: (x, y), tokens, indices)
    assert repr(pair) == "SequenceMap(lambda x, y: (x, y), tokens, indices)"
    assert "k < q" in repr(Select(tokens, tokens, lambda k, q: k < q))


def test_a_lambda_without_source_is_shown_without_guessing() -> None:
    assert repr(Map(eval("lambda x: x"), tokens)) == "Map(lambda ..., tokens)"


def test_a_listing_assigns_every_named_or_shared_value_once() -> None:
    shared = tokens + 1
    lines = listing(SequenceMap(max, shared, shared).named("twice")).splitlines()
    assert lines == ["map = tokens + 1", "twice = SequenceMap(max, map, map)"]
    lines = listing(make_reverse(tokens)).splitlines()
    assert [line.split(" = ")[0] for line in lines] == ["length", "mirrored", "opposite", "reverse"]
    assert lines[-1] == "reverse = Aggregate(Select(indices, opposite, Comparison.EQ), tokens)"


def test_a_listing_tells_values_of_the_same_name_apart() -> None:
    lines = listing(make_hist() + make_hist()).splitlines()
    assert [line.split(" = ")[0] for line in lines] == ["hist", "hist_2", "sequence_map"]
    assert lines[-1].endswith("hist + hist_2")


def test_deep_expressions_are_cut_short_by_repr() -> None:
    deep = tokens
    for _ in range(3000):
        deep = SequenceMap(max, deep, indices)
    assert "..." in repr(deep)
    assert len(repr(deep)) < 1000
