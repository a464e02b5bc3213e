"""Orders of pairs are compared as one value, however they are written; equal ranks say more."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal import rasp
from shoal.program.facts.infer import infer
from shoal.program.facts.orders import order_of
from shoal.program.ir import Op
from shoal.program.trace import trace
from shoal.rasp import Comparison, Selector, SOp, indices, tokens
from tests.support import all_sequences, interpreted, right

VOCAB = (0, 1, 2)
WITHOUT = tuple(name for name in shoal.options.ALL if name not in ("orders", "histograms"))


def select(key: SOp, query: SOp, how: Comparison) -> Selector:
    return rasp.Select(key, query, how)


EARLIER = select(indices, indices, Comparison.LT)
SAME = select(tokens, tokens, Comparison.EQ)

SPELLINGS: dict[str, Callable[[], Selector]] = {
    "less, or equal and earlier": lambda: select(tokens, tokens, Comparison.LT) | (SAME & EARLIER),
    "not greater, and not equal and no earlier": lambda: (
        ~select(tokens, tokens, Comparison.GT) & ~(SAME & ~EARLIER)
    ),
    "greater, or equal and not earlier": lambda: (
        select(tokens, tokens, Comparison.GT) | (SAME & ~EARLIER)
    ),
    "earlier, or at once and less": lambda: (
        EARLIER | (select(indices, indices, Comparison.EQ) & select(tokens, tokens, Comparison.LT))
    ),
}


def fetched(selector: Selector, value: SOp, place: SOp = indices) -> SOp:
    return rasp.Aggregate(select(rasp.SelectorWidth(selector), place, Comparison.EQ), value)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("passes", ["all", "none", WITHOUT])
@pytest.mark.parametrize("spelling", sorted(SPELLINGS))
def test_they_agree_with_the_interpreter(spelling: str, passes: Any, causal: bool) -> None:
    selector = SPELLINGS[spelling]()
    for program in (rasp.SelectorWidth(selector), fetched(selector, tokens)):
        right(program, vocab=VOCAB, max_seq_len=3, passes=passes, causal=causal)


@pytest.mark.parametrize(
    ("spelling", "first"),
    [
        ("less, or equal and earlier", 0),
        ("not greater, and not equal and no earlier", 0),
        ("greater, or equal and not earlier", 1),
    ],
)
def test_what_is_sorted_by_them_takes_one_layer(spelling: str, first: int) -> None:
    program = fetched(SPELLINGS[spelling](), tokens, indices + first)
    assert right(program, vocab=VOCAB, max_seq_len=4).num_layers == 1
    assert right(program, vocab=VOCAB, max_seq_len=4, passes=WITHOUT).num_layers > 1


def test_a_count_decides_before_a_token() -> None:
    count = rasp.SelectorWidth(SAME)
    more = select(count, count, Comparison.GT)
    alike = select(count, count, Comparison.EQ) & select(tokens, tokens, Comparison.LT)
    program = fetched(more | alike, tokens, rasp.Map(lambda t: 0, tokens))
    narrow = right(program, vocab=VOCAB, max_seq_len=4)
    wide = right(program, vocab=VOCAB, max_seq_len=4, passes=WITHOUT)
    assert narrow.num_layers < wide.num_layers


def test_three_values_one_after_the_other() -> None:
    first, second = rasp.TokensType(0), rasp.TokensType(1)
    same = select(first, first, Comparison.EQ)
    order = (
        select(first, first, Comparison.LT)
        | (same & select(second, second, Comparison.LT))
        | (same & select(second, second, Comparison.EQ) & EARLIER)
    )
    pairs = [(a, b) for a in range(2) for b in range(2)]
    assert right(fetched(order, tokens), vocab=pairs, max_seq_len=4).num_layers == 1


def test_an_order_within_a_combination() -> None:
    order = select(tokens, tokens, Comparison.LT) | (SAME & EARLIER)
    even = select(rasp.Map(lambda i: i % 2, indices), rasp.Full(0), Comparison.EQ)
    for combination in (order & even, even & ~order, order | even):
        model = right(rasp.SelectorWidth(combination), vocab=VOCAB, max_seq_len=4)
        (saving,) = (saving for saving in model.savings if saving.name == "orders")
        assert saving.count == 1
        assert model.num_layers == 1


@settings(deadline=None)
@given(table=st.lists(st.lists(st.integers(0, 1), min_size=4, max_size=4), min_size=4, max_size=4))
def test_orders_are_those_that_sort(table: list[list[int]]) -> None:
    """By brute force: all values differ in how many come before them, and each pair is compared."""
    pairs = list(product((0, 1), (0, 1)))
    place = {pair: number for number, pair in enumerate(pairs)}

    def holds(key: Any, query: Any) -> bool:
        return bool(table[place[query]][place[key]])

    joint = rasp.SequenceMap(lambda t, i: (t, i), tokens, indices)
    selector = rasp.Select(joint, joint, holds)
    facts = infer(trace(rasp.SelectorWidth(selector), causal=False), (0, 1), 2, shoal.Limits())
    (node,) = (node for node in facts.program if node.op is Op.SELECT)
    own = {table[n][n] for n in range(4)}
    others = [[table[q][k] for k in range(4) if k != q] for q in range(4)]
    compared = all(table[q][k] != table[k][q] for q in range(4) for k in range(q))
    is_order = len(own) == 1 and compared and sorted(map(sum, others)) == [0, 1, 2, 3]
    assert (order_of(facts, node) is not None) == is_order


EXTREMES = {
    "greatest": (Comparison.GT, 0),
    "least": (Comparison.LT, 0),
    "third": (Comparison.LT, 2),
}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("which", sorted(EXTREMES))
def test_equal_ranks_are_of_equal_values(which: str, causal: bool) -> None:
    """Of several keys with one rank the mean is what each of them is, and nothing between."""
    how, place = EXTREMES[which]
    there = rasp.Map(lambda t: place, tokens)
    found = fetched(select(tokens, tokens, how), rasp.Map(lambda t: 2**t, tokens), there)
    model = right(found, vocab=VOCAB, max_seq_len=4, causal=causal)
    domain = model.optimised.original.domain(model.optimised.original.program.root)
    if not causal:  # under a mask ranks count what came before, and tell no values apart
        assert {value for group in domain.classes for value in group} <= {1, 2, 4}  # type: ignore[union-attr]
    right(found - tokens, vocab=VOCAB, max_seq_len=3, causal=causal)


def test_the_range_of_tokens_is_no_table_of_fractions() -> None:
    greatest = fetched(select(tokens, tokens, Comparison.GT), tokens, rasp.Map(lambda t: 0, tokens))
    least = fetched(select(tokens, tokens, Comparison.LT), tokens, rasp.Map(lambda t: 0, tokens))
    model = right(greatest - least, vocab=range(6), max_seq_len=8)
    assert model.allocated.costs.neurons < 20


EARLIER_ALIKE = SAME & EARLIER
OCCURRENCE = rasp.SelectorWidth(EARLIER_ALIKE)
BY_OCCURRENCE: dict[str, Selector] = {
    "the one before": EARLIER_ALIKE & select(OCCURRENCE, OCCURRENCE - 1, Comparison.EQ),
    "the first": SAME & select(OCCURRENCE, rasp.Map(lambda t: 0, tokens), Comparison.EQ),
    "the first or second": SAME & select(OCCURRENCE, rasp.Map(lambda t: 1, tokens), Comparison.LEQ),
    "any first one": select(OCCURRENCE, rasp.Map(lambda t: 0, tokens), Comparison.EQ) & EARLIER,
}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("which", sorted(BY_OCCURRENCE))
def test_of_equal_tokens_one_has_each_rank(which: str, causal: bool) -> None:
    selector = BY_OCCURRENCE[which]
    count = rasp.SelectorWidth(selector)
    widths = {
        width
        for values, _ in interpreted(count, all_sequences(VOCAB, 4), causal)
        for width in count(values) or ()
    }
    facts = infer(trace(count, causal=causal), VOCAB, 4)
    bound = facts.widths[facts.program.node(facts.program.root).inputs[0]]
    assert bound.high >= max(widths)
    assert bound.high == 1 or max(widths) > 1
    right(rasp.Aggregate(selector, indices, default=-1), vocab=VOCAB, max_seq_len=3, causal=causal)


def test_how_far_the_last_equal_token_is_takes_few_neurons() -> None:
    before = rasp.Aggregate(BY_OCCURRENCE["the one before"], indices, default=-1)
    program = rasp.SequenceMap(lambda i, p: i - p, indices, before)
    assert right(program, vocab=range(5), max_seq_len=8).allocated.costs.neurons < 40


def test_ranks_of_other_values_say_nothing() -> None:
    """Equal ranks by parity are of equal parity, and not of equal tokens."""
    parity = rasp.Map(lambda t: t % 2, tokens)
    found = fetched(select(parity, parity, Comparison.LT), tokens, rasp.Map(lambda t: 0, tokens))
    right(found, vocab=VOCAB, max_seq_len=3)
