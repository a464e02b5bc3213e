from __future__ import annotations

from itertools import product

import pytest

import shoal
from shoal.program.passes.merged_values import merge_values
from shoal.rasp import (
    Aggregate,
    Comparison,
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
from tests.program.passes.facts import classes, rewrite
from tests.support import agree

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
