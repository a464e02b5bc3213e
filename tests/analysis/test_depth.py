"""Why no layer fewer would do: two inputs, or everything that is offered."""

from __future__ import annotations

import pytest

import shoal
from shoal.errors import InvalidOptionError
from shoal.rasp import Map, indices, tokens
from shoal.rasp.stock import STOCK
from shoal_analysis.depth import prove_depth

ANY = shoal.Limits()
FEW = shoal.Limits(heads_per_layer=1, neurons_per_layer=8)


@pytest.mark.parametrize("limits", [ANY, FEW], ids=["any", "few"])
@pytest.mark.parametrize(
    "name",
    [
        "reverse",
        "shuffle_dyck1",
        "shuffle_dyck2",
        "sort_unique",
        "sort_freq",
        "copy_previous",
        "dyck1_ptf",
    ],
)
def test_no_layer_fewer_would_do(name: str, limits: shoal.Limits) -> None:
    stock = STOCK[name]
    options = {"vocab": stock.vocab[:2], "max_seq_len": 3, "limits": limits}
    model = shoal.compile(stock.make(3), **options)
    proof = prove_depth(stock.make(3), most_layers=5, **options)
    assert proof.is_complete
    assert proof.layers == model.num_layers > 1
    assert proof.steps > 0


@pytest.mark.parametrize(
    "name",
    [
        "length",
        "hist",
        "frac_prevs",
        "pair_balance",
        "count",
        "shift",
        "count_less_freq",
        "double_hist",
    ],
)
def test_a_layer_is_needed_whatever_the_weights(name: str) -> None:
    stock = STOCK[name]
    program = stock.make(3)
    proof = prove_depth(program, most_layers=3, vocab=stock.vocab[:2], max_seq_len=3)
    assert proof.layers == 1
    assert proof.witness is not None
    position = proof.witness.position
    one, other = proof.witness.inputs
    assert one[position] == other[position]
    assert (program(one)[position], program(other)[position]) == proof.witness.results
    assert proof.witness.results[0] != proof.witness.results[1]


def test_what_token_and_position_determine_needs_none() -> None:
    proof = prove_depth(tokens + indices, most_layers=2, vocab=(0, 1), max_seq_len=3)
    assert (proof.layers, proof.witness) == (0, None)


def test_inputs_on_which_a_program_raises_are_no_witnesses() -> None:
    inverse = Map(lambda t: 1 // t, tokens)
    assert prove_depth(inverse, most_layers=2, vocab=(0, 1), max_seq_len=2).witness is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"most_layers": "a"}, "most_layers is 'a'"),
        ({"most_layers": -1}, "most_layers is -1"),
        ({"most_steps": -5}, "most_steps is -5"),
        ({"inputs": [[0]]}, "leave inputs out"),
        ({"max_seq_len": 10**12}, "more than 65,536 inputs of up to 1000000000000 tokens"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object], says: str) -> None:
    given = {"most_layers": 1, "vocab": (0, 1), "max_seq_len": 2, **options}
    with pytest.raises(InvalidOptionError, match=says):
        prove_depth(tokens + indices, **given)


def test_more_inputs_than_can_be_looked_at_are_refused() -> None:
    with pytest.raises(InvalidOptionError, match="more than 65,536 inputs of up to 9 tokens of 8"):
        prove_depth(indices, most_layers=1, vocab=range(8), max_seq_len=9)
