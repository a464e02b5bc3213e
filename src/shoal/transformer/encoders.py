"""From tokens to numbers, and from the network's result to values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set, Sized
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.errors import InvalidInputError
from shoal.rasp.promised_inputs import broken
from shoal.rasp.values import (
    Key,
    Value,
    canonical_key,
    normalise,
    show_value,
    show_values,
    why_unusable,
)
from shoal.shown import shown_fields
from shoal.transformer.decoding import code_logits


@dataclass(frozen=True)
class PromisedInputs:
    """The inputs that a model is for.

    Attributes:
        words: how messages call the promise.
        inputs: each as numbers of tokens.
    """

    __repr__ = shown_fields

    words: str
    inputs: frozenset[tuple[int, ...]]


@dataclass(frozen=True)
class InputEncoder:
    """Numbers tokens: the vocab in canonical order, then BOS, then PAD.

    Attributes:
        vocab: the tokens in canonical order.
        bos_token: the first token of every sequence.
        pad_token: fills sequences up.
        max_seq_len: the greatest number of tokens, BOS not counted.
        promised: the inputs that the model is for; None if there may be any.
    """

    vocab: tuple[Value, ...]
    bos_token: Value
    pad_token: Value
    max_seq_len: int
    enforce_bos: bool = True
    promised: PromisedInputs | None = None

    @property
    def vocab_size(self) -> int:
        """The number of tokens, BOS and PAD included."""
        return len(self.vocab) + 2

    def is_token(self, ids: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Where there are tokens in numbers [batch, positions]: neither BOS, in front, nor PAD."""
        return np.asarray((ids != self.pad_encoding) & (np.arange(ids.shape[1]) > 0))

    @property
    def bos_encoding(self) -> int:
        """The number of BOS."""
        return len(self.vocab)

    @property
    def pad_encoding(self) -> int:
        """The number of PAD."""
        return len(self.vocab) + 1

    @property
    def encoding_map(self) -> dict[Value, int]:
        """The number of each token."""
        tokens = (*self.vocab, self.bos_token, self.pad_token)
        return {token: number for number, token in enumerate(tokens)}

    @cached_property
    def _number_by_key(self) -> dict[Key, int]:
        return {canonical_key(token): number for number, token in enumerate(self.vocab)}

    def encode_tokens(self, tokens: Sequence[Value]) -> list[int]:
        """The numbers of a sequence without BOS.

        Raises:
            InvalidInputError: the sequence is empty or too long, it breaks a promise about inputs,
                or a token is unknown. A token is known by the rule by which programs tell values
                apart, so True is not 1.
        """
        tokens = self.as_list(tokens)
        if not tokens:
            raise InvalidInputError("the sequence is empty; give at least one token")
        if len(tokens) > self.max_seq_len:
            raise InvalidInputError(
                f"the sequence has {len(tokens)} tokens, more than max_seq_len = "
                f"{self.max_seq_len}; compile for a greater max_seq_len"
            )
        numbers = [self._number(token, position) for position, token in enumerate(tokens)]
        if self.promised is not None and tuple(numbers) not in self.promised.inputs:
            raise InvalidInputError(
                f"{broken(self.promised.words, tokens)}; this model computes the program for those "
                "inputs alone"
            )
        return numbers

    def as_list(self, tokens: Sequence[Value]) -> list[Value]:
        """The tokens of a sequence; of one that may be endless, one more than fit.

        Raises:
            InvalidInputError: it is no sequence.
        """
        return _as_list(tokens, self.max_seq_len)

    def _number(self, token: Value, position: int) -> int:
        token = normalise(token)
        where = f"the token {show_value(token)} at position {position}"
        reason = why_unusable(token)
        if reason is not None:
            raise InvalidInputError(f"{where} {reason}")
        number = self._number_by_key.get(canonical_key(token))
        if number is not None:
            return number
        if self._is_bos(token):
            raise InvalidInputError(
                f"BOS {show_value(token)} stands at position {position}; it belongs at the start "
                "only, and run() puts it there by itself"
            )
        shown = show_values(self.vocab, 20)
        raise InvalidInputError(f"{where} is not in the vocab: {shown}{self._alike(token)}")

    def _alike(self, token: Value) -> str:
        """A hint where the vocab has an equal number of another type."""
        if isinstance(token, int | float):
            for other in self.vocab:
                if isinstance(other, int | float) and other == token:
                    return (
                        f"; it equals {show_value(other)}, but programs tell the two apart, so "
                        f"give {show_value(other)} itself"
                    )
        return ""

    def _is_bos(self, token: Value) -> bool:
        return canonical_key(normalise(token)) == canonical_key(self.bos_token)

    def _is_pad(self, token: Value) -> bool:
        return canonical_key(normalise(token)) == canonical_key(self.pad_token)

    @cached_property
    def listed(self) -> tuple[tuple[Value, ...], ...] | None:
        """The promised inputs, shorter ones first; None if there may be any."""
        if self.promised is None:
            return None
        ordered = sorted(self.promised.inputs, key=lambda numbers: (len(numbers), numbers))
        return tuple(tuple(self.vocab[number] for number in numbers) for numbers in ordered)

    def encode(self, sequence: Sequence[Value]) -> list[int]:
        """The numbers of a sequence that begins with BOS and may end with PAD.

        Raises:
            InvalidInputError: as for ``encode_tokens``, or BOS is missing.
        """
        sequence = _as_list(sequence, self.max_seq_len + 1)
        if not sequence or not self._is_bos(sequence[0]):
            first = show_value(sequence[0]) if sequence else "nothing"
            raise InvalidInputError(
                f"the sequence begins with {first}; it must begin with BOS, "
                f"{show_value(self.bos_token)}"
            )
        tokens = list(sequence[1:])
        padding = 0
        while tokens and self._is_pad(tokens[-1]):
            tokens.pop()
            padding += 1
        if len(tokens) + padding > self.max_seq_len:
            raise InvalidInputError(
                f"the sequence has {len(tokens) + padding} tokens after BOS, more than "
                f"max_seq_len = {self.max_seq_len}; compile for a greater max_seq_len"
            )
        return [self.bos_encoding, *self.encode_tokens(tokens), *[self.pad_encoding] * padding]

    def decode(self, numbers: Sequence[int]) -> list[Value]:
        """The tokens of numbers."""
        tokens = (*self.vocab, self.bos_token, self.pad_token)
        return [tokens[number] for number in numbers]


def _as_list(sequence: Sequence[Value], most: int) -> list[Value]:
    """The tokens of a sequence; of one that may be endless, one more than ``most``."""
    if isinstance(sequence, Set | Mapping):
        raise InvalidInputError(f"{show_value(sequence)} is no sequence: its tokens have no order")
    try:
        return list(sequence if isinstance(sequence, Sized) else islice(sequence, most + 1))
    except TypeError:
        raise InvalidInputError(
            f"{show_value(sequence)} is no sequence of tokens; give a list"
        ) from None


@dataclass(frozen=True, eq=False)
class OutputDecoder:
    """Values from the coordinates of the result.

    Attributes:
        values: one value for each class; empty for numerical results.
        codes: [classes, coordinates]; None for numerical results.
        nullable: whether the result can be None, which has all coordinates 0.
    """

    __repr__ = shown_fields

    values: tuple[Value, ...]
    codes: npt.NDArray[np.float64] | None
    nullable: bool

    @property
    def is_numerical(self) -> bool:
        """Whether results are numbers read from a scalar."""
        return self.codes is None

    def decode(self, result: npt.NDArray[Any]) -> list[Value]:
        """Values for coordinates [positions, coordinates]."""
        if self.codes is None:
            present = result[:, 1] > 0.5 if self.nullable else np.ones(len(result), dtype=bool)
            pairs = zip(result[:, 0], present, strict=True)
            return [float(number) if there else None for number, there in pairs]
        nearest = code_logits(result, self.codes, self.nullable).argmax(axis=1)
        return [self.choices[number] for number in nearest]

    def logits(self, result: npt.NDArray[Any]) -> npt.NDArray[np.float64] | None:
        """[..., choices], how near each is to coordinates [..., coordinates]; None of numbers."""
        return None if self.codes is None else code_logits(result, self.codes, self.nullable)

    @property
    def choices(self) -> tuple[Value, ...]:
        """What logits are over: the values, and None after them where it can be."""
        return (*self.values, None) if self.nullable else self.values

    @property
    def encoding_map(self) -> Mapping[Value, int]:
        """The number of each categorical value.

        Raises:
            AttributeError: results are numbers, and clients ask by this attribute.
        """
        if self.codes is None:
            raise AttributeError("numerical results have no encoding_map")
        return {value: number for number, value in enumerate(self.values)}
