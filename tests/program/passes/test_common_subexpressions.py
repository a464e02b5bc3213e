from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import shoal
from shoal.program.passes.common_subexpressions import merge_common_subexpressions
from shoal.program.trace import trace
from shoal.rasp import (
    Aggregate,
    Comparison,
    ConstantSOp,
    Full,
    LinearSequenceMap,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    keep,
    numerical,
    tokens,
)
from shoal.rasp.library import make_hist


def labels(program: SOp) -> list[str]:
    return [n.label for n in merge_common_subexpressions(trace(program, causal=False))]


def test_what_is_computed_twice_is_computed_once() -> None:
    assert labels(make_hist() + make_hist()) == ["tokens", "select", "hist", "sequence_map"]


def test_names_become_aliases_and_keep_is_kept() -> None:
    program = make_hist() + keep(make_hist().named("again"))
    merged = merge_common_subexpressions(trace(program, causal=False))
    (hist,) = [node for node in merged if node.label == "hist"]
    assert hist.aliases == ("again",)
    assert hist.is_kept


def test_the_root_can_be_merged() -> None:
    hist = make_hist()
    program = SequenceMap(lambda x, _: x, hist, hist)
    merged = merge_common_subexpressions(trace(program, causal=False))
    assert merged.node(merged.root).label == "sequence_map"


def to_text(value: object) -> str:
    return str(value)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (tokens + 1, tokens + 2),
        (tokens + 1, 1 + tokens),
        (Full(1), Full(True)),
        (SelectorWidth(Select(tokens, indices, Comparison.LT)),
         SelectorWidth(Select(indices, tokens, Comparison.LT))),
        (numerical(tokens + 1), tokens + 1),
        (Map(lambda x: x, tokens), Map(lambda x: x, tokens)),
        (Aggregate(Select(tokens, tokens, Comparison.EQ), tokens, 0),
         Aggregate(Select(tokens, tokens, Comparison.EQ), tokens, False)),
        (tokens * 1, tokens * 1.0),
        (tokens == 1, tokens == True),  # noqa: E712
        (ConstantSOp([1, 0], check_length=False), ConstantSOp([True, False], check_length=False)),
        (LinearSequenceMap(tokens, tokens, 1, 1), LinearSequenceMap(tokens, tokens, 1.0, 1.0)),
    ],
)  # fmt: skip
def test_different_values_stay_apart(first: SOp, second: SOp) -> None:
    program = SequenceMap(lambda x, y: (x, y), first.named("first"), second.named("second"))
    assert {"first", "second"} <= set(labels(program))


def test_different_functions_with_equal_tables_are_one_value() -> None:
    texts = (Map(lambda x: x + x, tokens), Map(lambda x: 2 * x, tokens))
    ordered = SequenceMap(max, make_hist(), indices), SequenceMap(max, indices, make_hist())
    for first, second in (texts, ordered):
        program = SequenceMap(lambda x, y: (x, y), first.named("first"), second.named("second"))
        model = shoal.compile(program, vocab=["a", "b"], max_seq_len=3)
        (merged,) = [n for n in model.optimised.inferred.program if n.label == "first"]
        assert merged.aliases == ("second",)
        assert model.run(["a", "b", "a"]) == program(["a", "b", "a"])
        assert model.read("second", ["b"]) == second(["b"])


def test_widths_of_merged_selectors_may_be_known_differently() -> None:
    constant = Map(lambda token: 1, tokens)
    first = SelectorWidth(Select(tokens, tokens, lambda key, query: key in "abc"))
    second = SelectorWidth(Select(constant, constant, Comparison.EQ))
    program = LinearSequenceMap(Map(lambda n: min(n, 2), first), second, 1, 1)
    model = shoal.compile(program, vocab=["a", "b", "c"], max_seq_len=3)
    assert model.run(["a", "b", "c"]) == [5, 5, 5]


def test_merged_programs_mean_the_same() -> None:
    def text(sop: SOp) -> SOp:
        return Map(to_text, sop.named("value"))

    twice = make_hist() + make_hist()
    program = SequenceMap(lambda x, y: f"{x} {y}", text(twice), text(make_hist() * 2))
    models = [
        shoal.compile(program, vocab=["a", "b"], max_seq_len=3, passes=passes)
        for passes in ("all", "none")
    ]
    for xs in ("a", "ab", "aab"):
        assert models[0].run(xs) == models[1].run(xs) == program(xs)
    assert models[0].d_model < models[1].d_model


@dataclass
class Table:
    content: object

    def __call__(self, index: int) -> int:
        return int(self.content[index])  # type: ignore[index]


class Added:
    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, value: int) -> int:
        return value + self.number

    def __repr__(self) -> str:
        return "Added"


def test_functions_that_read_the_same_are_not_taken_for_the_same() -> None:
    zeros, ones = np.zeros(2000, dtype=int), np.zeros(2000, dtype=int)
    ones[3:-3] = 1
    for first, second in ((Table(zeros), Table(ones)), (Added(1), Added(2))):

        def last(x: int) -> int:
            return x

        program = SequenceMap(
            lambda x, y: (x, y),
            Map(last, Map(first, indices)),
            Map(last, Map(second, indices)),
        )
        model = shoal.compile(program, vocab={"a", "b"}, max_seq_len=4)
        assert model.run(list("aaaa")) == program(list("aaaa"))


def test_what_is_looked_up_of_three_equal_s_ops_is_a_function_of_one() -> None:
    """Three parts of a selector fetch the same; what is looked up of them has three operands."""
    first = Aggregate(Select(tokens, indices, Comparison.LT), tokens, default="a")
    own = Aggregate(Select(indices, indices, Comparison.EQ), tokens)
    either = Select(own, tokens, Comparison.GEQ) | Select(own, first, Comparison.EQ)
    program = Map(lambda value: 7, Aggregate(either, first))
    model = shoal.compile(
        program,
        vocab=(True, 2, 3),
        max_seq_len=8,
        causal=True,
        passes=("look-ups", "common-subexpressions"),
    )
    assert model.run([True, 2, 3]) == [7, 7, 7]
