"""Tables of forward passes, comparisons, allocations and results: whole, escaped, never long."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

import shoal
from shoal import rasp
from shoal.rasp.stock import STOCK
from shoal_analysis.comparison import Candidate, Comparison, Measurement, compare, totals
from shoal_solvers import Allocation, Placement

LONGEST = 30_000
"""Characters of a card, however large what it shows is."""


class Balanced(HTMLParser):
    """Every element that is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def shown(thing: object) -> str:
    text: str = thing._repr_html_()  # type: ignore[attr-defined]
    Balanced(text)
    assert len(text) <= LONGEST
    assert "<script" not in text
    return text


@pytest.fixture(scope="module")
def model() -> shoal.Model:
    stock = STOCK["reverse"]
    return shoal.compile(stock.make(6), vocab=stock.vocab, max_seq_len=6)


def test_forward_passes_show_shapes(model: shoal.Model) -> None:
    card = shown(model.run_ids(model.ids([["a", "b"], ["c"]])))
    assert f"<td>input_embeddings</td><td>1</td><td>2 x 7 x {model.d_model}</td>" in card
    assert f"<td>residuals</td><td>{2 * model.num_layers}</td>" in card
    assert "logits" in card


def test_applied_models_show_values_first(model: shoal.Model) -> None:
    card = shown(model.apply(["BOS", "a", "b"]))
    assert "<code>&#x27;b&#x27;</code> <code>&#x27;a&#x27;</code>" in card


def test_forward_passes_without_layers_and_of_numbers() -> None:
    nothing = shoal.compile(rasp.tokens, vocab=["<script>"], max_seq_len=1)
    shown(nothing.apply(["BOS", "<script>"]))
    numbers = shoal.compile(
        rasp.numerical(rasp.Map(lambda i: i / 2, rasp.indices)), vocab=["a"], max_seq_len=300
    )
    card = shown(numbers.apply(["BOS", *["a"] * 300]))
    assert "237 further values are left out" in card


def test_comparisons_show_every_measurement() -> None:
    candidates = [Candidate("<script>", STOCK["hist"].make(3), ("a", "b"), 3)]
    table = compare(candidates, {"all": "all"}, ["critical-path", "cp-sat"])
    card = shown(table)
    assert card.count("<td>&lt;script&gt;</td>") == len(table) == 2
    assert shown(totals(table)).count("<td>total</td>") == 2
    many = Comparison((Measurement("p", "all", "cp-sat", 1, 2, 2, 3, 4, 5, 6, 0.1, "all"),) * 250)
    assert isinstance(many[:3], Comparison)
    assert "150 further measurements are left out" in many._repr_html_()


def test_results_show_what_is_proven(model: shoal.Model) -> None:
    card = shown(model.allocated)
    for objective in model.allocated.objectives:
        assert f"<td>{objective.name}</td><td>{objective.value:,}</td>" in card
    assert "attention 1" in card
    assert "interrupted" in shown(replace(model.allocated, interrupted=True))


def test_allocations_show_half_layers_and_columns(model: shoal.Model) -> None:
    card = shown(model.allocation)
    for name in (*model.allocation.placements, *model.allocation.columns):
        assert name in card


def test_large_allocations_are_cut_short() -> None:
    names = [f"<script>{i}" * 30 for i in range(500)]
    large = Allocation(
        300,
        {name: Placement(i % 600, i % 3) for i, name in enumerate(names)},
        {},
        {name: tuple(range(400)) for name in names},
    )
    card = shown(large)
    assert "further rows are left out" in card
    assert "392 more" in card
    shown(Allocation(0, {}, {}, {}))
