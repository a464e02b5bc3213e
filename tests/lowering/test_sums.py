"""A mean times how many are averaged is a sum, which a head writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal import rasp
from shoal.errors import UnwritableError
from shoal.forms.code import Code
from shoal.program.facts.domains import domain_of
from shoal.rasp import Comparison, SOp, indices, tokens
from shoal_analysis.fuzzing.patching import wrong_patches
from tests.support import random_sequences, right

VOCAB = (0, 1, 2)
WITHOUT = tuple(name for name in shoal.options.ALL if name != "sums")

SELECTORS: dict[str, Callable[[], rasp.Selector]] = {
    "all": lambda: rasp.Select(indices, indices, Comparison.TRUE),
    "so far": lambda: rasp.Select(indices, indices, Comparison.LEQ),
    "earlier": lambda: rasp.Select(indices, indices, Comparison.LT),
    "equal": lambda: rasp.Select(tokens, tokens, Comparison.EQ),
    "less": lambda: rasp.Select(tokens, tokens, Comparison.LT),
}

FUNCTIONS: dict[str, Callable[[float, int], Any]] = {
    "sum": lambda m, n: round(m * n),
    "modulo": lambda m, n: round(m * n) % 3,
    "above": lambda m, n: m * n > 2.5,
    "no sum": lambda m, n: round(m * n) + n,
}


def uses_sums(model: shoal.Model) -> bool:
    return any("sums" in part.rules for part in model.atlas.parts)


def summed(selector: rasp.Selector, value: SOp, what: Callable[[float, int], Any]) -> SOp:
    mean = rasp.Aggregate(selector, value, default=0)
    return rasp.SequenceMap(what, mean, rasp.SelectorWidth(selector))


def total(value: SOp) -> SOp:
    return summed(SELECTORS["all"](), value, FUNCTIONS["sum"])


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("what", sorted(FUNCTIONS))
@pytest.mark.parametrize("selector", sorted(SELECTORS))
def test_sums_agree_with_the_interpreter(selector: str, what: str, causal: bool) -> None:
    program = summed(SELECTORS[selector](), tokens, FUNCTIONS[what])
    right(program, vocab=VOCAB, max_seq_len=4, causal=causal)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), causal=st.booleans())
def test_whatever_is_added_up(data: st.DataObject, causal: bool) -> None:
    numbers = st.integers(-5, 200)
    by_token = data.draw(st.tuples(*[numbers] * 3))
    by_index = data.draw(st.tuples(*[numbers] * 3))
    value = data.draw(
        st.sampled_from(
            [
                rasp.Map(by_token.__getitem__, tokens),
                rasp.Map(by_index.__getitem__, indices),
                rasp.SequenceMap(lambda t, i: by_token[t] + by_index[i], tokens, indices),
                rasp.SequenceMap(lambda t, i: t * by_index[i], tokens, indices),
            ]
        )
    )
    selector = SELECTORS[data.draw(st.sampled_from(sorted(SELECTORS)))]()
    what = FUNCTIONS[data.draw(st.sampled_from(sorted(FUNCTIONS)))]
    right(summed(selector, value, what), vocab=VOCAB, max_seq_len=3, causal=causal)


def test_a_sum_takes_no_neuron() -> None:
    program = summed(SELECTORS["all"](), tokens, FUNCTIONS["sum"])
    model = right(program, vocab=range(5), max_seq_len=8)
    assert uses_sums(model)
    assert (model.num_layers, model.allocated.costs.neurons) == (1, 0)
    wide = shoal.compile(program, vocab=range(5), max_seq_len=8, passes=WITHOUT)
    assert wide.allocated.costs.neurons > 50


def test_how_many_there_are_may_be_said_by_the_index() -> None:
    mean = rasp.Aggregate(SELECTORS["so far"](), tokens)
    program = rasp.SequenceMap(FUNCTIONS["sum"], mean, indices + 1)
    assert uses_sums(right(program, vocab=VOCAB, max_seq_len=4))


@pytest.mark.parametrize("causal", [False, True])
def test_what_says_how_many_there_are_need_not_be_that(causal: bool) -> None:
    mean = rasp.Aggregate(SELECTORS["so far"](), tokens)
    program = rasp.SequenceMap(lambda m, i: round(m * (i + 1)), mean, indices)
    assert uses_sums(right(program, vocab=VOCAB, max_seq_len=4, causal=causal))


def test_digits_are_a_number() -> None:
    """What a digit counts for depends on the length, and is computed in the layer before."""
    digit = rasp.SequenceMap(lambda b, p: b * 2**p, tokens, rasp.length - 1 - indices)
    mean = rasp.Aggregate(SELECTORS["all"](), digit)
    program = rasp.SequenceMap(FUNCTIONS["sum"], mean, rasp.length)
    model = shoal.compile(program, vocab=(0, 1), max_seq_len=8)
    assert uses_sums(model)
    for number in (0, 1, 5, 128, 200, 255):
        bits = [int(bit) for bit in f"{number:b}"]
        assert model.run(bits) == [number] * len(bits)


def test_what_is_no_function_of_the_sum_is_looked_up() -> None:
    program = summed(SELECTORS["all"](), tokens, FUNCTIONS["no sum"])
    assert not uses_sums(right(program, vocab=VOCAB, max_seq_len=4))


def test_numbers_are_read_and_not_replaced() -> None:
    value = rasp.Map(lambda t: 3 * t - 1, tokens).named("value")
    model = right(summed(SELECTORS["all"](), value, FUNCTIONS["sum"]), vocab=VOCAB, max_seq_len=4)
    assert uses_sums(model)
    assert model.read("value", [0, 2]) == [-1, 5]
    for name, values in (("tokens", [1, 1]), ("value", [2, 2])):
        with pytest.raises(UnwritableError):
            model.write(name, [0, 2], values)


def test_large_numbers_are_coded_around_their_middle() -> None:
    domain = domain_of([[n] for n in (0, 3, 700, 1000)])
    assert Code().codes(domain)[:, 0].tolist() == [-500.0, -497.0, 200.0, 500.0]
    assert Code().shift(domain) == -500.0


def test_means_with_names_stay() -> None:
    mean = rasp.Aggregate(SELECTORS["all"](), tokens).named("mean")
    program = rasp.SequenceMap(FUNCTIONS["sum"], mean, rasp.length)
    model = right(program, vocab=VOCAB, max_seq_len=4)
    assert not uses_sums(model)
    assert model.read("mean", [0, 1, 2, 2]) == [1.25] * 4


def test_counts_are_added_up() -> None:
    earlier = rasp.Select(tokens, tokens, Comparison.GT) & rasp.Select(
        indices, indices, Comparison.LT
    )
    inversions = total(rasp.SelectorWidth(earlier).named("inversions before"))
    model = right(inversions, vocab=(0, 1, 2), max_seq_len=4)
    assert uses_sums(model)
    assert model.num_layers == 2


@pytest.mark.parametrize("modulus", [2, 3, 5])
def test_who_reads_a_sum_reads_it_as_it_is_written(modulus: int) -> None:
    """Each of these took a table over all means and all lengths: 20 million parameters at most."""
    weighted = rasp.SequenceMap(lambda t, i: t * (i + 1), tokens, indices)
    program = total(weighted) % modulus
    model = right(program, vocab=range(4), max_seq_len=4)
    assert uses_sums(model)
    larger = shoal.compile(program, vocab=range(4), max_seq_len=8)
    assert larger.num_layers == 2
    assert larger.num_parameters < 5_000
    for xs in random_sequences(range(4), 1, 8, 100):
        assert larger.run(xs) == program(xs)


def test_what_a_mean_and_a_width_never_make_together_has_a_class_all_the_same() -> None:
    """Found by random patches: codes of a sum are those of all values that the table has."""
    weighted = rasp.SequenceMap(lambda t, i: 7 * t + 5 * i * t, tokens, indices)
    program = rasp.SequenceMap(lambda s, t: (s + t) % 3, total(weighted).named("sum"), tokens)
    model = right(program, vocab=(0, 1, 2), max_seq_len=4)
    assert wrong_patches(program, model, [(0, 1, 2, 1), (2, 2)], seed=3) == []
