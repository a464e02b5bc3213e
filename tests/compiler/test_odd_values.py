"""Values and arguments that behave badly are refused by the project's own errors."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import shoal
from shoal import rasp
from shoal.errors import Refusal
from shoal.rasp.values import show_value, why_unusable
from tests.support import refused, right


class Odd:
    """A value whose methods can be made to misbehave."""

    def __init__(self, name: str = "odd", **methods: Callable[[], Any]) -> None:
        self.name = name
        self.methods = methods

    def _do(self, method: str, otherwise: Any) -> Any:
        return self.methods[method]() if method in self.methods else otherwise

    def __eq__(self, other: object) -> bool:
        return self._do("eq", isinstance(other, Odd) and self.name == other.name)

    def __hash__(self) -> int:
        return self._do("hash", hash(self.name))

    def __repr__(self) -> str:
        return self._do("repr", f"<{self.name}>")


def fail() -> Any:
    raise ValueError("I will not")


def deep(levels: int) -> Any:
    value: Any = ()
    for _ in range(levels):
        value = (value,)
    return value


MISBEHAVING = {
    "eq raises": lambda: Odd(eq=fail),
    "hash raises": lambda: Odd(hash=fail),
    "repr raises": lambda: Odd(repr=fail),
    "eq changes": lambda: Odd(eq=itertools.cycle([False, True]).__next__),
    "hash changes": lambda: Odd(hash=itertools.count().__next__),
    "repr changes": lambda: Odd(repr=map(str, itertools.count()).__next__),
    "a long int": lambda: 10**4400,
    "a long int in a tuple": lambda: (1, (-(10**4400),)),
    "a deep tuple": lambda: deep(3000),
    "a very deep tuple": lambda: deep(50_000),
    "a long text": lambda: "a" * 200_000,
    "a large tuple": lambda: (1,) * 200_000,
    "a large tuple in a tuple": lambda: (0, (1,) * 200_000),
    "NaN in a set": lambda: frozenset({float("nan")}),
}


@pytest.mark.parametrize("name", MISBEHAVING)
def test_values_that_misbehave_are_refused_wherever_they_come_from(name: str) -> None:
    value = MISBEHAVING[name]()
    assert why_unusable(value) is not None
    model = shoal.compile(rasp.tokens, vocab={1, 2}, max_seq_len=2)
    for call in (
        lambda: shoal.compile(rasp.tokens, vocab=[1, value], max_seq_len=2),
        lambda: shoal.compile(rasp.tokens, vocab=[1], max_seq_len=2, bos=value),
        lambda: shoal.compile(rasp.tokens, vocab=[1], max_seq_len=2, pad=value),
        lambda: rasp.Full(value),
        lambda: rasp.ConstantSOp([value]),
        lambda: rasp.Aggregate(rasp.Select(rasp.tokens, rasp.tokens, max), rasp.tokens, value),
        lambda: model.run([value]),
        lambda: model.run_batch([[1], [value]]),
    ):
        with pytest.raises(shoal.ShoalError) as caught:
            call()
        assert len(str(caught.value)) < 1_000
    error = refused(Refusal.UNUSABLE_VALUE, rasp.Map(lambda x: value, rasp.tokens), vocab=(1, 2))
    assert len(str(error)) < 1_000


@pytest.mark.parametrize("value", [make() for make in MISBEHAVING.values()], ids=MISBEHAVING)
def test_every_value_can_be_shown_in_a_message(value: Any) -> None:
    assert 0 < len(show_value(value)) < 300


def test_an_error_without_a_text_of_its_own_can_be_told() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError("no text")

    def raises(x: Any) -> Any:
        raise Mute

    error = refused(Refusal.ALWAYS_RAISES, rasp.Map(raises, rasp.tokens), vocab=(1,))
    assert "Mute: its text cannot be had" in error.reason


@pytest.mark.parametrize(
    "constant",
    [[1], {1: 2}, {1}, Odd(hash=fail), Odd(repr=fail)],
    ids=["list", "dict", "set", "hash", "repr"],
)
def test_constants_of_operators_need_no_order(constant: Any) -> None:
    """They are part of a function and no values themselves."""
    same = rasp.tokens == constant
    program = rasp.SequenceMap(lambda x, y: (x, y), same.named("x"), rasp.tokens == constant)
    for passes in ("all", "none"):
        right(program, vocab=(1, 2), passes=passes)


MODEL = shoal.compile(rasp.tokens, vocab={1, 2}, max_seq_len=2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compiled(vocab=itertools.count()), "more than 1,048,576 tokens"),
        (lambda: compiled(workers=10**12), "workers is 1000000000000; give a number of threads"),
        (lambda: compiled(workers=0), "workers is 0"),
        (lambda: compiled(workers=True), "workers is True"),
        (
            lambda: compiled(budget=shoal.Budgets(max_width=2**63)),
            "max_width is 9223372036854775808",
        ),
        (lambda: compiled(budget=shoal.Budgets(max_heads=0)), "max_heads is 0"),
        (lambda: compiled(max_seq_len=10**5000), "max_seq_len|pairs of token"),
        (lambda: compiled(time_limit=float("nan")), "time_limit is nan"),
        (lambda: compiled(time_limit=10**400), "time_limit is 1000"),
        (lambda: compiled(wall_clock_limit=10**400), "wall_clock_limit is 1000"),
        (lambda: compiled(causal=np.array([1, 2])), "causal is array"),
        (lambda: compiled(reuse=np.array([1, 2])), "reuse is array"),
        (lambda: shoal.Limits(table_entries=10**5000), "table_entries is a larger number"),
        (lambda: compiled(allocator=["cp-sat"]), "there is no allocator"),
        (lambda: MODEL.run_batch(5), "5 is no list of sequences"),
        (lambda: MODEL.run_batch(5, "craft"), "5 is no list of sequences"),
        (lambda: MODEL.run_batch("12"), "'12' is no list of sequences"),
        (lambda: MODEL.run_batch({(1,): 2}), "is no list of sequences"),
        (lambda: MODEL.run_batch([5]), "5 is no sequence of tokens"),
        (lambda: MODEL.run(itertools.repeat(1)), "more than max_seq_len = 2"),
        (lambda: MODEL.run([True]), "True at position 0 is not in the vocab: 1, 2; it equals 1"),
        (lambda: MODEL.run([1], ["numpy"]), r"a backend has a name, and is not \['numpy'\]"),
        (lambda: MODEL.read(["tokens"], [1]), "the name of an s-op is a text"),
        (lambda: MODEL.save("a\0b.safetensors"), "cannot write 'a.x00b.safetensors'"),
        (lambda: MODEL.save("a\0b.npz"), "cannot write"),
        (lambda: MODEL.run([1.0]), "it equals 1, but programs tell the two apart"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(shoal.ShoalError, match=message):
        call()


def compiled(**options: Any) -> shoal.Model:
    return shoal.compile(rasp.tokens, **{"vocab": {1, 2}, "max_seq_len": 2, **options})
