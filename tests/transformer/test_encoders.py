from __future__ import annotations

from itertools import chain, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal import InvalidInputError
from shoal.transformer.encoders import InputEncoder, OutputDecoder

ENCODER = InputEncoder(("a", "b"), "BOS", "PAD", 3)


def test_tokens_are_numbered_in_order_then_bos_then_pad() -> None:
    assert ENCODER.encode(["BOS", "b", "a"]) == [2, 1, 0]
    assert ENCODER.encode(["BOS", "b", "PAD", "PAD"]) == [2, 1, 3, 3]
    assert ENCODER.vocab_size == 4
    assert ENCODER.encoding_map == {"a": 0, "b": 1, "BOS": 2, "PAD": 3}
    assert ENCODER.decode([2, 1, 3]) == ["BOS", "b", "PAD"]


@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=3))
def test_decoding_inverts_encoding(xs: list[str]) -> None:
    assert ENCODER.decode(ENCODER.encode_tokens(xs)) == xs


def test_a_token_is_known_by_its_own_type_alone() -> None:
    encoder = InputEncoder((1, 1.0, True, "1"), "BOS", "PAD", 5)
    assert encoder.encode_tokens([True, 1.0, 1, "1", np.int64(1)]) == [2, 1, 0, 3, 0]
    for token in (2.0, False, -0.0, np.float32(2)):
        with pytest.raises(InvalidInputError, match=r"is not in the vocab: 0, 2; it equals [02], "):
            InputEncoder((0, 2), "BOS", "PAD", 2).encode_tokens([token])


def test_bos_and_pad_are_known_by_their_own_type_alone() -> None:
    encoder = InputEncoder((0.5, "a"), 1, 0, 3)
    assert encoder.encode([1, "a", 0]) == [2, 1, 3]
    with pytest.raises(InvalidInputError, match="begins with True"):
        encoder.encode([True, "a"])
    with pytest.raises(InvalidInputError, match="the token False"):
        encoder.encode([1, "a", False])


def test_an_endless_sequence_is_too_long() -> None:
    with pytest.raises(InvalidInputError, match="more than"):
        ENCODER.encode_tokens(repeat("a"))  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="more than"):
        ENCODER.encode(chain(["BOS"], repeat("a")))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        ([], "empty"),
        (["a"] * 4, "4 tokens, more than max_seq_len = 3"),
        (["a", "z"], "'z' at position 1 is not in the vocab: 'a', 'b'"),
        (["BOS", "a"], "BOS 'BOS' stands at position 0"),
        (["a", "PAD"], "'PAD' at position 1"),
        ([None], "None at position 0"),
        ([["a"]], "not hashable"),
        (5, "sequence"),
        (None, "sequence"),
    ],
)
def test_bad_sequences_are_refused(tokens: object, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        ENCODER.encode_tokens(tokens)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        ([], "must begin with BOS"),
        (["a"], "begins with 'a'; it must begin with BOS, 'BOS'"),
        (["BOS"], "empty"),
        (["BOS", "a", "BOS"], "BOS 'BOS' stands at position 1"),
        (["BOS", "PAD", "a"], "'PAD' at position 0"),
        (["BOS", "a", "PAD", "PAD", "PAD"], "4 tokens after BOS"),
        (5, "sequence"),
    ],
)
def test_bad_sequences_with_bos_are_refused(tokens: object, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        ENCODER.encode(tokens)  # type: ignore[arg-type]


def test_categorical_results_are_the_nearest_value_and_zero_is_none() -> None:
    decoder = OutputDecoder(("x", 1, (2,)), np.eye(3), nullable=True)
    rows = np.array([[0.01, 0.98, 0], [0, 0.1, 0.1], [0, 0, 1.01], [1, 0, 0]])
    assert decoder.decode(rows) == [1, None, (2,), "x"]
    assert OutputDecoder(("x", "y"), np.eye(2), nullable=False).decode(rows[1:2, :2]) == ["y"]


def test_numerical_results_are_read_off_and_absent_ones_are_none() -> None:
    assert OutputDecoder((), None, nullable=False).decode(np.array([[0.5], [-2.0]])) == [0.5, -2]
    rows = np.array([[0.5, 1], [0, 1e-5], [0, 0.9999]])
    assert OutputDecoder((), None, nullable=True).decode(rows) == [0.5, None, 0]


def test_means_are_decoded_by_their_code() -> None:
    codes = np.array([[0.0, 1], [0.5, 1], [1, 1]])
    decoder = OutputDecoder((0, 0.5, 1), codes, nullable=True)
    rows = np.array([[0.4999, 1], [0, 0.999], [0.001, 0.0], [1.0001, 1]])
    assert decoder.decode(rows) == [0.5, 0, None, 1]
