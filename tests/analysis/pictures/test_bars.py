"""Bars are the same from an atlas and from the allocation that it was drawn from."""

from __future__ import annotations

from dataclasses import replace

import pytest

import shoal
from shoal.rasp.stock import STOCK
from shoal_analysis.pictures.bars import (
    Bar,
    Bars,
    bars_of_allocation,
    bars_of_atlas,
    bars_of_result,
    state_name,
)
from tests.analysis.pictures.solved import ALLOCATION, PROBLEM, RESULT


def compiled(name: str, **options: object) -> shoal.Model:
    stock = STOCK[name]
    return shoal.compile(stock.make(5), vocab=stock.vocab, max_seq_len=5, **options)


def without_words(bars: Bars) -> Bars:
    plain = (replace(bar, words="") for bar in bars.bars if bar.columns)
    return replace(bars, bars=tuple(sorted(plain, key=lambda bar: bar.name)))


@pytest.mark.parametrize("passes", ["none", "all"])
@pytest.mark.parametrize("name", STOCK)
def test_models_and_their_allocations_have_the_same_bars(name: str, passes: str) -> None:
    model = compiled(name, passes=passes)
    of_atlas = bars_of_atlas(model.atlas, model.num_layers, model.d_model)
    of_result = bars_of_result(model.problem, model.allocated)
    assert without_words(of_atlas) == without_words(of_result)
    assert max(of_atlas.occupancy) == model.allocated.costs.width == of_atlas.width
    assert of_atlas.full
    assert {(b.name, b.columns, b.first, b.last) for b in of_atlas.bars} == {
        (p.name, p.columns, p.first, p.last) for p in model.atlas.places.values()
    }


def test_what_is_proven_of_the_width_is_said() -> None:
    model = compiled("reverse", passes="none", allocator="longest-path")
    assert bars_of_result(model.problem, model.allocated).proof == "nothing proven"
    assert bars_of_atlas(model.atlas, model.num_layers, model.d_model).proof == "nothing proven"
    assert bars_of_result(PROBLEM, RESULT).proof == "at least 6 proven"
    assert bars_of_allocation(PROBLEM, ALLOCATION, 8).proof == "proven least"
    assert bars_of_allocation(model.problem, model.allocation).proof == "nothing proven"
    best = compiled("reverse")
    assert bars_of_result(best.problem, best.allocated).proof == "proven least"


def test_bars_that_are_not_of_neighbours_have_several_runs() -> None:
    assert Bar("x", (5, 0, 1, 4, 9), 0, 1, False).runs == [range(2), range(4, 6), range(9, 10)]
    assert Bar("x", (), 0, 1, False).runs == []


def test_states_are_named_for_what_was_added_last() -> None:
    assert [state_name(s) for s in range(4)] == ["embedding", "attention 0", "MLP 0", "attention 1"]
