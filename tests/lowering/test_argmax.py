"""The best of the keys that match is picked by its score, and nobody counts the others."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal import rasp
from shoal.errors import UnwritableError
from shoal.rasp import Comparison, Selector, SelectorWidth, SOp, indices, tokens
from shoal_analysis.fuzzing.patching import wrong_patches
from tests.program.test_argmax import EARLIER, SPELLINGS, VOCAB, is_one
from tests.support import right

WITHOUT = tuple(name for name in shoal.options.ALL if name != "argmax")
EQ = Comparison.EQ
SAME = rasp.Select(tokens, tokens, EQ)


def is_picked(model: shoal.Model) -> bool:
    return any("argmax" in part.rules for part in model.atlas.parts)


def fetched(selector: Selector, value: SOp = indices) -> SOp:
    return rasp.Aggregate(selector, value, default=-1).named("fetched")


def latest_equal() -> SOp:
    count = SelectorWidth(SAME & EARLIER).named("count")
    return fetched(SAME & rasp.Select(count, count - 1, EQ))


def greatest(value: SOp) -> SOp:
    more = SelectorWidth(rasp.Select(value, value, Comparison.GT)).named("more")
    return rasp.Aggregate(rasp.Select(more, rasp.Full(0), EQ), value)


@pytest.mark.parametrize("passes", ["all", "smallest", ("argmax",)])
@pytest.mark.parametrize("spelling", sorted(SPELLINGS))
def test_they_agree_with_the_interpreter(spelling: str, passes: Any) -> None:
    value = tokens if "greatest" in spelling or "least" in spelling else indices
    program = fetched(SPELLINGS[spelling](), value)
    model = right(program, vocab=VOCAB, max_seq_len=4, passes=passes)
    assert is_picked(model)
    assert model.num_layers < right(program, vocab=VOCAB, max_seq_len=4, passes="none").num_layers


@settings(max_examples=60, deadline=None)
@given(data=st.data(), causal=st.booleans(), longest=st.integers(1, 4))
def test_whatever_is_fetched_agrees(data: st.DataObject, causal: bool, longest: int) -> None:
    selector = SPELLINGS[data.draw(st.sampled_from(sorted(SPELLINGS)))]()
    numbers = data.draw(st.tuples(*[st.sampled_from([-2, 0, 0.5, 3, 100])] * 3))
    value = data.draw(
        st.sampled_from(
            [tokens, rasp.Map(lambda t: numbers[t], tokens), SelectorWidth(SAME), indices]
        )
    )
    best = rasp.Aggregate(selector, value, default=data.draw(st.sampled_from([0.5, 7, -2])))
    program = data.draw(
        st.sampled_from(
            [
                best,
                rasp.Map(lambda x: x is not None and x > 0, best),
                rasp.numerical(best),
                SelectorWidth(rasp.Select(best, tokens, EQ)),
            ]
        )
    )
    passes = data.draw(st.sampled_from(["all", ("argmax",), ("argmax", "parabolas", "narrow")]))
    right(program, vocab=VOCAB, max_seq_len=longest, passes=passes, causal=causal)


@pytest.mark.parametrize("causal", [False, True])
def test_one_layer_of_attention_and_no_neuron(causal: bool) -> None:
    options = {"vocab": VOCAB, "max_seq_len": 4, "causal": causal}
    model = right(latest_equal(), **options)
    assert is_picked(model)
    assert (model.num_layers, model.allocated.costs.neurons) == (1, 0)
    assert right(latest_equal(), passes=WITHOUT, **options).num_layers == 2
    assert model.read("count", (1, 2, 1, 1)) == [0, 0, 1, 2]


def test_counts_are_compared_as_heads_have_written_them() -> None:
    opens = SelectorWidth(is_one(tokens) & rasp.Select(indices, indices, Comparison.LEQ))
    closes = SelectorWidth(
        rasp.Select(tokens, rasp.Full(0), EQ) & rasp.Select(indices, indices, Comparison.LEQ)
    )
    for sign in (1, -1):
        program = greatest(rasp.LinearSequenceMap(opens, closes, sign, -sign))
        model = right(program, vocab=VOCAB, max_seq_len=4)
        assert is_picked(model)
        assert model.num_layers == 2


def test_a_program_without_indices_has_places() -> None:
    ones = SelectorWidth(is_one(tokens))
    program = fetched(rasp.Select(ones, ones, EQ) & is_one(tokens), SelectorWidth(SAME))
    model = right(program, vocab=VOCAB, max_seq_len=4, causal=True)
    assert is_picked(model)
    assert "indices" not in model.atlas.values


@pytest.mark.parametrize("pick", [latest_equal, lambda: greatest(tokens)])
def test_long_inputs(pick: Callable[[], SOp]) -> None:
    program, generator = pick(), random.Random(0)
    model = shoal.compile(program, vocab=range(20), max_seq_len=200)
    assert is_picked(model)
    for length in (1, 199, 200):
        xs = [generator.randrange(20) for _ in range(length)]
        assert model.run(xs) == program(xs)


def test_equal_best_keys_are_averaged() -> None:
    more = SelectorWidth(rasp.Select(tokens, tokens, Comparison.GT))
    program = rasp.numerical(fetched(rasp.Select(more, rasp.Full(0), EQ)))
    model = right(program, vocab=VOCAB, max_seq_len=4)
    assert is_picked(model)
    assert model.run((2, 0, 2)) == pytest.approx([1.0, 1.0, 1.0])


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("spelling", sorted(SPELLINGS))
def test_patches_are_followed_or_refused(spelling: str, causal: bool) -> None:
    value = tokens if "greatest" in spelling or "least" in spelling else indices
    program = fetched(SPELLINGS[spelling](), value)
    model = shoal.compile(program, vocab=VOCAB, max_seq_len=3, causal=causal)
    inputs = [(0, 1, 1), (1, 0, 2), (1, 1), (2,), (1, 2, 1)]
    assert wrong_patches(program, model, inputs, seed=5, causal=causal) == []


def test_what_is_looked_at_can_be_replaced_and_what_it_counts_cannot() -> None:
    model = shoal.compile(latest_equal(), vocab=VOCAB, max_seq_len=4)
    assert model.write("tokens", (0, 1, 2, 0), (1, 1, 2, 1)) == [-1, 0, -1, 1]
    for name, values in (("count", [0, 0, 0, 1]), ("indices", [0, 1, 2, 2])):
        with pytest.raises(UnwritableError, match="takes for granted what 'fetched' is"):
            model.write(name, (0, 1, 2, 0), values)
    saved = model.atlas.values["fetched"]
    assert saved.looks_at == ("tokens", "indices")


def test_an_order_that_the_mask_makes_is_not_that_of_replaced_indices() -> None:
    """Found by random patches: no select compares positions, and the head looks at them."""
    ones = SelectorWidth(is_one(tokens))
    program = fetched(rasp.Select(ones, rasp.Full(1), EQ) & is_one(tokens))
    model = shoal.compile(program, vocab=VOCAB, max_seq_len=4, causal=True)
    assert is_picked(model)
    assert wrong_patches(program, model, [(1, 1, 0, 1), (0, 1, 1)], seed=2, causal=True) == []


def test_other_matches_of_the_same_rank_wait_for_counts() -> None:
    """What is averaged is not what keys are ordered by: several classes, so it is left to means."""
    more = SelectorWidth(rasp.Select(tokens, tokens, Comparison.GT))
    program = fetched(rasp.Select(more, rasp.Full(0), EQ))
    model = right(program, vocab=VOCAB, max_seq_len=4)
    assert not is_picked(model)


def test_indices_that_come_later_in_the_program_are_not_looked_at() -> None:
    """Found by reading the change: what orders keys was not there yet."""
    rank = SelectorWidth(SAME)
    best = rasp.Aggregate(rasp.Select(rank, rasp.Full(1), EQ) & SAME, tokens, default=-1)
    program = rasp.SequenceMap(lambda a, b: (a, b), best, indices)
    model = right(program, vocab=(0, 1), max_seq_len=3, causal=True)
    assert is_picked(model)
    assert wrong_patches(program, model, [(0, 1, 1), (1, 0)], seed=1, causal=True) == []


def test_what_is_made_one_hot_for_a_best_key_is_no_best_key_itself() -> None:
    """A number that is asked for as one-hot by who picks the least of all tokens, if it is 0."""
    flag = rasp.numerical(rasp.tokens == 1)
    zero = rasp.Map(lambda t: 0, rasp.tokens)
    rank = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LT))
    least = rasp.Select(rank, zero, rasp.Comparison.EQ)
    program = rasp.Aggregate(least & rasp.Select(zero, flag, rasp.Comparison.EQ), rasp.tokens)
    model = right(program, vocab=(0, 1, 2), max_seq_len=2, passes=("argmax",))
    assert model.read("aggregate", [2, 1]) == program([2, 1])
