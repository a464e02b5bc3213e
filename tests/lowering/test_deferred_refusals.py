"""What cannot be held is refused only if something needs it."""

from __future__ import annotations

import random

import numpy as np
import pytest

import shoal
from shoal.errors import Refusal
from shoal.options import ALL
from shoal.rasp import (
    Aggregate,
    Comparison,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    indices,
    keep,
    length,
    numerical,
    tokens,
)
from tests.support import refused, right

HIST = SelectorWidth(Select(tokens, tokens, Comparison.EQ)).named("hist")
PAIR = SequenceMap(lambda a, b: 10 * a + b, HIST, length).named("pair")
FEW = shoal.Limits(one_hot_values=6)
WIDE = {"vocab": [1, 2], "max_seq_len": 4, "limits": FEW}


@pytest.mark.parametrize("passes", ["all", "none", [n for n in ALL if n != "cones"]])
def test_what_nothing_needs_is_not_refused(passes: object) -> None:
    model = right(Map(lambda x: x % 3, PAIR), **WIDE, passes=passes)
    assert model.read("pair", [1, 2, 1]) == [23, 13, 23]


def test_what_is_needed_is_refused_by_its_name() -> None:
    far = Map(lambda x: x % 3, PAIR)
    key = Aggregate(Select(PAIR, PAIR, lambda k, q: (k + q) % 7 < 3), tokens, default=0)
    for program in (keep(PAIR), SequenceMap(lambda x, y: x + y, keep(PAIR), far), key):
        refused(Refusal.TOO_MANY_VALUES, program, **WIDE, expression="pair")


def test_one_hot_values_may_be_off_where_there_is_no_other_way() -> None:
    """Some 190 counts are decoded to what no MLP computes within 4e-5."""
    twice = SelectorWidth(Select(tokens, tokens, Comparison.EQ))
    at = Aggregate(Select(indices, twice, Comparison.EQ), tokens, default="-")
    program = SequenceMap(lambda n, x: f"{x}{n % 2}", twice, at)
    n = 220
    model = shoal.compile(program, vocab=["a", "b"], max_seq_len=n)
    draw = random.Random(0)
    for size in (1, 2, 100, n):
        values = draw.choices(["a", "b"], k=size)
        assert model.run(values) == shoal.rasp.evaluate(program, values)
    errors = [v.errors.largest for v in model.stages.lowered.variables.values()]
    assert np.max(errors) < 0.1


def test_a_rank_may_be_had_in_parts_where_its_keys_are_too_many() -> None:
    key = numerical(SequenceMap(lambda x, i: (10 * x + i) ** 2, tokens, indices)).named("key")
    rank = SelectorWidth(Select(key, key, Comparison.LT)).named("rank")
    assert right(rank, **WIDE).num_layers == 1
    refused(Refusal.TOO_MANY_VALUES, Map(lambda n: n % 3, rank), **WIDE, expression="key")
