"""What is written together shares columns where sums of it are read, and names are given up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

import shoal
from shoal import rasp
from shoal.errors import UnreadableError
from shoal.options import ALL, SMALLEST, pass_names
from shoal.rasp.stock import STOCK
from tests.program.programs import LONGEST, VOCAB, s_ops
from tests.support import accepted, agree, interpreted, right


def stock_model(name: str, **options: object) -> shoal.Model:
    stock = STOCK[name]
    program = stock.make(stock.max_seq_len)
    return shoal.compile(program, vocab=stock.vocab, max_seq_len=stock.max_seq_len, **options)  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(s_ops())
def test_random_programs_agree(program: rasp.SOp) -> None:
    model = accepted(program, vocab=VOCAB, max_seq_len=LONGEST, passes="smallest")
    inputs = [[VOCAB[0]], list(VOCAB[:2]), [VOCAB[1]] * LONGEST]
    for xs, wanted in interpreted(program, inputs):
        assert agree(program, wanted, model.run(xs))


@pytest.mark.parametrize("name", [name for name, stock in STOCK.items() if stock.benchmark])
def test_stock_programs_are_as_narrow_as_their_bound(name: str) -> None:
    usual, smallest = stock_model(name), stock_model(name, passes="smallest")
    assert smallest.d_model == smallest.width_bound
    assert smallest.d_model <= usual.d_model
    assert smallest.num_layers == usual.num_layers
    assert "columns to spare" not in smallest.report()


@pytest.mark.parametrize("causal", [False, True])
def test_heads_of_which_a_difference_is_read_share_a_column(causal: bool) -> None:
    first = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LEQ)
    second = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.EQ)
    number = rasp.numerical(rasp.Map(lambda t: t * t, rasp.tokens))
    low = rasp.numerical(rasp.Aggregate(first, number)).named("low")
    own = rasp.numerical(rasp.Aggregate(second, number)).named("own")
    program = rasp.SequenceMap(lambda x, y: x - y > 1, low, own).named("is far")
    where = {"vocab": (0, 1, 3), "max_seq_len": 4, "causal": causal}
    usual = right(program, **where)  # type: ignore[arg-type]
    model = right(program, passes="smallest", **where)  # type: ignore[arg-type]
    assert model.d_model <= usual.d_model
    assert usual.given_up == ()


def test_what_has_no_name_shares_columns_and_names_have_their_own() -> None:
    """Of two means the difference alone is read; whoever gives them names can read both."""
    number = rasp.numerical(rasp.Map(lambda t: t * t, rasp.tokens))
    low = rasp.Aggregate(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LEQ), number)
    earlier = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ)
    mean = rasp.Aggregate(earlier, number)
    where: dict[str, Any] = {"vocab": (0, 1, 3), "max_seq_len": 4, "reuse": False}
    nameless = right(rasp.SequenceMap(lambda x, y: x - y > 1, low, mean), **where)
    named = (low.named("low"), mean.named("mean"))
    program = rasp.SequenceMap(lambda x, y: x - y > 1, *named)
    apart = right(program, **where)
    assert nameless.d_model < apart.d_model
    for s_op, name in zip(named, ("low", "mean"), strict=True):
        assert apart.read(name, [3, 0, 1]) == pytest.approx(s_op([3, 0, 1]))
        assert apart.write(name, [3, 0, 1], apart.read(name, [3, 0, 1])) == program([3, 0, 1])


def test_names_that_are_given_up_are_said(tmp_path: Path) -> None:
    model = stock_model("shuffle_dyck2", passes="smallest")
    assert model.given_up == ("share of (", "share of )", "share of {", "share of }")
    assert "names given up    share of (, share of ), share of {, share of }" in model.report()
    with pytest.raises(UnreadableError, match="without the pass joint names stay"):
        model.read("share of (", ["("])
    assert model.read("length", list("()(")) == [3, 3, 3]
    path = tmp_path / "smallest.safetensors"
    model.save(path)
    assert shoal.load(path).given_up == model.given_up
    assert stock_model("shuffle_dyck2").given_up == ()


def test_what_is_not_narrow_enough_is_said() -> None:
    model = stock_model("dyck2_ptf", passes="smallest")
    assert model.width_bound is not None
    if model.d_model > model.width_bound:
        assert "columns to spare" in model.report()


def test_words_for_passes() -> None:
    assert pass_names("smallest") == SMALLEST == (*ALL, "joint")
    assert pass_names(["all", "joint"]) == SMALLEST
    assert set(pass_names(["smallest", "binary"])) == {*SMALLEST, "binary"}
    with pytest.raises(shoal.InvalidOptionError, match='give "narrow" as well, or "smallest"'):
        pass_names("joint")
    with pytest.raises(shoal.InvalidOptionError, match='"all", "none" or "smallest"'):
        pass_names("small")


def test_a_small_number_is_not_read_off_a_large_one_beside_it() -> None:
    far = rasp.numerical(rasp.Map(lambda t: t - 100, rasp.tokens)).named("far")
    program = rasp.Map(lambda x: x > 0, far)
    model = right(program, vocab=(2**53 + 1, 3, 7), max_seq_len=1, passes="smallest")
    assert "far" in model.given_up or model.read("far", [3]) == pytest.approx([-97])


@pytest.mark.parametrize("sign", [1, -1])
def test_shared_columns_that_may_be_negative_are_erased(sign: int) -> None:
    """Sums of means, of which the least is below what their dimensions are by themselves."""
    earlier = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ)
    same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    number = rasp.numerical(rasp.Map(lambda t: sign * (t - 5), rasp.tokens))
    low = rasp.numerical(rasp.Aggregate(earlier, number))
    own = rasp.numerical(rasp.Aggregate(same, rasp.numerical(rasp.indices)))
    total = rasp.numerical(rasp.LinearSequenceMap(low, own, 1, 1))
    large = rasp.Map(lambda x: x > 0, total)
    there = rasp.Select(large, large, rasp.Comparison.EQ)
    right(rasp.SelectorWidth(there), vocab=(1, 3, 7), max_seq_len=4, passes="smallest")
