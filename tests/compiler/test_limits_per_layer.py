"""Limits on what a layer may have: kept, as shallow as can be within them, and said."""

from __future__ import annotations

from itertools import pairwise

import pytest

import shoal
from shoal.rasp.stock import STOCK
from tests.support import agree, random_sequences


def compiled(name: str, heads: int | None, neurons: int | None, **options: object) -> shoal.Model:
    stock = STOCK[name]
    limits = shoal.Limits(heads_per_layer=heads, neurons_per_layer=neurons)
    return shoal.compile(
        stock.make(stock.max_seq_len),
        vocab=stock.vocab,
        max_seq_len=stock.max_seq_len,
        limits=limits,
        **options,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("name", ["shuffle_dyck2", "sort_freq", "dyck1_ptf"])
def test_fewer_heads_and_neurons_take_more_layers(name: str) -> None:
    stock = STOCK[name]
    program = stock.make(stock.max_seq_len)
    models = [compiled(name, *few) for few in ((None, None), (1, None), (1, 16))]
    layers = [model.num_layers for model in models]
    assert all(fewer <= more for fewer, more in pairwise(layers))
    assert layers[0] < layers[-1]
    for model, (heads, neurons) in zip(models[1:], ((1, None), (1, 16)), strict=True):
        costs = model.allocated.costs
        assert costs.heads <= heads
        assert neurons is None or costs.neurons <= neurons
        for xs in random_sequences(stock.vocab, 1, stock.max_seq_len, 20):
            assert agree(program, program(xs), model.run(xs))


def test_the_report_says_under_which_limits_depth_is_minimal() -> None:
    said = [
        compiled("sort", heads, neurons).report().split("a layer may have  ")[1].split("\n")[0]
        for heads, neurons in ((None, None), (2, None), (1, 16))
    ]
    assert said == [
        "any number of heads and neurons",
        "up to 2 heads, any number of neurons",
        "up to 1 head, up to 16 neurons",
    ]


def test_a_limit_that_nothing_keeps_is_refused_with_what_would_do() -> None:
    with pytest.raises(shoal.BudgetError) as caught:
        compiled("sort_freq", 1, 1)
    message = "neurons_per_layer=1 is in the way: the smallest value that works is "
    assert message in str(caught.value)
    least = int(str(caught.value).split(message)[1].split()[0])
    assert compiled("sort_freq", 1, least).allocated.costs.neurons == least


def test_the_stricter_of_a_budget_and_a_limit_counts() -> None:
    for budget, limit in ((1, 2), (2, 1)):
        model = compiled("sort", limit, None, budget=shoal.Budgets(max_heads=budget))
        assert model.allocated.costs.heads == 1
    with pytest.raises(shoal.BudgetError, match="max_neurons=2 is in the way"):
        compiled("sort", None, 3, budget=shoal.Budgets(max_neurons=2))


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "many"])
def test_limits_are_whole_numbers(limit: object) -> None:
    for name in ("heads_per_layer", "neurons_per_layer"):
        with pytest.raises(shoal.InvalidOptionError, match=f"the limit {name} is"):
            shoal.Limits(**{name: limit})
