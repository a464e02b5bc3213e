from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shoal import UnsupportedProgramError
from shoal.program.facts.infer import infer
from shoal.program.facts.width_bounds import WidthBounds
from shoal.program.trace import trace
from shoal.rasp import (
    Aggregate,
    Comparison,
    Full,
    Select,
    Selector,
    SelectorWidth,
    SequenceMap,
    indices,
    numerical,
    tokens,
)
from tests.program.programs import LONGEST, VOCAB, local_s_ops, selectors
from tests.support import all_sequences, defined, right


def bounds_of(selector: Selector, causal: bool = False) -> WidthBounds:
    facts = infer(trace(SelectorWidth(selector), causal=causal), VOCAB, LONGEST)
    return facts.widths[facts.program.node(facts.program.root).inputs[0]]


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(selectors(local_s_ops()), st.booleans())
def test_bounds_hold_on_every_input(selector: Selector, causal: bool) -> None:
    try:
        bounds = bounds_of(selector, causal)
    except UnsupportedProgramError:
        assume(False)
    for xs, selected in defined(selector, all_sequences(VOCAB, LONGEST), causal):
        chosen = np.array(selected)
        rest = ~chosen & np.tri(len(xs), dtype=bool) if causal else ~chosen
        widths, others = chosen.sum(axis=1), rest.sum(axis=1)
        assert bounds.low <= widths.min()
        assert widths.max() <= bounds.high
        assert bounds.low_of_complement <= others.min()
        assert others.max() <= bounds.high_of_complement
        assert not bounds.own or np.diagonal(chosen).all()
        assert not bounds.own_of_complement or np.diagonal(rest).all()


def test_bounds_of_common_selectors() -> None:
    same_place = Select(indices, indices, Comparison.EQ)
    assert bounds_of(same_place) == WidthBounds(1, 1, 0, LONGEST - 1, True, False)
    assert bounds_of(~same_place) == WidthBounds(0, LONGEST - 1, 1, 1, False, True)
    everything, nothing = (Select(tokens, tokens, c) for c in (Comparison.TRUE, Comparison.FALSE))
    assert bounds_of(everything) == WidthBounds(1, LONGEST, 0, 0, True, False)
    assert bounds_of(nothing) == WidthBounds(0, 0, 1, LONGEST, False, True)
    one_or_two = same_place | Select(indices, indices, lambda key, query: key == 0)
    assert bounds_of(one_or_two).high == 2
    assert bounds_of(one_or_two).low == 1


def test_two_selectors_that_select_need_not_select_the_same() -> None:
    unique = SequenceMap(lambda x, i: 10 * VOCAB.index(x) + i, tokens, indices)
    rank = SelectorWidth(Select(unique, unique, Comparison.LT))
    at_rank = Select(rank, indices, Comparison.EQ)
    same = Select(tokens, tokens, Comparison.EQ)
    assert bounds_of(at_rank).low == bounds_of(same).low == 1
    assert bounds_of(at_rank & same).low == 0
    assert bounds_of(~(~at_rank | ~same)).low == 0
    length = SelectorWidth(Select(tokens, tokens, Comparison.TRUE))
    last = Select(indices, length - 1, Comparison.EQ)
    assert bounds_of(last).low == 1
    assert bounds_of(last & same).low == 0
    program = Aggregate(at_rank & same, numerical(indices), default=-1)
    right(numerical(program), vocab=VOCAB, max_seq_len=3)
    right(SelectorWidth(~(same | Select(indices, Full(1), Comparison.EQ))), vocab=VOCAB)
