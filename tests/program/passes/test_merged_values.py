from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shoal
from shoal.contract import agrees
from shoal.program.facts.infer import infer
from shoal.program.passes.merged_values import merge_values
from shoal.program.trace import trace
from shoal.rasp import (
    Aggregate,
    Comparison,
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
from shoal_analysis.fuzzing.patching import wrong_patches
from tests.program.passes.facts import classes, rewrite
from tests.support import agree, right

PREVIOUS = Aggregate(Select(indices, indices, lambda key, query: key + 1 == query), tokens)
SAME = Select(tokens, tokens, Comparison.EQ)


def test_tokens_that_no_reader_tells_apart_are_one() -> None:
    facts = rewrite(merge_values, tokens == "a").inferred
    assert classes(facts, "tokens") == (("a",), ("b", "c"))
    facts = rewrite(merge_values, SequenceMap(lambda x, y: (x, y), tokens == "a", tokens)).inferred
    assert classes(facts, "tokens") == (("a",), ("b",), ("c",))


def test_readers_behind_readers_count() -> None:
    step = Map(lambda x: "abc".index(x) % 3, tokens).named("step")
    facts = rewrite(merge_values, Map(lambda x: x > 1, step)).inferred
    assert classes(facts, "step") == ((0, 1), (2,))
    assert classes(facts, "tokens") == (("a", "b"), ("c",))


def test_keys_and_queries_are_what_the_predicate_looks_at() -> None:
    early = Select(indices, tokens, lambda key, query: key < 2 and query != "c")
    facts = rewrite(merge_values, Aggregate(early, tokens == "b"), max_seq_len=5).inferred
    assert classes(facts, "indices") == ((0, 1), (2, 3, 4))
    assert classes(facts, "tokens") == (("a",), ("b",), ("c",))


def test_widths_are_merged_and_still_readable() -> None:
    hist = SelectorWidth(SAME).named("hist")
    program = Map(lambda n: n > 1, hist)
    facts = rewrite(merge_values, program).inferred
    assert classes(facts, "hist") == ((1,), (2, 3))
    for passes in (("merged-values",), "all"):
        model = shoal.compile(program, vocab=list("abc"), max_seq_len=3, passes=passes)
        assert model.run("aba") == [True, False, True]
        assert agree(hist, [2, 1, 2], model.read("hist", "aba"))
    model = shoal.compile(program, vocab=list("abc"), max_seq_len=3, passes=("merged-values",))
    assert model.variables["hist"].labels == ("hist:1", "hist:2|3")


def test_a_width_that_several_heads_count_is_readable() -> None:
    product = SequenceMap(lambda x, y: x * y, tokens, indices)
    before = SelectorWidth(Select(product, product, Comparison.LT)).named("before")
    program = Map(lambda n: n % 2, before)
    model = shoal.compile(program, vocab=(0, 1, 3), max_seq_len=3)
    assert agree(before, [0, 2, 0], model.read("before", [3, 1, 0]))
    unnamed = rewrite(merge_values, Map(lambda n: n % 2, SelectorWidth(before.selector))).inferred
    assert classes(unnamed, "selector_width") == ((0, 2), (1,))


def test_averages_and_outputs_stay_apart() -> None:
    ones = Map(lambda x: int(x == "a"), tokens).named("ones")
    mean = Aggregate(Select(indices, indices, Comparison.LEQ), ones).named("mean")
    facts = rewrite(merge_values, Map(lambda x: x > 0.5, mean)).inferred
    assert classes(facts, "ones") == ((0,), (1,))
    assert len(classes(facts, "mean")) > 2
    facts = rewrite(merge_values, SequenceMap(lambda x, y: y, keep(tokens), indices)).inferred
    assert classes(facts, "tokens") == (("a",), ("b",), ("c",))
    assert classes(facts, "sequence_map") == ((0,), (1,), (2,))
    assert rewrite(merge_values, numerical(indices)).saved == 0


@pytest.mark.parametrize(
    ("previous", "expected"),
    [
        (PREVIOUS, (("a",), ("b", "c"))),  # nothing else tells what it was
        (PREVIOUS.named("previous"), (("a",), ("b",), ("c",))),
    ],
)
def test_aggregates_with_names_stay_readable(
    previous: SOp, expected: tuple[tuple[str, ...], ...]
) -> None:
    program = previous == "a"
    facts = rewrite(merge_values, program).inferred
    assert classes(facts, previous.name) == expected
    model = shoal.compile(program, vocab=list("abc"), max_seq_len=3)
    assert model.run("acb") == [None, True, False]
    if previous.is_named:
        assert model.read("previous", "acb") == [None, "a", "c"]
    else:
        with pytest.raises(
            shoal.InvalidInputError, match=r"not in the model in full.*'b' from 'c'"
        ):
            model.read("aggregate", "acb")


def test_a_name_above_an_aggregate_keeps_what_it_needs() -> None:
    named = Map(lambda x: "vowel" if x == "a" else x, PREVIOUS).named("kind")
    facts = rewrite(merge_values, named == "b", vocab="abcd").inferred
    assert classes(facts, "aggregate") == (("a",), ("b",), ("c",), ("d",))
    unnamed = Map(lambda x: "vowel" if x in "ac" else x, PREVIOUS)
    facts = rewrite(merge_values, Map(str.upper, unnamed.named("kind")) == "B", vocab="abcd")
    assert classes(facts.inferred, "aggregate") == (("a", "c"), ("b",), ("d",))


def test_a_value_met_with_itself() -> None:
    program = SequenceMap(lambda x, y: (x + y) % 2 == 0 and x > 1, indices, indices)
    facts = rewrite(merge_values, program, max_seq_len=4).inferred
    assert classes(facts, "indices") == ((0, 1), (2, 3))
    model = shoal.compile(program, vocab=list("ab"), max_seq_len=4, passes=("merged-values",))
    assert model.run("abab") == [False, False, True, True]


def test_all_inputs_agree_where_much_is_merged() -> None:
    previous = Aggregate(PREVIOUS.selector, tokens, default="?")
    hist = SelectorWidth(Select(previous == "a", previous == "a", Comparison.EQ))
    program = SequenceMap(lambda n, i: n >= 2 or i % 2 == 0, hist, indices)
    program = SequenceMap(lambda x, y: (x, y == "c"), program, tokens)
    texts = [list(xs) for n in range(1, 5) for xs in product("abc", repeat=n)]
    expected = [program(xs) for xs in texts]
    for passes in ("none", ("merged-values",), "all"):
        model = shoal.compile(program, vocab=list("abc"), max_seq_len=4, passes=passes)
        assert model.run_batch(texts) == expected


def test_results_that_differ_by_rounding_alone_are_one() -> None:
    """``tokens - mean``: 1 - 1/3 and 2 - 4/3 are two floats, and no contract tells them apart."""
    program = tokens - Aggregate(Select(tokens, tokens, Comparison.TRUE), tokens)
    before = infer(trace(program, causal=False), (0, 1, 2, 3), 5)
    after = rewrite(merge_values, program, vocab=(0, 1, 2, 3), max_seq_len=5).inferred
    values = sorted(float(v) for members in classes(after, "sequence_map") for v in members)
    assert len(values) == sum(map(len, classes(before, "sequence_map")))
    apart = [b - a > 1e-9 for a, b in pairwise(values)]
    assert len(classes(after, "sequence_map")) == 1 + sum(apart)
    model = right(program, vocab=(0, 1, 2, 3), max_seq_len=5)
    assert model.allocated.costs.neurons == 0


@given(st.lists(st.sampled_from([0, 0.0, 1e-10, 1e-8, 1, 1.0, 1 + 1e-10, 1 + 1e-8, "a", None])))
def test_only_floats_that_agree_are_one(values: list[Any]) -> None:
    table = dict(enumerate(values[:6]))
    program = Map(lambda t: table.get(t, "else"), tokens)
    try:
        facts = rewrite(merge_values, program, vocab=tuple(range(7))).inferred
    except shoal.UnsupportedProgramError:
        return
    for members in classes(facts, "map"):
        assert all(agrees(members[0], value, numerical=False) for value in members)


def test_scores_of_results_that_are_one_can_be_replaced() -> None:
    """Found by a campaign: examples of scores are those of merged results."""
    others = Aggregate(~Select(tokens, tokens, Comparison.EQ), indices)
    program = LinearSequenceMap(indices, others, 1, 1)
    model = right(program, vocab=("a", "b", "c"), max_seq_len=4, passes="smallest")
    assert wrong_patches(program, model, [tuple("abca"), tuple("aab")], seed=0) == []
    assert agree(program, program("abca"), model.read(model.atlas.output, "abca"))


def test_what_attends_is_read_as_it_is() -> None:
    value = Map(lambda t: {0: 0.1 + 0.2, 1: 0.3, 2: 5.0}[t], tokens)
    program = Aggregate(Select(indices, indices - 1, Comparison.EQ), value, default=1.0)
    model = shoal.compile(program, vocab=(0, 1, 2), max_seq_len=4)
    assert model.read(model.atlas.output, [0, 1, 2, 0]) == [1.0, 0.1 + 0.2, 0.3, 5.0]


def test_kept_values_that_readers_tell_apart_stay_apart() -> None:
    kept = keep(Map(lambda t: {0: 0.1 + 0.2, 1: 0.3, 2: 1.0}[t], tokens)).named("kept")
    for program in (
        Map(lambda v: v == 0.3, kept),
        SelectorWidth(Select(kept, Full(0.3), Comparison.EQ)),
        SequenceMap(lambda v, i: (v, i), kept, indices),
    ):
        right(program, vocab=(0, 1, 2), max_seq_len=2)


def test_small_numbers_are_no_rounding() -> None:
    fine = SequenceMap(lambda t, i: 1e-9 * t + 1.0000001e-9 * i, tokens, indices)
    right(Map(lambda x: -x, fine), vocab=(0, 1), max_seq_len=2)
