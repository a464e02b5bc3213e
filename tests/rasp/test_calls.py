"""What a call of a user's function is believed to say."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from itertools import count, cycle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shoal
from shoal.errors import Refusal, comes_from_outside
from shoal.rasp import Map, Select, SelectorWidth, SequenceMap, tokens
from shoal.rasp.calls import NoFunctionError, UndefinedError, UnusableResultError, call
from tests.support import refused, right

VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.tuples(st.integers())


@given(VALUES)
def test_a_function_is_believed(value: Any) -> None:
    assert call(lambda x: x, (value,)) is value


class Alarm(Exception):
    """A time-out by a library of its own."""


class MyTimeoutError(Exception):
    """Another one."""


FROM_OUTSIDE = [
    MemoryError(),
    RecursionError(),
    OSError("disk"),
    FileNotFoundError(),
    TimeoutError(),
    TimeoutError(),
    subprocess.TimeoutExpired("ls", 1),
    MyTimeoutError(),
    KeyboardInterrupt(),
    SystemExit(),
]


def raising_for(error: BaseException, token: str = "b") -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        if x == token:
            raise error
        return f"{x}!"

    return function


@pytest.mark.parametrize("error", FROM_OUTSIDE, ids=repr)
def test_what_comes_from_outside_is_passed_on(error: BaseException) -> None:
    assert comes_from_outside(error)
    function = raising_for(error)
    for run in (
        lambda: call(function, ("b",)),
        lambda: Map(function, tokens)(["a", "b"]),
        lambda: shoal.compile(Map(function, tokens), vocab={"a", "b"}, max_seq_len=2),
        lambda: shoal.compile(
            SelectorWidth(Select(tokens, tokens, lambda k, q: function(k))),
            vocab={"a", "b"},
            max_seq_len=2,
        ),
    ):
        with pytest.raises(type(error)) as caught:
            run()
        assert caught.value is error


def test_other_errors_mean_undefined_if_they_repeat() -> None:
    function = raising_for(ValueError("no b"))
    with pytest.raises(UndefinedError) as caught:
        call(function, ("b",))
    assert str(caught.value.error) == "no b"
    model = right(Map(function, tokens), vocab=("a", "b"))
    assert (
        "map: function raises on 1 of 2 values, for example on 'b': ValueError: no b"
        in " ".join(model.report().split())
    )


def once(error: Exception) -> Callable[[Any], Any]:
    """Raises when it is called first, as something from outside would."""
    calls = count()

    def function(x: Any) -> Any:
        if next(calls) == 0:
            raise error
        return x

    return function


@pytest.mark.parametrize("error", [ValueError("first"), Alarm()])
def test_an_error_that_does_not_repeat_is_not_taken_for_undefined(error: Exception) -> None:
    with pytest.raises(NoFunctionError) as caught:
        call(once(error), (1,))
    assert caught.value.__cause__ is error
    found = refused(Refusal.NO_FUNCTION, Map(once(error), tokens), vocab=(1, 2), expression="map")
    assert found.__cause__ is not None


ALTERNATING = cycle([1, 1.0])


def counter() -> Callable[[Any], Any]:
    calls = count()
    return lambda x: next(calls)


def seen_before() -> Callable[[Any], Any]:
    seen: set[Any] = set()

    def function(x: Any) -> bool:
        known = x in seen
        seen.add(x)
        return known

    return function


@pytest.mark.parametrize(
    "make",
    [
        counter,
        seen_before,
        lambda: lambda x: random.random(),
        lambda: lambda x: time.perf_counter_ns(),
        lambda: lambda x: next(ALTERNATING),
    ],
)
def test_what_is_no_function_is_refused_with_both_results(make: Callable[[], Any]) -> None:
    error = refused(Refusal.NO_FUNCTION, Map(make(), tokens).named("odd"), vocab=(1, 2))
    assert error.expression == "odd"
    assert "first gives" in error.reason
    assert "and then gives" in error.reason


def test_state_in_a_predicate_or_in_a_function_of_two_is_unmasked() -> None:
    known, number = seen_before(), counter()
    width = SelectorWidth(Select(tokens, tokens, lambda key, query: known(key)))
    refused(Refusal.NO_FUNCTION, width, vocab=(1, 2))
    pairs = SequenceMap(lambda x, y: number(x), tokens, shoal.rasp.indices)
    refused(Refusal.NO_FUNCTION, pairs, vocab=(1, 2))


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ([1], "not hashable"),
        (float("nan"), "not equal to itself"),
        ((1, (float("nan"),)), "not equal to itself"),
        (object(), "differs from run to run"),
        (10**5000, "more digits than Python prints"),
    ],
    ids=["list", "NaN", "NaN in tuples", "object", "long int"],
)
def test_results_that_can_be_no_value_are_refused(result: Any, reason: str) -> None:
    with pytest.raises(UnusableResultError) as caught:
        call(lambda x: result, (1,))
    assert reason in caught.value.reason
    error = refused(Refusal.UNUSABLE_VALUE, Map(lambda x: result, tokens), vocab=(1,))
    assert reason in error.reason


def test_a_constant_that_keeps_state_makes_an_operator_no_function() -> None:
    class Flip:
        answers = cycle([False, False, True])

        def __eq__(self, other: object) -> bool:
            return next(self.answers)

        __hash__ = object.__hash__

        def __repr__(self) -> str:
            return "Flip"

    refused(Refusal.NO_FUNCTION, tokens == Flip(), vocab=(1, 2))
