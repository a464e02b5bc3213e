"""Heads, and the MLPs that decode them, one operation at a time."""

from __future__ import annotations

import pytest

import shoal
from shoal import UnsupportedProgramError
from shoal.craft.components import Head
from shoal.rasp import (
    Aggregate,
    Comparison,
    Map,
    Select,
    SelectorWidth,
    SOp,
    indices,
    numerical,
    tokens,
)
from tests.support import agree, all_sequences, interpreted

EVERYTHING = Select(tokens, tokens, Comparison.TRUE)
EARLIER = Select(indices, indices, Comparison.LT)
PREVIOUS = Select(indices, indices, lambda key, query: key + 1 == query)
SAME = Select(tokens, tokens, Comparison.EQ)


def operations(program: SOp, **options: object) -> list[bool]:
    """For each operation of the compiled program whether it is attention."""
    model = shoal.compile(program, vocab=(0, 1, 3), max_seq_len=3, passes="none", **options)
    for xs, wanted in interpreted(program, all_sequences((0, 1, 3), 3), model.weights.causal):
        assert agree(program, wanted, model.run(xs)), xs
        assert agree(program, wanted, model.run(xs, "craft")), xs
    return [isinstance(op.components[0], Head) for op in model.lowered.operations]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("program", "attention"),
    [
        (SelectorWidth(SAME), [True, False]),
        (SelectorWidth(EARLIER & SAME), [True, False]),
        (Aggregate(PREVIOUS, tokens), [True]),
        (Aggregate(PREVIOUS, tokens, default="none"), [True]),
        (Aggregate(EARLIER, tokens, default=7), [True]),
        (Aggregate(EVERYTHING, tokens), [True]),
        (numerical(Aggregate(EARLIER, tokens)), [True]),
        (numerical(Aggregate(EARLIER, numerical(tokens), default=-2)), [True]),
        (Aggregate(EARLIER, numerical(tokens)), [True, False]),
        (Aggregate(PREVIOUS, Map(lambda x: None if x == 1 else x, tokens), 5), [False, True]),
        (Map(lambda x: x > 1, Aggregate(EVERYTHING, tokens)), [True, False]),
        (Aggregate(PREVIOUS, Aggregate(EVERYTHING, tokens), "none"), [True, False, True]),
        (SelectorWidth(EARLIER | SAME), [False, False, True, False]),
    ],
)
def test_what_an_aggregate_or_a_width_takes(
    program: SOp, attention: list[bool], causal: bool
) -> None:
    assert operations(program, causal=causal) == attention


def test_values_that_are_no_numbers_have_no_numerical_mean() -> None:
    with pytest.raises(UnsupportedProgramError, match=r"no numbers|no finite number"):
        shoal.compile(numerical(Aggregate(PREVIOUS, tokens, 0)), vocab=("a", "b"), max_seq_len=3)
