"""What is to be small, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

import shoal
from shoal.options import ALL
from shoal.rasp.stock import STOCK
from shoal_cli.main import main
from tests.support import agree, random_sequences

WITHOUT_NARROW = [name for name in ALL if name != "narrow"]


def compiled(name: str, **options: Any) -> shoal.Model:
    stock = STOCK[name]
    return shoal.compile(
        stock.make(stock.max_seq_len), vocab=stock.vocab, max_seq_len=stock.max_seq_len, **options
    )


def test_what_is_not_named_comes_in_its_usual_order() -> None:
    usual = compiled("sort_freq").allocated
    named = compiled("sort_freq", objective=("layers", "width")).allocated
    assert named.costs == usual.costs
    assert [o.name for o in named.objectives] == ["layers", "width", "neurons", "heads", "total"]


@pytest.mark.parametrize("passes", ["all", WITHOUT_NARROW])
@pytest.mark.parametrize("first", ["width", "neurons", "total"])
def test_what_comes_first_is_smallest(first: str, passes: Any) -> None:
    for name in ("detect_pattern", "sort_freq"):
        usual = compiled(name, passes=passes).allocated.costs
        model = compiled(name, passes=passes, objective=(first,))
        costs = model.allocated.costs
        assert getattr(costs, first) <= getattr(usual, first)
        assert model.atlas.proofs[0].objective == first
        assert "layers" in model.report().splitlines()[0]


@pytest.mark.parametrize("passes", ["all", WITHOUT_NARROW])
def test_few_parameters_are_counted(passes: Any) -> None:
    fewer = 0
    for name in ("reverse", "sort_freq", "double_hist"):
        usual = compiled(name, passes=passes)
        few = compiled(name, passes=passes, objective="layers, parameters")
        fewest = compiled(name, passes=passes, objective=["parameters"])
        assert few.num_layers == usual.num_layers
        assert fewest.num_parameters <= few.num_parameters <= usual.num_parameters
        fewer += fewest.num_parameters < usual.num_parameters
        proofs = {proof.objective: proof for proof in few.atlas.proofs}
        assert proofs["layers"].is_optimal
        assert proofs["parameters"].value == few.num_parameters
        assert not proofs["parameters"].is_optimal
        stock = STOCK[name]
        for xs in random_sequences(stock.vocab, 1, stock.max_seq_len, 20):
            wanted = stock.make(stock.max_seq_len)(xs)
            assert agree(fewest.program, wanted, fewest.run(xs))
    assert fewer


def test_width_before_parameters() -> None:
    narrowest = compiled("sort_freq", objective=("width",))
    few = compiled("sort_freq", objective=("width", "parameters"))
    assert few.d_model <= narrowest.d_model
    assert few.num_parameters <= narrowest.num_parameters


def test_budgets_hold_for_few_parameters() -> None:
    assert compiled("reverse", objective="parameters", budget=shoal.Budgets(max_layers=2))
    with pytest.raises(shoal.BudgetError, match="max_layers=1 is in the way"):
        compiled("reverse", objective="parameters", budget=shoal.Budgets(max_layers=1))


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ("depth", "there is no objective 'depth'; known: layers, width, .* parameters"),
        (("layers", "layers"), "the objective 'layers' is there twice"),
        ((), "objective is .*such as .*layers.*parameters"),
        (5, "objective is 5"),
        ((None,), "there is no objective None"),
    ],
)
def test_objectives_that_make_no_sense_are_refused(objective: Any, message: str) -> None:
    with pytest.raises(shoal.InvalidOptionError, match=message):
        compiled("reverse", objective=objective)


def test_heuristics_do_not_look_at_it() -> None:
    with pytest.raises(shoal.InvalidOptionError, match="longest-path does not look at the obj"):
        compiled("reverse", objective="width", allocator="longest-path")


def test_the_command_line_takes_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "sort_freq", "--objective", "neurons,layers"]) == 0
    assert "neurons per MLP   14" in capsys.readouterr().out
    assert main(["compile", "reverse", "--objective", "depth"]) == 2
    assert "there is no objective 'depth'" in capsys.readouterr().err
