"""When a model's answer counts as the interpreter's."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.contract import SAME_FLOAT, TOLERANCE, agrees, all_agree

NUMBERS = st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False)
VALUES = NUMBERS | st.none() | st.text(max_size=2) | st.tuples(NUMBERS, NUMBERS)


@given(VALUES)
def test_every_value_agrees_with_itself(value: Any) -> None:
    assert agrees(value, value, numerical=False)
    if value is None or isinstance(value, int | float):
        assert agrees(value, value, numerical=True)


@given(VALUES, VALUES, st.booleans())
def test_none_agrees_with_none_alone(wanted: Any, result: Any, numerical: bool) -> None:
    if (wanted is None) != (result is None):
        assert not agrees(wanted, result, numerical=numerical)


@given(st.integers(-(10**30), 10**30), NUMBERS)
def test_a_categorical_int_agrees_with_what_equals_it_alone(wanted: int, result: Any) -> None:
    assert agrees(wanted, result, numerical=False) == (wanted == result)
    assert agrees(result, wanted, numerical=False) == (wanted == result)


@given(st.floats(-1e30, 1e30), st.floats(-1, 1))
def test_floats_agree_if_rounding_alone_tells_them_apart(wanted: float, share: float) -> None:
    size = max(1.0, abs(wanted))
    for tolerance, numerical in ((SAME_FLOAT, False), (TOLERANCE, True)):
        assert agrees(wanted, wanted + 0.9 * share * tolerance * size, numerical=numerical)
        for far in (1.1 * tolerance * size, -1.1 * tolerance * size):
            assert not agrees(wanted, wanted + far, numerical=numerical)


@pytest.mark.parametrize(
    ("wanted", "result", "numerical", "agree"),
    [
        (1000.0, 1000.05, False, False),
        (1000.0, 1000.05, True, True),
        (1000, 1000.05, True, True),
        (2**53 + 1, float(2**53), False, False),
        ((0.1 + 0.2,), (0.3,), False, False),
        (1, True, False, True),
        ("1", 1, False, False),
        ("a", "a", True, False),
        (math.inf, 1e300, True, False),
        (math.inf, math.inf, True, True),
        (math.nan, math.nan, True, False),
        (10**400, 1e300, True, False),
    ],
)
def test_examples(wanted: Any, result: Any, numerical: bool, agree: bool) -> None:
    assert agrees(wanted, result, numerical=numerical) == agree


def test_sequences_agree_position_by_position() -> None:
    assert all_agree([1, None], [1, None], numerical=False)
    assert not all_agree([1, None], [1], numerical=False)
    assert not all_agree([1, None], [None, 1], numerical=False)
