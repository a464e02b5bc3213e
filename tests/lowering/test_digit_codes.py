"""A result with more values than one number can tell apart is the digits of a number."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
import shoal.forms.code
from shoal.forms.digit_code import DigitCode
from shoal.limits import Limits
from shoal.program.facts.domains import domain_of
from shoal.rasp import Aggregate, Comparison, Map, Select, SOp, indices, tokens
from shoal.rasp.stock import STOCK
from tests.program.programs import LONGEST, VOCAB, s_ops
from tests.support import accepted, agree, interpreted

PREVIOUS = Aggregate(Select(indices, indices, lambda key, query: key == query - 1), tokens)


@given(st.integers(1, 3000), st.booleans(), st.integers(1, 4))
def test_nearest_codes_are_found_in_float32(count: int, nullable: bool, digits: int) -> None:
    domain = domain_of(([f"t{n}"] for n in range(count)), nullable)
    form = DigitCode(digits)
    if form.misfit(domain, Limits()) is not None:
        assert count > 512**digits
        return
    codes = form.codes(domain)
    every = np.vstack([codes, np.zeros((int(nullable), digits))]).astype(np.float32)
    assert len(np.unique(every, axis=0)) == len(every)
    assert np.abs(every).max() <= 512
    logits = 2 * every @ every.T - (every**2).sum(axis=1)
    assert (logits.argmax(axis=1) == np.arange(len(every))).all()
    assert form.room(domain) >= 0.25


@pytest.mark.parametrize(
    ("name", "program", "width"),
    [
        ("the previous token", PREVIOUS, 8),
        ("a map", Map(lambda x: -x if x % 2 else x, tokens), 2),
        ("reverse", STOCK["reverse"].make(8), 8),
    ],
)
def test_a_result_of_many_values_takes_two_columns(name: str, program: SOp, width: int) -> None:
    model = shoal.compile(program, vocab=range(1200), max_seq_len=8)
    assert model.d_model <= width, name
    generator = random.Random(name)
    for _ in range(50):
        xs = [generator.randrange(1200) for _ in range(generator.randint(1, 8))]
        assert model.run(xs) == program(xs)


def test_where_one_number_will_do_it_is_one() -> None:
    model = shoal.compile(Map(lambda x: x // 2, tokens), vocab=range(1200), max_seq_len=2)
    assert model.d_model == 1
    assert model.run([1199, 0]) == [599, 0]


@settings(max_examples=60, deadline=None)
@given(s_ops(), st.booleans())
def test_random_programs_agree_with_digits_alone(program: SOp, causal: bool) -> None:
    """As if one number told no two values apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shoal.forms.code, "LARGEST", 0.0)
        model = accepted(program, vocab=VOCAB, max_seq_len=LONGEST, causal=causal)
        inputs = [[VOCAB[0]], list(VOCAB[:2]), [VOCAB[1]] * LONGEST, list(VOCAB[::-1])]
        for xs, wanted in interpreted(program, inputs, causal):
            assert agree(program, wanted, model.run(xs)), xs


def test_causal_attention_and_none_with_many_values() -> None:
    last = Aggregate(Select(indices, indices, Comparison.LT), tokens)
    program = Map(lambda x: None if x > 1100 else x, Aggregate(PREVIOUS.selector, tokens))
    for sop in (program, last.named("mean") == 3):
        model = shoal.compile(sop, vocab=range(1150), max_seq_len=2, causal=True)
        for xs in ([5], [1120, 3], [3, 1120], [0, 1149]):
            assert model.run(xs) == sop(xs, causal=True), xs
