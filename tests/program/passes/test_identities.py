from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal.options import ALL
from shoal.program.passes.identities import resolve_identities
from shoal.rasp import (
    Aggregate,
    Comparison,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    tokens,
)
from tests.program.passes.facts import rewrite
from tests.support import accepted, agree, all_sequences, defined, right

VOCAB = ["a", "b", "c"]
SAME = Select(tokens, tokens, Comparison.EQ)
SO_FAR = Select(indices, indices, Comparison.LEQ)
EVERYTHING = Select(tokens, tokens, Comparison.TRUE)
BUT_COUNTED = [name for name in ALL if name != "histograms"]
WITHOUT = [name for name in BUT_COUNTED if name != "identities"]

IDENTITIES = {
    "what equals a token is that token": Aggregate(SAME, tokens),
    "a function of the key": Aggregate(SAME, Map(ord, tokens)),
    "the query decides": Aggregate(Select(tokens, tokens, lambda k, q: k == "a" or q == k), tokens),
    "part of equal tokens": Aggregate(SAME & SO_FAR, tokens),
    "the own position": Aggregate(Select(indices, indices, Comparison.EQ), tokens),
    "equal tokens are as frequent": Aggregate(SAME, SelectorWidth(SAME)),
    "the length is everywhere": Aggregate(SAME, SelectorWidth(EVERYTHING)),
    "a mean that is everywhere": Aggregate(SO_FAR, Aggregate(EVERYTHING, Map(ord, tokens))),
}
"""Of these all but the third are functions of their own position."""


@pytest.mark.parametrize("what", IDENTITIES)
def test_what_the_own_position_determines_needs_no_attention(what: str) -> None:
    program = IDENTITIES[what]
    rewritten = rewrite(resolve_identities, program, VOCAB, 3)
    assert bool(rewritten.saved) is (what != "the query decides")
    model = right(program, vocab=VOCAB, passes=BUT_COUNTED)
    before = shoal.compile(program, vocab=VOCAB, max_seq_len=3, passes=WITHOUT)
    assert model.num_layers == before.num_layers - bool(rewritten.saved)


@pytest.mark.parametrize(
    "program",
    [
        Aggregate(Select(tokens, tokens, Comparison.LT), tokens, default="none"),
        Aggregate(SAME, Map(ord, tokens) + indices),
        Aggregate(~SAME, SelectorWidth(SAME)),
        Aggregate(SAME, SelectorWidth(SO_FAR)),
        Aggregate(Select(indices, indices, lambda k, q: k == max(0, q - 1)), tokens),
    ],
)
def test_what_it_does_not_determine_is_left(program: SOp) -> None:
    assert rewrite(resolve_identities, program, VOCAB, 3).saved == 0


def test_under_a_causal_mask_what_is_everywhere_is_not() -> None:
    program = Aggregate(SAME, SelectorWidth(SAME))
    assert rewrite(resolve_identities, program, VOCAB, 3, causal=True).saved == 0
    right(program, vocab=VOCAB, causal=True)


KEYS = st.sampled_from([tokens, indices, Map(ord, tokens), SelectorWidth(SAME)])
VALUES = st.sampled_from(
    [tokens, indices, Map(ord, tokens), SelectorWidth(SAME), SelectorWidth(EVERYTHING)]
)


@st.composite
def aggregates(draw: Any) -> SOp:
    """An aggregate by a random predicate that holds for what is equal."""
    key = draw(KEYS)
    query = draw(st.sampled_from([key, key, draw(KEYS)]))
    extra = draw(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=2))

    def predicate(k: Any, q: Any) -> bool:
        return k == q or (hash(str(k)) % 4, hash(str(q)) % 4) in extra

    value = draw(VALUES)
    if draw(st.booleans()):
        value = SequenceMap(lambda x, y: (x, y), value, draw(VALUES))
        value = Map(lambda pair: str(pair).count("1") + str(pair).count("a"), value)
    selector = Select(key, query, predicate)
    return Aggregate(selector & SO_FAR if draw(st.booleans()) else selector, value, default=0)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(aggregates(), st.booleans())
def test_any_aggregate_is_what_the_interpreter_says(program: SOp, causal: bool) -> None:
    expected = defined(program, all_sequences(VOCAB, 3), causal)
    model = accepted(program, vocab=VOCAB, max_seq_len=3, causal=causal)
    for (xs, wanted), result in zip(
        expected, model.run_batch([xs for xs, _ in expected]), strict=True
    ):
        assert agree(program, wanted, result), xs


def test_all_that_is_selected_is_looked_at() -> None:
    """Two keys that hold one value each, and another together with a third."""
    for table in product([False, True], repeat=4):
        holds = dict(zip(product("ab", "ab"), table, strict=True))
        selector = Select(tokens, tokens, lambda k, q, holds=holds: holds[k, q])
        right(Aggregate(selector, Map(ord, tokens), default=0), vocab=["a", "b"], max_seq_len=2)


def test_what_an_identity_is_can_be_read_where_nothing_tells_its_values_apart() -> None:
    same = Aggregate(Select(tokens, tokens, Comparison.EQ), tokens).named("same")
    model = shoal.compile(
        SequenceMap(lambda x, y: x - y, tokens, same), vocab=(0, 1, 3), max_seq_len=3
    )
    assert model.run([3, 0]) == [0, 0]
    assert model.read("same", [3, 0]) == [3, 0]
