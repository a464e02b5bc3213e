"""Promises about inputs: which of them a program is for.

``inputs=`` takes a predicate, or the inputs themselves. The interpreter refuses other inputs, and
so does a model that was compiled under the promise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from typing import Any, TypeVar

from shoal.errors import InvalidInputError, InvalidOptionError, comes_from_outside
from shoal.rasp.functions import show_function
from shoal.rasp.values import (
    Key,
    Value,
    canonical_key,
    normalise,
    show_error,
    show_value,
    why_unusable,
)

MOST_LISTED = 2**20
"""Inputs that are taken from a collection."""

T = TypeVar("T")

MOST_PAIRS = 2**26
"""Of positions, on all inputs together, which are looked at at once."""


@dataclass(frozen=True)
class InputPromise:
    """Which inputs there are.

    Attributes:
        words: how messages call it.
        predicate: of a list of tokens, whether it is one; None if they are listed.
        listed: the inputs, where they are.
    """

    words: str
    predicate: Callable[[list[Value]], Any] | None
    listed: tuple[tuple[Value, ...], ...]

    def holds(self, xs: Sequence[Value]) -> bool:
        """Whether a sequence of tokens is one of the inputs.

        Raises:
            InvalidInputError: the predicate raises.
        """
        if self.predicate is None:
            return _keys(xs) in self._listed_keys
        try:
            return bool(self.predicate(list(xs)))
        except Exception as error:
            if comes_from_outside(error):
                raise
            raise InvalidInputError(
                f"{self.words} raises {show_error(error)} on {show_value(list(xs))}; it is called "
                "with a list of tokens, and says whether that is an input"
            ) from error

    @cached_property
    def _listed_keys(self) -> frozenset[tuple[Key, ...]]:
        return frozenset(map(_keys, self.listed))

    def require(self, xs: Sequence[Value]) -> None:
        """Refuse what is no input.

        Raises:
            InvalidInputError: it is none.
        """
        if not self.holds(xs):
            raise InvalidInputError(broken(self.words, xs))


def broken(words: str, xs: Sequence[Value]) -> str:
    """What is said about an input that breaks a promise."""
    return f"{words} promises which inputs there are, and {show_value(list(xs))} is none of them"


def promise_of(inputs: object) -> InputPromise | None:
    """What a user gives as ``inputs=``; None where there is no promise.

    Raises:
        InvalidOptionError: it is neither a predicate nor a collection of inputs.
    """
    if inputs is None or isinstance(inputs, InputPromise):
        return inputs
    if callable(inputs):
        return InputPromise(f"inputs={show_function(inputs)}", inputs, ())
    if not isinstance(inputs, Iterable) or isinstance(inputs, str | bytes):
        raise InvalidOptionError(
            f"inputs is {show_value(inputs)}; give a function that says of a list of tokens "
            "whether it is an input, or a collection of inputs"
        )
    given = list(islice(inputs, MOST_LISTED + 1))
    if len(given) > MOST_LISTED:
        raise InvalidOptionError(f"inputs has more than {MOST_LISTED:,} inputs; give fewer")
    for xs in given:
        if not isinstance(xs, Sequence) or isinstance(xs, str | bytes):
            raise InvalidOptionError(
                f"inputs has {show_value(xs)}, which is no input; give lists of tokens"
            )
    listed: dict[tuple[Key, ...], tuple[Value, ...]] = {}
    for xs in given:
        unusable = next((why for x in xs if (why := why_unusable(x)) is not None), None)
        if unusable is not None:
            raise InvalidOptionError(
                f"inputs has {show_value(list(xs))}, with a token that {unusable}"
            )
        listed.setdefault(_keys(xs), tuple(normalise(x) for x in xs))
    return InputPromise(f"inputs=[{len(listed):,} inputs]", None, tuple(listed.values()))


def number_of_inputs(tokens: int, max_seq_len: int, most: int) -> tuple[int, bool]:
    """How many inputs there are, and whether these are all: counting ends above ``most``."""
    count = longest = 0
    while longest < max_seq_len and count <= most:
        longest += 1
        count += tokens**longest
    return count, longest == max_seq_len


def every_input(vocab: Sequence[T], max_seq_len: int) -> Iterator[tuple[T, ...]]:
    """All inputs of 1 to so many tokens, shorter ones first."""
    for length in range(1, max_seq_len + 1):
        yield from product(vocab, repeat=length)


def inputs_of(
    promise: InputPromise, vocab: Sequence[Value], max_seq_len: int, most: int
) -> tuple[tuple[Value, ...], ...]:
    """All inputs that a promise has, shorter ones first.

    Args:
        promise: which inputs there are.
        vocab: the tokens.
        max_seq_len: the greatest number of tokens.
        most: sequences that a predicate is asked about.

    Raises:
        InvalidOptionError: there are none, or too many to ask about, or one does not fit.
        InvalidInputError: the predicate raises.
    """
    if promise.predicate is None:
        found = sorted(promise.listed, key=len)
        _require_fitting(found, vocab, max_seq_len)
    else:
        count, is_all = number_of_inputs(len(vocab), max_seq_len, most)
        if count > most:
            shown = f"{count:,}" if is_all else f"more than {count:,}"
            raise InvalidOptionError(
                f"{promise.words} would be asked about {shown} sequences of up to {max_seq_len} "
                f"of {len(vocab)} tokens; the limit is {most:,}. Give the inputs themselves, as a "
                "list, a smaller max_seq_len, or limits=shoal.Limits(promised_inputs=...)"
            )
        found = [xs for xs in every_input(vocab, max_seq_len) if promise.holds(xs)]
    longest = max(map(len, found), default=0)
    if len(found) * longest**2 > MOST_PAIRS:
        raise InvalidOptionError(
            f"{promise.words} has {len(found):,} inputs of up to {longest} tokens, which make "
            f"{len(found) * longest**2:,} pairs of query and key; the limit is {MOST_PAIRS:,}. "
            "Give fewer inputs, or shorter ones"
        )
    if not found:
        raise InvalidOptionError(
            f"{promise.words} promises that there is no input at all; one is needed to compile for"
        )
    return tuple(found)


def _require_fitting(
    inputs: Iterable[Sequence[Value]], vocab: Sequence[Value], max_seq_len: int
) -> None:
    known = {canonical_key(token) for token in vocab}
    for xs in inputs:
        wrong = [x for x in xs if canonical_key(x) not in known]
        if wrong:
            raise InvalidOptionError(
                f"inputs has {show_value(list(xs))}, whose token {show_value(wrong[0])} is not in "
                "the vocab"
            )
        if not 1 <= len(xs) <= max_seq_len:
            raise InvalidOptionError(
                f"inputs has {show_value(list(xs))} of {len(xs)} tokens; models read 1 to "
                f"max_seq_len = {max_seq_len}"
            )


def _keys(xs: Sequence[Value]) -> tuple[Key, ...]:
    return tuple(canonical_key(normalise(x)) for x in xs)
