"""Counts divided by the length are means, and take no table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal import rasp
from shoal.errors import UnwritableError
from shoal.lowering.rules.frequencies import FREQUENCIES
from shoal.options import ALL
from shoal.rasp import Comparison, Select, SelectorWidth, SequenceMap, numerical, tokens
from shoal_analysis.fuzzing.patching import wrong_patches
from tests.support import right

VOCAB = ("a", "b", "c", "d", "e")
WITHOUT = tuple(name for name in ALL if name != FREQUENCIES)


def share(
    how: Comparison = Comparison.EQ, line: Callable[[int, int], float] = lambda w, n: w / n
) -> rasp.SOp:
    """Which part of the tokens compares so with the own one."""
    counted = SelectorWidth(Select(tokens, tokens, how)).named("counted")
    return numerical(SequenceMap(line, counted, rasp.length)).named("share")


def uses_means(model: shoal.Model) -> bool:
    return any(FREQUENCIES in part.rules for part in model.atlas.parts)


@pytest.mark.parametrize("causal", [False, True])
def test_a_neuron_for_each_token_will_do(causal: bool) -> None:
    model = right(share(), vocab=VOCAB, max_seq_len=12, causal=causal)
    before = right(share(), vocab=VOCAB, max_seq_len=12, causal=causal, passes=WITHOUT)
    assert uses_means(model)
    assert model.num_layers == 1
    assert model.allocated.costs.neurons <= len(VOCAB) + 1
    assert before.num_parameters > 4 * model.num_parameters


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([Comparison.EQ, Comparison.LT, Comparison.GEQ, Comparison.NEQ]),
    st.sampled_from([-2.0, 0.5, 1.0, 3.0]),
    st.sampled_from([-1.0, 0.0, 0.25]),
    st.sampled_from([(0, 1), (3, 0, 5), ((1, 2), (0, 3)), (True, 2.5, 7)]),
    st.integers(1, 4),
    st.booleans(),
)
def test_any_line_of_any_count_is_right(
    how: Comparison, slope: float, bias: float, vocab: Any, longest: int, causal: bool
) -> None:
    program = share(how, lambda w, n: slope * w / n + bias)
    right(program, vocab=vocab, max_seq_len=longest, causal=causal)


def test_what_is_no_line_is_left_to_tables() -> None:
    for line in (lambda w, n: w / n**2, lambda w, n: (w / n) ** 2, lambda w, n: w - n / 2):
        model = right(share(line=line), vocab=VOCAB, max_seq_len=3)
        assert not uses_means(model)


def test_counts_are_read_from_the_program_and_cannot_be_replaced() -> None:
    model = right(share(), vocab=VOCAB, max_seq_len=8)
    assert uses_means(model)
    assert model.read("counted", ["a", "b", "a"]) == [2, 1, 2]
    with pytest.raises(UnwritableError):
        model.write("counted", ["a", "b", "a"], [1, 1, 1])


@pytest.mark.parametrize("first", [True, False])
def test_what_reads_tokens_in_two_forms_is_left_to_tables(first: bool) -> None:
    """Found by reading: the other form was counted, so that patches of one of them were wrong."""
    numbers = numerical(tokens)
    count = SelectorWidth(Select(numbers, numbers, Comparison.EQ))
    part = numerical(SequenceMap(lambda w, n: w / n, count, rasp.length))
    operands = (tokens, part) if first else (part, tokens)
    program = numerical(SequenceMap(lambda x, y: x * y, *operands))
    model = right(program, vocab=(1, 2), max_seq_len=2)
    for seed in range(10):
        assert wrong_patches(program, model, [(1, 1), (2, 1), (2,)], seed, causal=False) == []
