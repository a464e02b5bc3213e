"""What notebooks show: short texts, and cards that are whole, safe and not too long."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

import shoal
from shoal import rasp
from shoal.rasp.stock import STOCK
from shoal_analysis.pictures.allocation import MOST_COLUMNS, allocation_svg
from shoal_analysis.pictures.bars import Bars, bars_of_atlas


def compiled(name: str, length: int = 6, **options: object) -> shoal.Model:
    stock = STOCK[name]
    return shoal.compile(stock.make(length), vocab=stock.vocab, max_seq_len=length, **options)


def bars(model: shoal.Model) -> Bars:
    return bars_of_atlas(model.atlas, model.num_layers, model.d_model)


@pytest.mark.parametrize("name", STOCK)
def test_reprs_are_short(name: str) -> None:
    model = compiled(name, 10)
    passed = model.run_ids(model.ids([list(STOCK[name].vocab)[:1]]))
    things = (
        model,
        model.atlas,
        model.weights,
        model.variables,
        passed,
        model.lowered,
        model.craft,
    )
    for thing in things:
        assert len(repr(thing)) < 1000, type(thing)
    assert repr(model).startswith(f"<Model of {model.atlas.output!r}: {model.num_layers} layer")


@pytest.mark.parametrize("name", STOCK)
def test_pictures_of_allocations_are_well_formed_and_hold_every_variable(name: str) -> None:
    model = compiled(name)
    picture = ElementTree.fromstring(allocation_svg(bars(model)))
    tips = {e.text for e in picture.iter("{http://www.w3.org/2000/svg}title")}
    for place in model.atlas.places.values():
        if place.columns:
            assert any(tip and tip.startswith(f"{place.name}: ") for tip in tips), place.name


def test_cards_say_what_is_proven_and_where_values_are() -> None:
    card = compiled("shuffle_dyck1")._repr_html_()
    for part in ("share of (", "layers", "proven", "embedding", "head 0", "view of", "<svg"):
        assert part in card
    assert len(card) < 100_000
    assert "<script" not in card


def test_names_and_values_of_users_are_escaped() -> None:
    program = rasp.Map(lambda t: t, rasp.tokens).named("<script>alert(1)</script>")
    model = shoal.compile(program, vocab=["<b>", "&"], max_seq_len=2)
    card = model._repr_html_() + model.variables._repr_html_()
    assert "<script" not in card
    assert "<b>" not in card


def test_pictures_of_large_models_say_what_they_leave_out() -> None:
    model = shoal.compile(
        rasp.Map(lambda i: -i, rasp.indices), vocab=["a"], max_seq_len=600, passes="none"
    )
    picture = allocation_svg(bars(model))
    assert f"{model.d_model - MOST_COLUMNS} further columns are left out" in picture
    ElementTree.fromstring(picture)


def test_loaded_models_have_cards_too(tmp_path: object) -> None:
    model = compiled("hist")
    model.save(f"{tmp_path}/hist.safetensors")
    assert shoal.load(f"{tmp_path}/hist.safetensors")._repr_html_() == model._repr_html_()
