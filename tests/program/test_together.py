"""Means by one selector go together."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.infer import infer
from shoal.program.trace import trace
from shoal.rasp import (
    Aggregate,
    Comparison,
    Full,
    LinearSequenceMap,
    Map,
    Select,
    SequenceMap,
    SOp,
    indices,
    numerical,
    tokens,
)
from shoal.rasp.stock import STOCK
from tests.support import agree, random_sequences, right

SO_FAR = Select(indices, indices, Comparison.LEQ)
SOME = Select(tokens, Full("a"), Comparison.EQ)
VOCAB = ("a", "b", "c")


def share(token: str, selector: Any = SO_FAR, **options: Any) -> SOp:
    return numerical(Aggregate(selector, numerical(tokens == token), **options))


def values(program: SOp, max_seq_len: int) -> list[float]:
    traced = trace(program, causal=False)
    domain = infer(traced, VOCAB, max_seq_len).domain(traced.root)
    assert isinstance(domain, Enumerated)
    return [float(value) for value in domain.values]


def test_shares_have_one_denominator() -> None:
    balance = LinearSequenceMap(share("a"), share("b"), 1, -1)
    found = values(numerical(balance), 6)
    wanted = {Fraction(k, n) for n in range(1, 7) for k in range(-n, n + 1)}
    assert found == pytest.approx(sorted(map(float, wanted)))


def test_shares_by_other_selectors_do_not() -> None:
    apart = LinearSequenceMap(share("a"), share("b", Select(tokens, tokens, Comparison.NEQ)), 1, -1)
    assert any(abs(value - 1 / 20) < 1e-9 for value in values(numerical(apart), 6))  # 1/4 - 1/5


FUNCTIONS = st.sampled_from([lambda x, y: x + 2 * y, lambda x, y: (x, y), lambda x, y: x > y])


@settings(max_examples=40, deadline=None)
@given(
    FUNCTIONS,
    st.sampled_from([SO_FAR, SOME, Select(tokens, tokens, Comparison.EQ), ~SO_FAR]),
    st.sampled_from([None, 0, 0.5]),
    st.sampled_from(["ab", "bc", "ac"]),
    st.sampled_from([{"a": 2, "b": -1, "c": 0}, {"a": 0.5, "b": 1, "c": 1}]),
)
def test_nothing_that_occurs_is_left_out(
    function: Any, selector: Any, default: Any, names: str, numbers: dict[str, float]
) -> None:
    first = share(names[0], selector, default=default)
    second = numerical(Aggregate(selector, Map(numbers.get, tokens), default=default))
    program = SequenceMap(function, first, second)
    model = shoal.compile(program, vocab=VOCAB, max_seq_len=4)
    for length in (1, 2, 3, 4):
        for tokens_ in map(list, product(VOCAB, repeat=length)):
            assert agree(program, program(tokens_), model.run(tokens_))


def test_brackets_are_counted_over_longer_inputs() -> None:
    stock = STOCK["shuffle_dyck2"]
    program = stock.make(30)
    model = shoal.compile(program, vocab=stock.vocab, max_seq_len=30)
    assert model.num_layers == 2
    inputs = random_sequences(stock.vocab, 1, 30, 30)
    inputs += [list("({})" * 7), list("(" * 15 + ")" * 15), list("(" * 15 + ")" * 14)]
    assert model.run_batch(inputs) == [program(tokens_) for tokens_ in inputs]


def test_defaults_may_be_no_numbers() -> None:
    some = Select(Map(lambda t: t, tokens), indices, Comparison.NEQ)
    first = Aggregate(some, tokens, default=False)
    program = SequenceMap(lambda x, y: (x, y), first, Aggregate(some, tokens, default="a"))
    right(program, vocab=(1, 2), passes="none")
