from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal.contract import all_agree
from shoal.options import ALL
from shoal.program.passes.booleans_as_sums import BOOLEANS_AS_SUMS, decide_later
from shoal.rasp import (
    Aggregate,
    Comparison,
    Full,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    numerical,
    tokens,
)
from shoal.rasp.stock import STOCK
from tests.program.passes.facts import rewrite

EVERYWHERE = Select(tokens, tokens, Comparison.TRUE)
BEFORE = Select(indices, indices, Comparison.LEQ)
UNFUSED = tuple(name for name in ALL if name != "cones")
"""Without cones, which would decide booleans early at the price of neurons."""


def share(token: str) -> SOp:
    return numerical(Aggregate(BEFORE, numerical(tokens == token)))


def more(first: str, second: str) -> SOp:
    """Whether one token has come more often than another."""
    return SequenceMap(lambda x, y: x > y + 1e-3, share(first), share(second))


def test_two_layers_do_for_what_took_three() -> None:
    for name in ("shuffle_dyck2", "shuffle_dyck3"):
        stock = STOCK[name]
        program = stock.make(stock.max_seq_len)
        options: dict[str, Any] = {"vocab": stock.vocab, "max_seq_len": stock.max_seq_len}
        model = shoal.compile(program, **options)
        without = [name for name in ALL if name != BOOLEANS_AS_SUMS]
        before = shoal.compile(program, **options, passes=without)
        assert (model.num_layers, before.num_layers) == (2, 3)
        assert [proof.is_optimal for proof in model.atlas.proofs[:1]] == [True]
        (saved,) = [s for s in model.atlas.savings if s.name == BOOLEANS_AS_SUMS]
        assert saved.count == 2


def test_what_is_left_out_is_read_and_followed() -> None:
    either = (more("a", "b") | more("b", "c")).named("either")
    ever = numerical(Aggregate(EVERYWHERE, numerical(either), default=0)).named("ever")
    program = Map(lambda share: share == 0, ever).named("never")
    model = shoal.compile(program, vocab=list("abc"), max_seq_len=4, passes=UNFUSED)
    assert BOOLEANS_AS_SUMS in {s.name for s in model.atlas.savings if s.count}
    for tokens_ in map(list, product("abc", repeat=3)):
        assert model.run(tokens_) == program(tokens_)
        assert model.read("either", tokens_) == either(tokens_)
        assert all_agree(ever(tokens_), model.read("ever", tokens_), numerical=True)
    assert model.write("ever", list("abca"), [False] * 4) == [True] * 4
    with pytest.raises(shoal.UnwritableError, match="takes for granted what 'ever' is"):
        model.write("either", list("abca"), [False] * 4)


@pytest.mark.parametrize(
    "reader",
    [
        Map(lambda share: share > 0.4, Aggregate(EVERYWHERE, more("a", "b") | more("b", "c"))),
        Aggregate(EVERYWHERE, numerical(more("a", "b") | more("b", "c"))),  # the mean itself
        Map(bool, Aggregate(EVERYWHERE, more("a", "b"))),  # nothing to count
        Map(bool, Aggregate(EVERYWHERE, more("a", "b") == more("b", "c"))),  # no such parts
    ],
)
def test_who_asks_for_more_gets_the_mean(reader: SOp) -> None:
    assert rewrite(decide_later, reader, vocab=list("abc")).saved == 0


def test_other_classes_than_0_and_1_are_counted_as_well() -> None:
    kind = Map(lambda n: "few" if n < 2 else "many", SelectorWidth(BEFORE))
    first = Map({"a": "x", "b": "y", "c": "z"}.get, tokens)
    odd = SequenceMap(lambda k, f: "odd" if k == "few" and f != "z" else "even", kind, first)
    last = Select(indices, Full(1), Comparison.EQ)
    program = Map(lambda x: x == "odd", Aggregate(last, odd, default="even"))
    assert rewrite(decide_later, program, vocab=list("abc")).saved == 1
    model = shoal.compile(program, vocab=list("abc"), max_seq_len=3, passes=UNFUSED)
    for length in (1, 2, 3):
        for tokens_ in map(list, product("abc", repeat=length)):
            assert model.run(tokens_) == program(tokens_)


LEAVES = st.sampled_from([("a", "b"), ("b", "a"), ("a", "c"), ("c", "b")])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.tuples(st.sampled_from("&|"), inner, inner) | st.tuples(st.just("~"), inner),
    max_leaves=5,
)
QUESTIONS = st.sampled_from(["== 0", "== 1", "> 0", "< 1", "!= 0"])


def built(tree: Any) -> SOp:
    match tree:
        case ("~", inner):
            return Map(lambda x: not x, built(inner))
        case ("&", first, second):
            return built(first) & built(second)
        case ("|", first, second):
            return built(first) | built(second)
    return more(*tree)


@settings(max_examples=60, deadline=None)
@given(
    TREES,
    QUESTIONS,
    st.sampled_from([EVERYWHERE, BEFORE, Select(tokens, Full("a"), Comparison.EQ)]),
    st.sampled_from([None, 0, 1, 0.5]),
    st.booleans(),
    st.booleans(),
)
def test_any_boolean_is_what_the_interpreter_says(
    tree: Any, question: str, selector: Any, default: Any, is_number: bool, causal: bool
) -> None:
    boolean = built(tree).named("boolean")
    averaged = numerical(boolean) if is_number else boolean
    mean = Aggregate(selector, averaged, default=default).named("mean")
    ask = {"== 0": 0, "== 1": 1, "> 0": 0, "< 1": 1, "!= 0": 0}[question]
    operator = question.split()[0]
    program = {
        "==": lambda x: x == ask,
        "!=": lambda x: x != ask,
        ">": lambda x: x > ask,
        "<": lambda x: x < ask,
    }[operator]
    asked = Map(program, numerical(mean) if is_number else mean)
    model = shoal.compile(asked, vocab=list("abc"), max_seq_len=4, passes=UNFUSED, causal=causal)
    for tokens_ in ["a", "b", "ab", "ba", "cab", "bcc", "abca", "bacb", "ccba", "bbbb"]:
        wanted = asked(list(tokens_), causal=causal)
        assert model.run(tokens_) == wanted
        read = model.read("mean", tokens_)
        assert all_agree(mean(list(tokens_), causal=causal), read, numerical=True)
