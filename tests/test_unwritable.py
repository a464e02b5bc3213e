"""Patches that lead to what a model was not made for, as the smallest programs that showed it."""

from __future__ import annotations

import pytest

import shoal
from shoal import rasp
from shoal.options import ALL
from shoal.rasp.stock import STOCK


def test_a_helper_is_read_by_what_it_is_there_for() -> None:
    """One head computes a number, and a mean that neurons decode: both see the new value."""
    earlier = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LT)
    count = rasp.Map(lambda n: n % 3, rasp.numerical(rasp.SelectorWidth(earlier)))
    number = rasp.numerical(rasp.SequenceMap(lambda x, y: 3 * x + y, count, count)).named("number")
    less = rasp.Select(number, number, rasp.Comparison.LT)
    mean = rasp.numerical(rasp.Aggregate(less, number, default=-1))
    program = mean - rasp.Aggregate(less, number)
    model = shoal.compile(program, vocab=[1, 2, 3, 4], max_seq_len=4)
    assert model.write("number", [1, 2, 3, 4], [0, 8, 4, 8]) == [None, 0, 0, 0]


def test_a_refusal_names_what_was_to_be_replaced() -> None:
    stock = STOCK["sort"]
    passes = [name for name in ALL if name != "histograms"]
    model = shoal.compile(stock.make(4), vocab=stock.vocab, max_seq_len=4, passes=passes)
    with pytest.raises(shoal.UnwritableError, match="'unique_keys' cannot be replaced") as caught:
        model.write("unique_keys", [3, 1, 2], [1.0, 3.25, 2.5])
    assert caught.value.expression == "unique_keys"
    assert "without 'unique_keys' ever being there" in caught.value.reason


def test_a_selector_whose_queries_all_look_alike_is_not_taken_to_be_followed() -> None:
    """Nothing reads the query of a selector that is the same for all queries on every input."""
    index = rasp.LinearSequenceMap(rasp.indices, rasp.indices, 2, 3)
    ordered = rasp.SequenceMap(lambda i, t: 100 * i + t, rasp.indices, rasp.tokens).named("ordered")
    less = rasp.Comparison.LT
    selector = ~(~rasp.Select(ordered, ordered, less) & rasp.Select(ordered, index, less))
    model = shoal.compile(rasp.SelectorWidth(selector), vocab=[1, 1.0], max_seq_len=2, causal=True)
    with pytest.raises(shoal.UnwritableError, match="cannot be replaced"):
        model.write("ordered", [1, 1.0], [101, 1.0])


def test_an_s_op_that_an_input_stands_for_does_not_follow_its_own_operands() -> None:
    def ordered() -> rasp.SOp:
        return rasp.SequenceMap(lambda x, y: 100 * x + y, rasp.indices, rasp.indices)

    earlier = rasp.SelectorWidth(rasp.Select(ordered(), ordered(), rasp.Comparison.LT))
    model = shoal.compile(earlier, vocab=["a"], max_seq_len=2)
    with pytest.raises(shoal.UnwritableError, match="cannot be replaced"):
        model.write("indices", ["a", "a"], [1, 1])


def test_none_does_not_meet_what_it_never_meets() -> None:
    """What looks two ahead is None before the end, and there the index is 0 or the last one."""
    ahead = rasp.Select(rasp.indices, rasp.indices % 2 == 0, lambda k, q: k == q + 1)
    is_late = (rasp.indices > 0).named("is late")
    found = rasp.Aggregate(ahead, rasp.indices) > 0
    program = is_late & found
    assert program(["c", "c"]) == [None, True]
    model = shoal.compile(program, vocab=["a", "b", "c"], max_seq_len=3)
    with pytest.raises(shoal.UnwritableError, match="they have on no input"):
        model.write("is late", ["c", "c"], [True, True])


def test_aggregates_that_are_one_do_not_both_follow_what_only_one_of_them_fetches() -> None:
    number = rasp.Map(lambda t: t, rasp.tokens).named("number")
    same = rasp.Select(number, number, rasp.Comparison.EQ)
    fetched = rasp.Aggregate(same, number), rasp.Aggregate(same, rasp.tokens)
    program = rasp.SequenceMap(lambda x, y: (x, y), *fetched)
    passes = ["common-subexpressions"]
    model = shoal.compile(program, vocab=[0, 1, 2, 3], max_seq_len=1, passes=passes)
    with pytest.raises(shoal.UnwritableError, match="cannot be replaced"):
        model.write("number", [0], [3])
    assert model.write("tokens", [0], [3]) == [(3, 3)]


def test_means_of_which_a_difference_alone_is_stored_do_not_meet_what_they_never_meet() -> None:
    is_positive = rasp.Map(lambda t: t > 0, rasp.tokens).named("is positive")
    even = rasp.Select(rasp.tokens, rasp.indices, lambda k, q: (k + q) % 2 == 0)
    program = rasp.Aggregate(even, rasp.tokens) - rasp.Aggregate(even, is_positive)
    apart = [name for name in ALL if name != "narrow"]
    model = shoal.compile(program, vocab=[0, 1, 2, 3], max_seq_len=2, passes=apart)
    assert model.write("is positive", [1, 2], [True, True]) == program([1, 2])
    shared = shoal.compile(program, vocab=[0, 1, 2, 3], max_seq_len=2)
    assert shared.read("is positive", [1, 2]) == [True, True]
    for either in (model, shared):
        with pytest.raises(shoal.UnwritableError, match="cannot be replaced"):
            either.write("is positive", [1, 2], [True, False])


def test_what_is_fetched_by_way_of_others_does_not_follow_where_that_is() -> None:
    """From one position on, and from there its opposite: which is where the length says it is."""
    opposite = rasp.SequenceMap(lambda i, n: n - 1 - i, rasp.indices, rasp.length)
    there = rasp.Select(rasp.indices, opposite, rasp.Comparison.EQ)
    both = rasp.SequenceMap(lambda x, y: (x, y), rasp.Aggregate(there, rasp.tokens), rasp.tokens)
    after = rasp.SequenceMap(lambda i, n: min(i + 1, n - 1), rasp.indices, rasp.length)
    program = rasp.Aggregate(rasp.Select(rasp.indices, after, rasp.Comparison.EQ), both)
    passes = ["common-subexpressions", "dead-code", "gathers"]
    model = shoal.compile(program, vocab=[-2, 1, 5], max_seq_len=4, passes=passes)
    with pytest.raises(shoal.UnwritableError, match="cannot be replaced"):
        model.write("length", [1, 5, -2], [2, 4, 3])


def test_an_s_op_that_an_input_stands_for_is_not_read_from_it_when_it_no_longer_equals_it() -> None:
    """The distance of two widths is the index, and follows an index that is replaced by widths."""
    ahead = rasp.Select(rasp.indices, rasp.indices, lambda k, q: k == q + 1)
    before_last = rasp.SelectorWidth(ahead)
    positive = rasp.Select(before_last, before_last, lambda k, q: k > 0)
    count = rasp.keep(rasp.SelectorWidth(positive))
    program = rasp.SequenceMap(lambda x, y: abs(x - y), before_last, count)
    model = shoal.compile(program, vocab=[0, 1, 2, 3], max_seq_len=2)
    with pytest.raises(shoal.UnwritableError, match="it would no longer be 'indices'"):
        model.write("indices", [1, 0], [1, 1])


@pytest.mark.parametrize("name", ["sort", "sort_unique", "sort_freq"])
def test_what_is_held_in_columns_that_end_early_is_replaced_with_the_rest(name: str) -> None:
    stock = STOCK[name]
    passes = [name for name in ALL if name != "histograms"]
    model = shoal.compile(stock.make(5), vocab=stock.vocab, max_seq_len=5, passes=passes)
    assert {"tokens", "tokens.early"} <= model.variables.keys()
    first, second, third, *_ = stock.vocab
    old, new = [second, first, first], [third, first, second]
    assert model.write("tokens", old, new) == model.program(new)
    assert model.read("tokens", old, shoal.Patch.values("tokens", new)) == new


def test_a_head_that_reads_a_value_in_one_role_follows_it_in_the_others() -> None:
    """What is looked for equals what is found, and both are read from the column of the tokens."""
    positive = rasp.Map(lambda t: t > 0, rasp.tokens).named("positive")
    same = rasp.numerical(rasp.Map(lambda x: x, positive)).named("same")
    above = rasp.Aggregate(rasp.Select(positive, same, lambda k, q: k == q + 1), same)
    program = rasp.Map(lambda x: x == 0, above)
    model = shoal.compile(program, vocab=[0, 1, 2, 3], max_seq_len=3)
    with pytest.raises(shoal.UnwritableError, match="it is made of"):
        model.write("positive", [0, 3], [True, False])


def test_the_decoder_does_not_read_around_what_is_computed_as_well() -> None:
    """The length so far is an index for the decoder, and one-hot for the head that looks for it."""
    size = rasp.numerical(rasp.Map(lambda n: n, rasp.length)).named("size")
    found = rasp.Aggregate(rasp.Select(size, rasp.tokens, rasp.Comparison.EQ), rasp.tokens)
    both = rasp.SequenceMap(lambda t, x: None if x is None else t, rasp.tokens, found)
    program = rasp.SequenceMap(max, size, both)
    options = {"vocab": [-2, 1, 5], "max_seq_len": 3, "causal": True}
    model = shoal.compile(program, **options)
    with pytest.raises(shoal.UnwritableError, match="where it would not be noticed"):
        model.write("length", [-2, 1, -2], [3, 1, 3])


def test_a_query_that_is_not_read_does_not_meet_a_key_that_it_never_meets() -> None:
    """Where all tokens differ, the key 0 is there at length 1 alone, as is the query 0."""
    others = rasp.Select(rasp.tokens, rasp.indices, rasp.Comparison.NEQ)
    middle = rasp.Aggregate(others, rasp.indices)
    floored = (rasp.indices + rasp.SequenceMap(max, rasp.tokens, middle)).named("floored")
    program = rasp.SelectorWidth(rasp.Select(floored, middle, rasp.Comparison.EQ))

    def all_differ(tokens: list[int]) -> bool:
        return len({*tokens}) == len(tokens)

    model = shoal.compile(program, vocab=[10, 1000, -1000], max_seq_len=2, inputs=all_differ)
    with pytest.raises(shoal.UnwritableError, match="cannot be told whether"):
        model.write("floored", [10, -1000], [0, 1.5])
    assert model.write("floored", [10, -1000], [0.5, 1.5]) == [1, 1]


def test_pairs_that_never_met_are_in_order_when_they_do() -> None:
    """What is compared by two values is put in order for all of them, whether they occur or not."""
    first = rasp.SequenceMap(lambda t, i: int((t, i) != (0, 1)), rasp.tokens, rasp.indices)
    first = first.named("first")
    less = rasp.Select(first, first, rasp.Comparison.LT)
    alike = rasp.Select(first, first, rasp.Comparison.EQ)
    earlier = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT)
    rank = rasp.SelectorWidth(less | (alike & earlier))
    there = rasp.Select(rank, rasp.Map(lambda t: 1, rasp.tokens), rasp.Comparison.EQ)
    fetched = rasp.Aggregate(there, rasp.indices, default=0.5)
    program = rasp.SequenceMap(lambda a, b: (a, b), fetched, first)
    model = shoal.compile(program, vocab=(0, 1), max_seq_len=2)
    assert model.write("first", [0, 0], [0, 0]) == [(1, 0), (1, 0)]


def test_a_view_does_not_meet_what_the_value_that_it_is_read_from_never_meets() -> None:
    """Whether the index is positive is read from the index, which is 1 where the mean is 0.5."""
    everything = rasp.Select(rasp.tokens, rasp.indices, rasp.Comparison.NEQ)
    after = rasp.Select(rasp.SelectorWidth(everything), rasp.indices, lambda k, q: k == q + 1)
    mean = rasp.Aggregate(after, rasp.indices, default=1)
    positive = (rasp.indices > 0).named("positive")
    alike = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    program = rasp.Aggregate(alike, positive & (mean > 0)) == 0
    passes = ("views", "positions", "identities", "constants", "cones")
    model = shoal.compile(program, vocab=list("abc"), max_seq_len=2, passes=passes)
    with pytest.raises(shoal.UnwritableError, match="'positive' cannot be replaced"):
        model.write("positive", list("ab"), [True, True])
    assert model.write("positive", list("ab"), [False, True]) == [True, False]


def test_what_is_held_beside_its_scores_is_compared_with_what_the_scores_decide() -> None:
    """What is kept is held, and follows; the decoder reads scores off the mean, and does not."""
    follows = rasp.Select(rasp.tokens, rasp.tokens, lambda k, q: k == q + 1)
    doubled = (rasp.Aggregate(follows, rasp.indices) * 2).named("doubled")
    program = rasp.keep(doubled > 0) & (doubled >= 0.5)
    model = shoal.compile(program, vocab=(0, 1, 2, 3), max_seq_len=2, passes="smallest")
    assert model.run([1, 2]) == [True, None]
    with pytest.raises(shoal.UnwritableError, match="decided by the decoder"):
        model.write("doubled", [1, 2], [2, 0])


def test_what_one_column_holds_does_not_meet_itself_as_something_else() -> None:
    """Whether a token is 0, and whether it is more, are one number, and are never both so."""
    alike = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    same = rasp.SequenceMap(lambda x, y: x, rasp.tokens, rasp.tokens).named("same")
    positive = rasp.numerical(same > 0)
    both = (rasp.Aggregate(alike, rasp.tokens) < 1) & positive
    others = ~rasp.Select(positive, rasp.tokens, rasp.Comparison.EQ)
    program = rasp.Aggregate(others, both) == 0
    model = shoal.compile(program, vocab=(0, 1, 2, 3), max_seq_len=1, passes="smallest")
    with pytest.raises(shoal.UnwritableError, match="on no input"):
        model.write("same", [0], [3])
