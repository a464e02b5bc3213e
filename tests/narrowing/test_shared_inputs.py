"""A token and its position share a column where somebody reads a sum of both, and nobody each."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal import rasp
from shoal.rasp.stock import STOCK
from tests.support import right


def test_a_sum_takes_one_column_and_names_are_read() -> None:
    stock = STOCK["nary_sum"]
    program = stock.make(stock.max_seq_len)
    model = shoal.compile(program, vocab=stock.vocab, max_seq_len=stock.max_seq_len)
    assert model.d_model == model.width_bound == 1
    tokens = [stock.vocab[n] for n in (2, 0, 1)]
    assert model.run(tokens) == program(tokens)
    assert model.read("tokens", tokens) == tokens
    assert model.read("indices", tokens) == [0, 1, 2]
    assert model.write("tokens", tokens, tokens[::-1]) == program(tokens[::-1])


@settings(max_examples=40, deadline=None)
@given(
    weights=st.tuples(st.integers(-3, 3), st.integers(-3, 3)),
    least=st.integers(-5, 5),
    reads_token=st.booleans(),
    causal=st.booleans(),
)
def test_functions_of_sums_agree(
    weights: tuple[int, int], least: int, reads_token: bool, causal: bool
) -> None:
    first, second = weights
    total = rasp.SequenceMap(lambda t, i: first * t + second * i, rasp.tokens, rasp.indices)
    large = rasp.SequenceMap(lambda x, i: x >= least, total.named("total"), rasp.indices)
    program = rasp.Aggregate(rasp.Select(large, rasp.indices, lambda k, q: k or q == 1), large)
    if reads_token:
        program = rasp.SequenceMap(lambda x, t: (x, t), program, rasp.tokens)
    right(program, vocab=(0, 1, 3, 7), max_seq_len=4, causal=causal)


def test_names_that_nothing_else_tells_keep_inputs_apart() -> None:
    both = rasp.SequenceMap(lambda t, i: (t, i), rasp.tokens, rasp.indices)
    model = shoal.compile(both, vocab=[0, 1, 2], max_seq_len=3)
    assert model.run([2, 0, 1]) == [(2, 0), (0, 1), (1, 2)]


def test_columns_of_several_have_a_name_of_their_own() -> None:
    number, index = rasp.numerical(rasp.tokens), rasp.numerical(rasp.indices)
    total = rasp.numerical(rasp.LinearSequenceMap(number, index, 1, 1))
    same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    for name in ("tokens and indices", "tokens_2 and indices"):
        mean = rasp.numerical(rasp.Aggregate(same, total)).named(name)
        right(mean, vocab=(1, 2, 3))
        count = rasp.keep(rasp.SelectorWidth(same).named(name))
        right(rasp.numerical(rasp.LinearSequenceMap(total, count, 1, 1)), vocab=(1, 2, 3))
