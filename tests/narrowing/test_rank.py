"""The bound on the width counts what is read, whatever its scale, and never what is rounding."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import shoal
from shoal import rasp
from shoal.narrowing.rank import _rank
from shoal.rasp.stock import STOCK

whole = st.integers(-3, 3)


def exact_rank(rows: list[list[Fraction]]) -> int:
    """By elimination, without rounding."""
    rank = 0
    while rows and rows[0]:
        pivot = next((row for row in rows if row[0]), None)
        if pivot is None:
            rows = [row[1:] for row in rows]
            continue
        rank += 1
        others = [row for row in rows if row is not pivot]
        rows = [
            [x - row[0] / pivot[0] * y for x, y in zip(row[1:], pivot[1:], strict=True)]
            for row in others
        ]
    return rank


@given(
    arrays(np.int64, (5, 4), elements=whole),
    arrays(np.int64, (4, 3), elements=whole),
    arrays(np.int64, 4, elements=st.integers(-9, 9)),
    arrays(np.int64, (5, 4), elements=st.integers(-1, 1)),
)
def test_a_rank_is_the_exact_one(state: Any, functionals: Any, scales: Any, noise: Any) -> None:
    read = (state @ functionals).tolist()
    varying = [[Fraction(x - y) for x, y in zip(row, read[0], strict=True)] for row in read[1:]]
    scale = 2.0**scales
    off = 1e-16 * noise
    assert _rank(state * scale + off, functionals / scale[:, None]) == exact_rank(varying)


def test_what_is_0_but_for_rounding_is_not_counted() -> None:
    almost = np.array([[1.0, 0.1 + 0.2 - 0.3], [2.0, 0.0], [3.0, 0.1 + 0.2 - 0.3]])
    assert _rank(almost, np.eye(2)) == 1
    assert _rank(almost[:, 1:] + 0.3, np.eye(1)) == 0


@pytest.mark.parametrize("passes", ["none", "all"])
def test_bounds_hold(passes: str) -> None:
    for name in ("hist", "most_freq", "sort_freq", "shuffle_dyck2"):
        stock = STOCK[name]
        model = shoal.compile(stock.make(4), vocab=stock.vocab, max_seq_len=4, passes=passes)
        assert model.width_bound is not None
        assert 0 < model.width_bound <= model.d_model


def test_most_freq_needs_no_column_for_what_is_constant() -> None:
    """Half of what was counted was 0 but for rounding, in units of itself."""
    stock = STOCK["most_freq"]
    model = shoal.compile(stock.make(4), vocab=stock.vocab, max_seq_len=4, passes="none")
    assert model.width_bound == 19


@pytest.mark.parametrize(("is_kept", "width"), [(True, 5), (False, 1)])
def test_what_is_kept_takes_its_columns(is_kept: bool, width: int) -> None:
    """All of them, though the decoder reads a single function of them."""
    far = rasp.Map(lambda t: 10 * t, rasp.tokens)
    program = rasp.Map(lambda x: x > 20, rasp.keep(far) if is_kept else far)
    model = shoal.compile(program, vocab=[0, 1, 2, 3, 4], max_seq_len=4)
    assert (model.d_model, model.width_bound) == (width, width)
