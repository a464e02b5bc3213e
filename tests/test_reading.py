"""Named s-ops are read from the stream, however they are represented."""

from __future__ import annotations

import pytest

import shoal
from shoal import rasp
from shoal.rasp.stock import STOCK
from tests.support import random_sequences, same_results


@pytest.mark.parametrize("passes", ["all", "none"])
@pytest.mark.parametrize("name", STOCK)
def test_every_s_op_can_be_read(name: str, passes: str) -> None:
    stock = STOCK[name]
    program = stock.make(stock.max_seq_len)
    model = shoal.compile(program, vocab=stock.vocab, max_seq_len=stock.max_seq_len, passes=passes)
    checked = set()
    for tokens in random_sequences(stock.vocab, 1, stock.max_seq_len, 4):
        values = rasp.evaluate_all(program, tokens)
        for node in model.optimised.original.program:
            if node.is_sop and id(node.expression) in values:
                wanted = values[id(node.expression)]
                assert same_results(wanted, model.read(node.label, tokens)), node.label
                checked.add(node.label)
    assert program.name in checked


def test_views_and_fused_values_say_what_they_are_of() -> None:
    model = shoal.compile(STOCK["shuffle_dyck1"].make(10), vocab=["(", ")"], max_seq_len=10)
    balance, never = model.variables["balance of ()"], model.variables["never_negative"]
    assert (balance.encoding, set(balance.of)) == ("view", {"share of (", "share of )"})
    assert balance.view is not None
    assert balance.view.matrix.tolist() == [[1.0], [-1.0]]
    assert (never.encoding, never.of) == ("fused", ("share_negative",))
    assert model.variables["share of ("].columns


def test_keep_materialises_what_would_be_a_view() -> None:
    program = rasp.keep((rasp.tokens == "a").named("is_a")) == rasp.Full(True)
    model = shoal.compile(program, vocab=["a", "b"], max_seq_len=3)
    assert model.variables["is_a"].encoding == "one-hot"
    assert {"is_a:True", "is_a:False"} <= set(model.residual_labels)


def test_an_unknown_name_lists_the_names() -> None:
    model = shoal.compile(STOCK["hist"].make(3), vocab=["a", "b"], max_seq_len=3)
    with pytest.raises(shoal.InvalidInputError, match=r"no s-op named 'histogram'; .*hist"):
        model.read("histogram", ["a"])


def test_a_numerical_width_that_is_only_there_undecoded_is_decoded() -> None:
    same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    width = rasp.numerical(rasp.SelectorWidth(same)).named("width")
    model = shoal.compile(rasp.Map(lambda w: w > 1, width), vocab=["a", "b"], max_seq_len=3)
    assert model.variables["width"].encoding == "fused"
    assert same_results([2, 1, 2], model.read("width", ["a", "b", "a"]))


def test_a_value_that_is_always_none_can_be_read() -> None:
    nothing = rasp.SequenceMap(lambda x, y: None, rasp.indices, rasp.tokens)
    same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    program = rasp.Aggregate(same, nothing).named("program")
    model = shoal.compile(program, vocab=["a", "b"], max_seq_len=1)
    assert model.run(["a"]) == model.read("program", ["a"]) == [None]
