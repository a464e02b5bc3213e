"""From tokens to numbers, and from the network's result to values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.errors import InvalidInputError
from shoal.rasp.values import Key, Value, canonical_key, normalise


@dataclass(frozen=True)
class InputEncoder:
    """Numbers tokens: the vocab in canonical order, then BOS, then PAD.

    Attributes:
        vocab: the tokens in canonical order.
        bos_token: the first token of every sequence.
        pad_token: fills sequences up.
        max_seq_len: the greatest number of tokens, BOS not counted.
    """

    vocab: tuple[Value, ...]
    bos_token: Value
    pad_token: Value
    max_seq_len: int
    enforce_bos: bool = True

    @property
    def vocab_size(self) -> int:
        """The number of tokens, BOS and PAD included."""
        return len(self.vocab) + 2

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

        A token stands for the token of the vocab that it equals, one of its own type first.

        Raises:
            InvalidInputError: the sequence is empty or too long, or a token is unknown.
        """
        tokens = _as_list(tokens)
        if not tokens:
            raise InvalidInputError("the sequence is empty; give at least one token")
        if len(tokens) > self.max_seq_len:
            raise InvalidInputError(
                f"the sequence has {len(tokens)} tokens, more than max_seq_len = "
                f"{self.max_seq_len}; compile for a greater max_seq_len"
            )
        return [self._number(token, position) for position, token in enumerate(tokens)]

    def _number(self, token: Value, position: int) -> int:
        token = normalise(token)
        try:
            hash(token)
        except TypeError:
            raise InvalidInputError(
                f"the token {token!r} at position {position} is not hashable"
            ) from None
        exact = self._number_by_key.get(canonical_key(token))
        if exact is not None:
            return exact
        if token in self.vocab:
            return self.vocab.index(token)
        if token == self.bos_token:
            raise InvalidInputError(
                f"BOS {token!r} stands at position {position}; it belongs at the start only, and "
                "run() puts it there by itself"
            )
        shown = ", ".join(map(repr, self.vocab[:20])) + (", ..." if len(self.vocab) > 20 else "")
        raise InvalidInputError(
            f"the token {token!r} at position {position} is not in the vocab: {shown}"
        )

    def encode(self, sequence: Sequence[Value]) -> list[int]:
        """The numbers of a sequence that begins with BOS and may end with PAD.

        Raises:
            InvalidInputError: as for ``encode_tokens``, or BOS is missing.
        """
        sequence = _as_list(sequence)
        if not sequence or sequence[0] != self.bos_token:
            first = repr(sequence[0]) if sequence else "nothing"
            raise InvalidInputError(
                f"the sequence begins with {first}; it must begin with BOS, {self.bos_token!r}"
            )
        tokens = list(sequence[1:])
        padding = 0
        while tokens and tokens[-1] == self.pad_token:
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


def _as_list(sequence: Sequence[Value]) -> list[Value]:
    if isinstance(sequence, Set | Mapping):
        raise InvalidInputError(f"{sequence!r} is no sequence: its tokens have no order")
    try:
        return list(sequence)
    except TypeError:
        raise InvalidInputError(f"{sequence!r} is no sequence of tokens; give a list") from None


@dataclass(frozen=True, eq=False)
class OutputDecoder:
    """Values from the coordinates of the result.

    Attributes:
        values: one value for each class; empty for numerical results.
        codes: [classes, coordinates]; None for numerical results.
        nullable: whether the result can be None, which has all coordinates 0.
    """

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
        table = np.vstack([self.codes, np.zeros((int(self.nullable), result.shape[1]))])
        distance = (table**2).sum(axis=1) - 2 * result.astype(np.float64) @ table.T
        choices = (*self.values, None) if self.nullable else self.values
        return [choices[number] for number in distance.argmin(axis=1)]

    @property
    def encoding_map(self) -> Mapping[Value, int]:
        """The number of each categorical value."""
        return {value: number for number, value in enumerate(self.values)}
