"""Selectors that pick the best of the keys that match, however counts say so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal import rasp
from shoal.program.facts.argmax import Argmax, argmax_of
from shoal.program.facts.infer import infer
from shoal.program.facts.inferred import Inferred
from shoal.program.trace import trace_with_expressions
from shoal.rasp import Comparison, Selector, SelectorWidth, SOp, indices, tokens
from shoal.rasp.interpreter import evaluate_all
from shoal.rasp.values import canonical_key

VOCAB = (0, 1, 2)
LONGEST = 4

LT, LEQ, GT, GEQ, EQ = (getattr(Comparison, name) for name in ("LT", "LEQ", "GT", "GEQ", "EQ"))


def previous() -> SOp:
    return rasp.Aggregate(rasp.Select(indices, indices - 1, EQ), tokens, default=0)


def is_one(sop: SOp) -> Selector:
    return rasp.Select(sop, rasp.Full(1), EQ)


def all_of(*selectors: Selector) -> Selector:
    return reduce(lambda a, b: a & b, selectors)


SAME = rasp.Select(tokens, tokens, EQ)
EARLIER, LATER = rasp.Select(indices, indices, LT), rasp.Select(indices, indices, GT)
OLD = previous()
ONE = rasp.Map(lambda t: t == 1, tokens)
IS_ONE = rasp.Select(ONE, rasp.Full(True), EQ)

SPELLINGS: dict[str, Callable[[], Selector]] = {
    "the latest before that is equal": lambda: all_of(
        SAME, rasp.Select(SelectorWidth(SAME & EARLIER), SelectorWidth(SAME & EARLIER) - 1, EQ)
    ),
    "the next that is equal": lambda: all_of(
        SAME, rasp.Select(SelectorWidth(SAME & LATER), SelectorWidth(SAME & LATER) - 1, EQ)
    ),
    "the first of all that are equal": lambda: all_of(
        SAME, rasp.Select(SelectorWidth(SAME & EARLIER), rasp.Full(0), EQ)
    ),
    "the first before that is equal": lambda: all_of(
        SAME, EARLIER, rasp.Select(SelectorWidth(SAME & EARLIER), rasp.Full(0), EQ)
    ),
    "the last of all ones": lambda: all_of(
        is_one(tokens), rasp.Select(SelectorWidth(is_one(tokens) & LATER), rasp.Full(0), EQ)
    ),
    "the last that came after what the query is": lambda: all_of(
        rasp.Select(OLD, tokens, EQ),
        rasp.Select(
            SelectorWidth(rasp.Select(OLD, OLD, EQ) & EARLIER),
            SelectorWidth(rasp.Select(OLD, tokens, EQ)) - 1,
            EQ,
        ),
    ),
    "the nearest one, or oneself": lambda: all_of(
        is_one(tokens),
        rasp.Select(
            SelectorWidth(is_one(tokens) & rasp.Select(indices, indices, LEQ)),
            SelectorWidth(is_one(tokens) & rasp.Select(indices, indices, LEQ)),
            EQ,
        ),
    ),
    "the greatest": lambda: rasp.Select(
        SelectorWidth(rasp.Select(tokens, tokens, GT)), rasp.Full(0), EQ
    ),
    "the least of those after a one": lambda: all_of(
        is_one(OLD),
        rasp.Select(SelectorWidth(is_one(OLD) & rasp.Select(tokens, tokens, LT)), rasp.Full(0), EQ),
    ),
}

SPELLINGS["the first of all ones, by a boolean"] = lambda: rasp.Select(
    rasp.SequenceMap(lambda one, count: one and count == 0, ONE, SelectorWidth(IS_ONE & EARLIER)),
    rasp.Full(True),
    EQ,
)
SPELLINGS["the latest one before, by a rank that others have not"] = lambda: rasp.Select(
    rasp.SequenceMap(lambda one, n: n if one else -9, ONE, SelectorWidth(IS_ONE & EARLIER)),
    SelectorWidth(IS_ONE & EARLIER) - 1,
    EQ,
)
SPELLINGS["the same, with others that would match left out"] = lambda: all_of(
    IS_ONE,
    rasp.Select(
        rasp.SequenceMap(lambda one, n: n + 1 if one else 0, ONE, SelectorWidth(IS_ONE & EARLIER)),
        SelectorWidth(IS_ONE & EARLIER),
        EQ,
    ),
)

OTHERS: dict[str, Callable[[], Selector]] = {
    "the latest one before, or any other if there is none": lambda: rasp.Select(
        rasp.SequenceMap(lambda one, n: n + 1 if one else 0, ONE, SelectorWidth(IS_ONE & EARLIER)),
        SelectorWidth(IS_ONE & EARLIER),
        EQ,
    ),
    "the second latest that is equal": lambda: all_of(
        SAME, rasp.Select(SelectorWidth(SAME & EARLIER), SelectorWidth(SAME & EARLIER) - 2, EQ)
    ),
    "counts of something else": lambda: all_of(
        SAME, rasp.Select(SelectorWidth(EARLIER), SelectorWidth(SAME & EARLIER) - 1, EQ)
    ),
    "counted is what does not match": lambda: all_of(
        ~SAME, rasp.Select(SelectorWidth(SAME & EARLIER), SelectorWidth(SAME & EARLIER) - 1, EQ)
    ),
    "no more than so many": lambda: all_of(
        SAME, rasp.Select(SelectorWidth(SAME & EARLIER), SelectorWidth(SAME & EARLIER) - 1, LEQ)
    ),
    "the first, if it comes later": lambda: all_of(
        SAME, LATER, rasp.Select(SelectorWidth(SAME & EARLIER), rasp.Full(0), EQ)
    ),
    "one that nothing equals, with itself counted": lambda: rasp.Select(
        SelectorWidth(rasp.Select(tokens, tokens, GEQ)), rasp.Full(1), EQ
    ),
    "a count that is matched as well": lambda: all_of(
        rasp.Select(SelectorWidth(LATER), SelectorWidth(EARLIER), EQ),
        rasp.Select(SelectorWidth(LATER), rasp.Full(0), EQ),
    ),
}


def found_in(selector: Selector, causal: bool = False) -> tuple[Argmax | None, Inferred]:
    program = rasp.Aggregate(selector, indices, default=-1)
    traced = trace_with_expressions(program, causal=causal)
    facts = infer(traced.program, VOCAB, LONGEST)
    node = facts.program.node(traced.numbers[id(selector)])
    return argmax_of(facts, node), facts


def require_right(selector: Selector, causal: bool) -> bool:
    """By brute force: what is found to be picked is what the interpreter selects, on all inputs."""
    best, facts = found_in(selector, causal)
    if best is None:
        return False
    whole = rasp.Aggregate(selector, indices, default=-1)
    traced = trace_with_expressions(whole, causal=causal)
    parts = {number: part for part, number in traced.numbers.items()}
    for length in range(1, LONGEST + 1):
        for xs in product(VOCAB, repeat=length):
            values = evaluate_all(whole, xs, causal=causal)
            matches = np.tri(length, dtype=bool) if causal else np.ones((length, length), bool)
            for node in best.matching:
                matches = matches & np.array(values[parts[node.id]], dtype=bool)
            for number, is_flag in best.flags.items():
                class_of = facts.domain(number).class_of
                found = [class_of[canonical_key(v)] for v in values[parts[number]]]
                matches = matches & is_flag[found]
            places = np.arange(length)
            if best.by is not None and parts.get(best.by) in values:
                domain = facts.domain(best.by)
                places = np.array(
                    [domain.class_of[canonical_key(v)] for v in values[parts[best.by]]]
                )
            rows = places if len(best.ranks) > 1 else np.zeros(length, dtype=int)
            ranks = np.where(matches, best.ranks[np.ix_(rows, places)], 0)
            greatest = ranks.max(axis=1, keepdims=True)
            wanted = (ranks == greatest) & (ranks > 0)
            assert np.array_equal(wanted, np.array(values[id(selector)], dtype=bool)), xs
            assert not best.picks_one or wanted.sum(axis=1).max() <= 1
    return True


@pytest.mark.parametrize("spelling", sorted(SPELLINGS))
def test_they_are_seen(spelling: str) -> None:
    assert require_right(SPELLINGS[spelling](), causal=False)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("spelling", sorted(OTHERS))
def test_others_are_not(spelling: str, causal: bool) -> None:
    best, _ = found_in(OTHERS[spelling](), causal)
    assert best is None


def test_under_a_causal_mask_only_positions_are_an_order() -> None:
    assert require_right(SPELLINGS["the latest before that is equal"](), causal=True)
    assert require_right(SPELLINGS["the first of all that are equal"](), causal=True)
    for spelling in ("the greatest", "the next that is equal"):
        assert found_in(SPELLINGS[spelling](), causal=True)[0] is None


def test_the_mask_counts_without_an_order() -> None:
    ones = SelectorWidth(is_one(tokens))
    selector = rasp.Select(ones, ones, EQ) & is_one(tokens)
    assert require_right(selector, causal=True)
    assert found_in(selector, causal=False)[0] is None


ORDERS = (LT, LEQ, GT, GEQ)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whatever_is_seen_is_so(data: st.DataObject) -> None:
    def pick(choices: Sequence[Any]) -> Any:
        return data.draw(st.sampled_from(choices))

    causal = pick([False, True])
    by = pick([indices, indices, indices, tokens, OLD])
    side = pick([tokens, OLD, rasp.Map(lambda t: t % 2, tokens)])
    equal = rasp.Select(side, pick([side, tokens]), EQ)
    matching = pick([[], [equal], [is_one(side)], [equal, is_one(tokens)]])
    ranked = pick([matching, [rasp.Select(side, side, EQ)]])
    rank = SelectorWidth(all_of(rasp.Select(by, by, pick(ORDERS)), *ranked))
    asked = SelectorWidth(all_of(rasp.Select(by, by, pick([*ORDERS, Comparison.TRUE])), *matching))
    wanted = pick([asked, asked - 1, asked + 1, rasp.Full(0), rasp.Full(1)])
    window = pick([[], [], [rasp.Select(by, by, pick(ORDERS))]])
    require_right(all_of(rasp.Select(rank, wanted, EQ), *matching, *window), causal)
