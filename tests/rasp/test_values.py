from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal import EvaluationError
from shoal.rasp.values import canonical_key, canonical_order, is_number, mean, normalise

NUMBERS = st.booleans() | st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6)
SCALARS = NUMBERS | st.text(max_size=3) | st.none() | st.binary(max_size=2)
PAIRS = st.tuples(SCALARS, SCALARS)
SETS = st.sampled_from([frozenset(), frozenset({1}), frozenset({True}), frozenset({"a", "b"})])
VALUES = SCALARS | PAIRS | st.tuples(PAIRS) | SETS


@given(st.lists(NUMBERS, min_size=1, max_size=8), st.randoms())
def test_a_mean_does_not_depend_on_the_order(numbers: list[float], random: object) -> None:
    shuffled = list(numbers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert mean(numbers) == mean(shuffled)


@given(st.lists(NUMBERS, min_size=2, max_size=8))
def test_a_mean_is_the_exact_one_rounded_once(numbers: list[float]) -> None:
    wanted = float(sum(map(Fraction, numbers)) / len(numbers))
    assert mean(numbers) == (wanted if len(set(map(canonical_key, numbers))) > 1 else numbers[0])


@given(VALUES | st.integers(2**53, 10**30), st.integers(1, 9))
def test_the_mean_of_equal_values_is_that_very_value(value: object, count: int) -> None:
    assert mean([value] * count) is value


@pytest.mark.parametrize(
    ("values", "wanted"),
    [([1, 1.0], 1.0), ([True, 1], 1.0), ([0.0, -0.0], 0.0), ([-0.0, -0.0], -0.0), ([2, 4], 3.0)],
)
def test_means_of_numbers_that_differ_are_floats(values: list[float], wanted: float) -> None:
    assert repr(mean(values)) == repr(wanted)


@pytest.mark.parametrize("values", [["a", 1], [None, 1], [(1,), (2,)], ["1", 1]])
def test_what_is_no_number_has_no_mean(values: list[object]) -> None:
    with pytest.raises(EvaluationError, match="cannot average"):
        mean(values)


def test_numbers_are_finite_ints_floats_and_bools() -> None:
    assert all(map(is_number, (1, 1.5, True)))
    assert not any(map(is_number, (math.inf, math.nan, "1", None, (1,), 1j)))


@given(VALUES, VALUES)
def test_keys_agree_exactly_for_the_same_value_of_the_same_type(a: object, b: object) -> None:
    if canonical_key(a) == canonical_key(b):
        assert a == b
        assert type(a) is type(b)


def test_equal_values_of_different_types_have_different_keys() -> None:
    assert len({canonical_key(value) for value in (1, 1.0, True)}) == 3
    assert len({canonical_key((value,)) for value in (1, 1.0, True)}) == 3


@given(st.lists(VALUES, max_size=8), st.randoms())
def test_the_canonical_order_is_total(values: list[object], random: object) -> None:
    ordered = canonical_order(values)
    keys = [canonical_key(value) for value in ordered]
    assert keys == sorted(keys)
    assert set(keys) == {canonical_key(value) for value in values}
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert [canonical_key(v) for v in canonical_order(shuffled)] == keys


def test_numpy_scalars_become_python_scalars() -> None:
    for given_value, wanted in ((np.int64(3), int), (np.float32(3), float), (np.bool_(1), bool)):
        assert type(normalise(given_value)) is wanted
    assert normalise("x") == "x"
