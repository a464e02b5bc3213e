"""What is fetched by a rank is told from counts of tokens, whatever is sorted, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal import rasp
from shoal.errors import UnwritableError
from shoal.rasp import Comparison, SOp
from shoal.rasp.stock import STOCK
from tests.support import right

VOCAB = (0, 1, 2, 3)

PLACES: dict[str, Callable[[], SOp]] = {
    "index": lambda: rasp.indices,
    "opposite": lambda: rasp.SequenceMap(lambda i, n: n - 1 - i, rasp.indices, rasp.length),
    "last": lambda: rasp.Map(lambda n: n - 1, rasp.length),
    "first": lambda: rasp.Map(lambda i: 0, rasp.indices),
    "middle": lambda: rasp.Map(lambda n: (n - 1) // 2, rasp.length),
    "every other": lambda: rasp.Map(lambda i: i // 2, rasp.indices),
    "next": lambda: rasp.Map(lambda i: i + 1, rasp.indices),
}


def fetched(
    key: Callable[[Any], Any],
    value: Callable[[Any], Any],
    order: Comparison,
    place: SOp,
    shift: int = 0,
    later_first: bool = False,
) -> SOp:
    """The values in the order of their keys, each at its place."""
    sign = -1 if later_first else 1
    keys = rasp.SequenceMap(lambda t, i: key(t) + sign * i / 16, rasp.tokens, rasp.indices)
    rank = rasp.SelectorWidth(rasp.Select(keys, keys, order)).named("rank")
    there = rasp.Select(rank, place, lambda k, q: k == q + shift)
    return rasp.Aggregate(there, rasp.Map(value, rasp.tokens)).named("fetched")


def uses_counts(model: shoal.Model) -> bool:
    return any("histograms" in part.rules for part in model.atlas.parts)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), place=st.sampled_from(sorted(PLACES)), causal=st.booleans())
def test_whatever_is_fetched_by_a_rank_agrees(
    data: st.DataObject, place: str, causal: bool
) -> None:
    numbers = st.sampled_from([-2, -1, 0, 0.5, 1, 3])
    keys = data.draw(st.tuples(*[numbers] * len(VOCAB)))
    values = data.draw(st.tuples(*[st.sampled_from("abc")] * len(VOCAB)))
    order = data.draw(st.sampled_from([Comparison.LT, Comparison.LEQ, Comparison.GT]))
    program = fetched(
        keys.__getitem__,
        values.__getitem__,
        order,
        PLACES[place](),
        int(order is Comparison.LEQ),
        data.draw(st.booleans()),
    )
    right(program, vocab=VOCAB, max_seq_len=3, causal=causal)


@pytest.mark.parametrize("place", ["index", "last", "first", "every other"])
@pytest.mark.parametrize("order", [Comparison.LT, Comparison.LEQ, Comparison.GT, Comparison.GEQ])
def test_one_layer_does(place: str, order: Comparison) -> None:
    shift = int(order in (Comparison.LEQ, Comparison.GEQ))
    program = fetched(lambda t: t, lambda t: t, order, PLACES[place](), shift)
    model = right(program, vocab=VOCAB, max_seq_len=4)
    assert model.num_layers == 1
    assert uses_counts(model) or place in ("first", "last")
    without = tuple(name for name in shoal.options.ALL if name != "histograms")
    assert not uses_counts(right(program, vocab=VOCAB, max_seq_len=4, passes=without))


def test_values_that_positions_decide_are_fetched_as_they_are() -> None:
    """The latest come first, whatever they are: no count of tokens says which that is."""
    keys = rasp.SequenceMap(lambda t, i: t - 8 * i, rasp.tokens, rasp.indices)
    rank = rasp.SelectorWidth(rasp.Select(keys, keys, Comparison.LT))
    there = rasp.Select(rank, rasp.indices, Comparison.EQ)
    model = right(rasp.Aggregate(there, rasp.tokens), vocab=VOCAB, max_seq_len=4)
    assert not uses_counts(model)


def test_long_inputs_are_sorted_in_one_layer() -> None:
    stock = STOCK["sort"]
    program = stock.make(100)
    model = shoal.compile(program, vocab=stock.vocab, max_seq_len=100)
    assert model.num_layers == 1
    for shift in range(7):
        tokens = [stock.vocab[(n * n + shift) % len(stock.vocab)] for n in range(100 - shift)]
        assert model.run(tokens) == sorted(tokens)


def test_tokens_can_be_replaced_and_what_follows_from_them_cannot() -> None:
    model = right(
        fetched(lambda t: -t, lambda t: t, Comparison.LT, rasp.indices), vocab=VOCAB, max_seq_len=4
    )
    assert model.write("tokens", [0, 1, 2], [3, 1, 3]) == [3, 3, 1]
    assert model.read("rank", [0, 3, 2]) == [2, 0, 1]
    for name in ("rank", "indices"):
        with pytest.raises(UnwritableError, match="takes for granted"):
            model.write(name, [0, 3, 2], [0, 1, 2])


@pytest.mark.parametrize("readers", [["rank"], ["fetched"]])
def test_tokens_are_not_replaced_for_some_alone(readers: list[str]) -> None:
    keys = rasp.SequenceMap(lambda t, i: 10 * t + i, rasp.tokens, rasp.indices)
    rank = rasp.keep(rasp.SelectorWidth(rasp.Select(keys, keys, Comparison.LT)).named("rank"))
    there = rasp.Select(rank, rasp.indices, Comparison.EQ)
    model = right(rasp.Aggregate(there, rasp.tokens).named("fetched"), vocab=VOCAB)
    assert uses_counts(model)
    with pytest.raises(UnwritableError, match="takes for granted"):
        model.patch([3, 1, 2], shoal.Patch.values("tokens", [1, 2, 3], readers=readers))


def test_elements_of_tokens_do_not_say_which_token_it_is() -> None:
    """Found by an order of three values: the first element was taken for the token."""
    first, second = rasp.TokensType(0), rasp.TokensType(1)
    both = rasp.SequenceMap(lambda a, b: 2 * a + b, first, second)
    less = rasp.Select(both, both, rasp.Comparison.LT)
    alike = rasp.Select(both, both, rasp.Comparison.EQ)
    earlier = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT)
    rank = rasp.SelectorWidth(less | (alike & earlier))
    pairs = [(a, b) for a in range(2) for b in range(2)]
    for value in (rasp.tokens, first, second):
        program = rasp.Aggregate(rasp.Select(rank, rasp.indices, rasp.Comparison.EQ), value)
        right(program, vocab=pairs, max_seq_len=3)
