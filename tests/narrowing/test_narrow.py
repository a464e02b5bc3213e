"""Of each variable the stream holds what is read of it, and answers stay what they were."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

import shoal
from shoal import rasp
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
from shoal.rasp.stock import STOCK
from tests.program.programs import LONGEST, VOCAB, s_ops
from tests.support import WIDE, accepted, agree, interpreted, right

SAME = Select(tokens, tokens, Comparison.EQ)
ABC = ("a", "b", "c")


def stock_model(name: str, **options: Any) -> shoal.Model:
    stock = STOCK[name]
    program = stock.make(stock.max_seq_len)
    return shoal.compile(program, vocab=stock.vocab, max_seq_len=stock.max_seq_len, **options)


@pytest.mark.parametrize("name", [name for name, stock in STOCK.items() if stock.benchmark])
def test_it_is_narrower_and_not_larger(name: str) -> None:
    wide, narrow = stock_model(name, passes=WIDE), stock_model(name)
    assert narrow.d_model < wide.d_model or name in ("length", "count")
    assert narrow.d_model <= wide.d_model
    assert narrow.num_layers == wide.num_layers
    assert narrow.num_parameters <= wide.num_parameters
    assert narrow.width_bound is not None
    assert narrow.width_bound <= narrow.d_model


@settings(max_examples=60, deadline=None)
@given(s_ops())
def test_random_programs_agree_and_names_are_read(program: SOp) -> None:
    model = accepted(program, vocab=VOCAB, max_seq_len=LONGEST, passes=("narrow", "parabolas"))
    inputs = [[VOCAB[0]], list(VOCAB[:2]), [VOCAB[1]] * LONGEST]
    for xs, wanted in interpreted(program, inputs):
        assert agree(program, wanted, model.run(xs))


@pytest.mark.parametrize(
    "vocab", [(1e30, 2, -1e30), (2**53 + 1, 3, 7), (0.1, 0.2, 0.3), (1e-6, 1.0, 1e6), (True, 0, 2)]
)
def test_small_numbers_beside_large_ones_are_not_lost(vocab: tuple[Any, ...]) -> None:
    for program in (numerical(Map(lambda x: x, tokens)), Map(lambda x: x, tokens)):
        right(program, vocab=vocab, max_seq_len=1)


def test_what_is_kept_and_one_hot_results_stay_whole() -> None:
    count = keep(SelectorWidth(SAME).named("count"))
    model = shoal.compile(count > 1, vocab=ABC, max_seq_len=4)
    assert model.variables["count"].labels == ("count:1", "count:2", "count:3", "count:4")
    model = shoal.compile(SelectorWidth(SAME), vocab=ABC, max_seq_len=4, result="one-hot")
    assert len(model.variables["selector_width"].columns) == 4


def test_names_are_read_that_readers_need_a_part_of_only() -> None:
    previous = Select(indices, indices, lambda key, query: key == query - 1)
    before = Aggregate(previous, tokens, default="").named("before")
    program = Map(lambda x: x == "a", before)
    model = right(program, vocab=ABC, max_seq_len=3)
    assert len(model.variables["before"].columns) == 2
    unnamed = Map(lambda x: x == "a", Aggregate(previous, tokens, default=""))
    assert right(unnamed, vocab=ABC, max_seq_len=3).d_model < model.d_model
    assert model.read("before", ["a", "c", "b"]) == ["", "a", "c"]


def test_a_budget_that_only_narrow_variables_keep_is_kept() -> None:
    wide, narrow = stock_model("reverse", passes=WIDE), stock_model("reverse")
    assert narrow.d_model < wide.d_model
    budget = shoal.Budgets(max_width=narrow.d_model)
    assert stock_model("reverse", budget=budget).d_model == narrow.d_model
    with pytest.raises(shoal.BudgetError, match="max_width=3 is in the way"):
        stock_model("reverse", budget=shoal.Budgets(max_width=3))


def test_what_nothing_is_stored_of_is_not_read_from_it() -> None:
    same = SelectorWidth(Select(tokens, tokens, Comparison.EQ))
    for program in (SequenceMap(lambda x, y: 1, tokens, same), Map(lambda x: 1, same), same):
        model = shoal.compile(program, vocab=ABC, max_seq_len=3, passes=("narrow",))
        for value in model.atlas.values.values():
            for reading in value.readings:
                assert len(reading.matrix) or reading.codes is None or len(reading.codes) == 1


def test_operations_of_one_expression_need_not_be_computed_together() -> None:
    """A count that is decoded from its digits waits for an operation that waits for its head."""
    same = Select(tokens, tokens, Comparison.EQ)
    other = same | Select(tokens, SequenceMap(lambda x, y: x - y, tokens, indices), Comparison.EQ)
    less = Select(tokens, SelectorWidth(same), Comparison.LT)
    program = Aggregate(less, SelectorWidth(other))
    right(program, vocab=VOCAB, max_seq_len=LONGEST, passes=("all", "binary"))


def test_a_budget_of_neurons_is_kept_by_what_is_made_anew() -> None:
    number = Map(lambda x: {"a": 2, "b": 5, "c": 3}[x], tokens)
    before = Select(number, rasp.Full(2), lambda key, query: key < query + 1)
    average = Aggregate(before, indices)
    program = SelectorWidth(Select(indices, average, Comparison.EQ))
    model = shoal.compile(program, vocab=ABC, max_seq_len=3)
    budget = shoal.Budgets(max_neurons=model.mlp_hidden_size)
    wide = shoal.compile(program, vocab=ABC, max_seq_len=3, passes=WIDE)
    assert model.mlp_hidden_size < wide.mlp_hidden_size
    again = shoal.compile(program, vocab=ABC, max_seq_len=3, budget=budget)
    assert again.mlp_hidden_size <= model.mlp_hidden_size


def test_neurons_are_made_anew_for_what_is_stored() -> None:
    pairs = SequenceMap(lambda x, i: (x, i), tokens, indices)
    program = Aggregate(SAME, Map(lambda pair: pair[1] % 2, pairs), default=0)
    wide = shoal.compile(program, vocab=ABC, max_seq_len=3, passes=("shared-heads",))
    narrow = shoal.compile(program, vocab=ABC, max_seq_len=3, passes=("shared-heads", "narrow"))
    assert narrow.mlp_hidden_size <= wide.mlp_hidden_size
    assert narrow.d_model < wide.d_model


def test_the_mark_of_bos_is_read_from_that_of_tokens() -> None:
    model = shoal.compile(rasp.length, vocab=ABC, max_seq_len=3)
    assert model.residual_labels == ["token", "length"]
    assert model.run(["a", "b"]) == [2, 2]


def test_a_bound_on_the_width_is_one() -> None:
    """The rank of the states bounds whoever reads the same; here it is attained."""
    model = stock_model("hist")
    assert (model.d_model, model.width_bound) == (4, 4)
    assert "residual width    4 (bound 4)" in model.report()
    wide = stock_model("hist", passes="none")
    assert wide.width_bound is not None
    assert wide.width_bound < wide.d_model


def test_values_that_are_one_but_for_rounding_are_read_as_one() -> None:
    """Which tokens are less is a table of False, True, True; what it is made of rounds two ways."""
    opposite = numerical(rasp.LinearSequenceMap(rasp.tokens, rasp.tokens, -1, -1))
    model = shoal.compile(rasp.tokens < opposite, vocab=(1e-30, 1.0, -2), max_seq_len=5)
    assert model.d_model == 1


def test_heads_read_what_is_stored_of_what_they_write() -> None:
    everything = Select(indices, indices, Comparison.TRUE)
    program = SequenceMap(
        lambda mean, index: (mean, index),
        Aggregate(everything, tokens),
        Aggregate(everything, indices),
    )
    model = right(program, vocab=tuple(range(20)), max_seq_len=3, causal=True)
    assert len(model.variables["tokens"].columns) == 1


def test_a_result_that_is_a_view_is_stored_as_its_code() -> None:
    previous = Aggregate(Select(indices, indices, lambda key, query: key == query - 1), tokens)
    program = Map(lambda token: f"{token}{token}", previous.named("previous"))
    model = right(program, vocab=tuple("abcdef"), max_seq_len=4)
    assert model.num_layers == 1
    assert model.allocated.costs.neurons == 0
    assert len(model.variables["previous"].columns) == 1


def test_one_hot_values_of_which_all_are_read_take_a_column_less_than_they_are() -> None:
    model = stock_model("sort_freq")
    assert len(model.variables["hist"].columns) == STOCK["sort_freq"].max_seq_len - 1
    assert model.width_bound is not None
    assert model.d_model <= 1.1 * model.width_bound


def test_values_that_are_one_number_are_told_apart_where_they_have_a_name() -> None:
    later = Select(tokens, tokens, Comparison.LT)
    mean = Aggregate(later, Map(lambda x: x > 1, tokens), default=0).named("mean")
    model = right(Map(lambda x: x + 1, mean), vocab=(0, 1, 3), max_seq_len=3)
    read = model.read("mean", [0, 1, 3])
    assert list(map(repr, read)) == ["0", "False", "False"]


def test_fractional_scores_of_a_result_are_no_reason_to_store_more() -> None:
    halves = Map(lambda t: t / 2, tokens)
    total = SequenceMap(lambda x, i: round(x + i / 3, 1), halves, indices)
    model = right(total, vocab=tuple(range(20)), max_seq_len=4)
    assert (model.num_layers, model.d_model) == (0, 1)
