"""Named s-ops are read from the stream, however they are represented."""

from __future__ import annotations

import pytest

import shoal
from shoal import rasp
from shoal.errors import UnreadableError
from shoal.program.trace import trace_with_expressions
from shoal.rasp.stock import STOCK
from tests.support import WIDE, agree, random_sequences


@pytest.mark.slow
@pytest.mark.parametrize("passes", ["all", "none"])
@pytest.mark.parametrize("name", STOCK)
def test_every_s_op_can_be_read(name: str, passes: str) -> None:
    stock = STOCK[name]
    program = stock.make(stock.max_seq_len)
    model = shoal.compile(program, vocab=stock.vocab, max_seq_len=stock.max_seq_len, passes=passes)
    checked = set()
    expressions = trace_with_expressions(program, causal=False).expressions
    for tokens in random_sequences(stock.vocab, 1, stock.max_seq_len, 4):
        values = rasp.evaluate_all(program, tokens)
        for node in model.optimised.original.program:
            expression = expressions[node.id]
            if node.is_sop and id(expression) in values:
                wanted = values[id(expression)]
                assert agree(expression, wanted, model.read(node.label, tokens)), node.label
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
    assert agree(width, [2, 1, 2], model.read("width", ["a", "b", "a"]))


def test_a_value_that_is_always_none_can_be_read() -> None:
    nothing = rasp.SequenceMap(lambda x, y: None, rasp.indices, rasp.tokens)
    same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    program = rasp.Aggregate(same, nothing).named("program")
    model = shoal.compile(program, vocab=["a", "b"], max_seq_len=1)
    assert model.run(["a"]) == model.read("program", ["a"]) == [None]


def test_a_range_of_numbers_that_nothing_needs_is_not_there() -> None:
    earlier = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ)
    numbers = rasp.numerical(rasp.Map(lambda x: {"a": 0.123, "b": 1.777}[x], rasp.tokens))
    mean = rasp.numerical(rasp.Aggregate(earlier, numbers, default=0))
    mean = rasp.numerical(rasp.Aggregate(earlier, mean, default=0)).named("mean")
    nothing = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.FALSE)
    program = rasp.numerical(rasp.Aggregate(nothing, mean, default=1.0))
    model = shoal.compile(program, vocab={"a", "b"}, max_seq_len=12)
    assert model.variables["mean"].encoding == "dropped"
    with pytest.raises(shoal.InvalidInputError, match="nothing that its result needs reads it"):
        model.read("mean", ["a"])


def test_labels_of_views_and_averages_say_what_they_are() -> None:
    is_a = (rasp.tokens == "a").named("is_a")
    earlier = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LEQ)
    mean = rasp.keep(rasp.Aggregate(earlier, rasp.indices).named("mean"))
    program = rasp.SequenceMap(lambda x, y: (x, y), is_a, mean)
    model = shoal.compile(program, vocab={"a", "b"}, max_seq_len=3, passes=WIDE)
    assert model.variables["is_a"].labels == ("is_a:False", "is_a:True")
    assert model.variables["mean"].encoding == "distribution"


def test_merged_labels_are_clear_where_values_hold_the_bar() -> None:
    previous = rasp.Select(rasp.indices, rasp.indices, lambda key, query: key == query - 1)
    before = rasp.Aggregate(previous, rasp.tokens, default="a|b")
    same = rasp.Select(before, before, lambda k, q: (k in "ab") == (q in "ab"))
    width = rasp.SelectorWidth(same)
    model = shoal.compile(width, vocab={"a", "b", "c", "a|b"}, max_seq_len=3, passes=WIDE)
    assert set(model.variables["tokens"].labels) == {"tokens:'a'|'b'", "tokens:'a|b'|'c'"}


def rank(x: int, y: int) -> int:
    return 100 * x + y


def test_an_operand_that_makes_no_difference_need_not_be_there() -> None:
    """What a named s-op does not look at is dropped, and it can be read all the same."""
    key = rasp.SequenceMap(rank, rasp.indices, rasp.indices)
    width = rasp.SelectorWidth(rasp.Select(key, key, rasp.Comparison.LT))
    number = rasp.numerical(rasp.SequenceMap(rank, rasp.indices, rasp.indices))
    first = rasp.SequenceMap(lambda x, y: x, number, width).named("first")
    program = rasp.SequenceMap(lambda x, y: x < y, width, first)
    model = shoal.compile(program, vocab=["a", "b"], max_seq_len=3)
    assert model.read("first", ["a", "b", "a"]) == [0, 101, 202]


def test_an_operand_of_which_only_parts_are_held_is_enough_where_no_more_matters() -> None:
    same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    previous = rasp.Select(rasp.indices, rasp.indices, lambda key, query: key + 1 == query)
    width = rasp.SelectorWidth(same)
    moved = rasp.Aggregate(previous, width, default=0)
    large = rasp.Map(lambda n: n > 1, moved).named("large")
    program = rasp.SequenceMap(lambda x, y: x and y == "a", large, rasp.tokens)
    model = shoal.compile(program, vocab=["a", "b"], max_seq_len=4)
    for xs in random_sequences("ab", 1, 4, 20):
        assert agree(large, large(xs), model.read("large", xs))


def test_what_float32_takes_too_far_off_is_not_read() -> None:
    """Its reader does not mind, so that the program is compiled; but no number would be true."""
    same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    large = rasp.numerical(rasp.Aggregate(same, rasp.tokens)).named("large")
    program = rasp.SequenceMap(lambda x, y: x, rasp.tokens, large)
    model = shoal.compile(program, vocab=[2**53 + 1, 7], max_seq_len=2, passes="none")
    assert model.run([7, 2**53 + 1]) == [7, 2**53 + 1]
    with pytest.raises(shoal.errors.UnreadableError, match="may take it off by") as error:
        model.read("large", [7, 2**53 + 1])
    assert error.value.inexact


def test_what_is_held_in_blocks_says_so_though_an_operand_is_not_there() -> None:
    """The allocator may compute a merged value without one of the operands that it is looked up by.

    Found by fuzzing: the message said that the operand is not there, which keeping the value cures.
    """
    others = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.NEQ)
    mean = rasp.Aggregate(others, rasp.tokens)
    is_alone = rasp.Aggregate(others, rasp.tokens * 0, default=1)
    both = rasp.SequenceMap(lambda x, y: (x, y), mean, is_alone)
    program = rasp.Map(len, both)
    model = shoal.compile(program, vocab={0, 1, 2, 3}, max_seq_len=2)
    with pytest.raises(UnreadableError, match="in full"):
        model.read("sequence_map", [0, 1])
    named = rasp.Map(len, rasp.keep(both.named("both")))
    kept = shoal.compile(named, vocab={0, 1, 2, 3}, max_seq_len=2)
    assert kept.read("both", [0, 1]) == [(1.0, 0.0), (0.0, 0.0)]


def test_what_a_constant_result_does_not_need_is_said_to_be_in_no_column() -> None:
    width = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.TRUE))
    width = width.named("width")
    model = shoal.compile(width - width, vocab=["a", "b"], max_seq_len=3)
    assert model.run(["a", "b"]) == [0, 0]
    with pytest.raises(UnreadableError, match="nothing that its result needs reads it") as caught:
        model.read("width", ["a", "b"])
    assert not caught.value.merged


def test_what_follows_from_what_nothing_needs_is_said_to_be_missing() -> None:
    """Where a share is defined at all it is of one, so that nobody looks at how many there are."""
    count = rasp.SelectorWidth(rasp.Select(rasp.indices, rasp.Full(1), rasp.Comparison.EQ))
    share = rasp.SequenceMap(lambda x, y: x / y, rasp.tokens, count.named("count")).named("share")
    model = shoal.compile(rasp.Map(lambda x: x % 2, share), vocab=(0, 1, 3), max_seq_len=3)
    for name, says in (("count", "reads it"), ("share", "reads 'count', from which it follows")):
        with pytest.raises(UnreadableError, match=says) as caught:
            model.read(name, [3, 1, 0])
        assert not caught.value.merged


def test_what_is_stored_in_part_says_so_though_it_is_made_of_what_is_not_there() -> None:
    same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    nothing = rasp.Aggregate(same, rasp.indices) - rasp.Aggregate(same, rasp.indices)
    far = rasp.SequenceMap(lambda x, t: 1000 * t + x, nothing, rasp.tokens)
    program = rasp.SelectorWidth(rasp.Select(far, far, rasp.Comparison.LT))
    model = shoal.compile(program, vocab=[0, 1, 2, 3], max_seq_len=2, passes=["narrow"])
    with pytest.raises(UnreadableError, match="tells all its values apart") as caught:
        model.read("sequence_map_2", [0, 1])
    assert caught.value.merged
