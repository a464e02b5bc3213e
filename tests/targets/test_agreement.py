"""Every target agrees with the interpreter, as its own clients run it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

import shoal
from shoal.rasp.stock import STOCK
from tests.support import agree, interpreted, random_sequences
from tests.targets.clients import CLIENTS, values_of

INPUTS = 200


@cache
def compiled(name: str, causal: bool) -> shoal.Model | None:
    """A stock program's model; None where it uses length, which a causal mask hides."""
    stock = STOCK[name]
    try:
        return shoal.compile(
            stock.make(stock.max_seq_len),
            vocab=stock.vocab,
            max_seq_len=stock.max_seq_len,
            causal=causal,
        )
    except shoal.UnsupportedProgramError:
        return None


def padded(model: shoal.Model, sequences: list[list]) -> np.ndarray:
    encoder = model.input_encoder
    ids = np.full((len(sequences), encoder.max_seq_len + 1), encoder.pad_encoding, np.int32)
    ids[:, 0] = encoder.bos_encoding
    for row, xs in zip(ids, sequences, strict=True):
        row[1 : 1 + len(xs)] = encoder.encode_tokens(xs)
    return ids


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("causal", [False, True], ids=["full", "causal"])
@pytest.mark.parametrize("name", STOCK)
def test_stock_programs_agree(name: str, causal: bool, client: str, tmp_path: Path) -> None:
    model = compiled(name, causal)
    if model is None:
        pytest.skip("it uses length, which a causal mask hides")
    sequences = random_sequences(STOCK[name].vocab, 1, STOCK[name].max_seq_len, INPUTS)
    expected = interpreted(model.program, sequences, causal)
    logits = CLIENTS[client](model, padded(model, [xs for xs, _ in expected]), tmp_path)
    assert len(expected) == INPUTS
    for (xs, wanted), rows in zip(expected, logits, strict=True):
        assert agree(model.program, wanted, values_of(model, rows[1 : 1 + len(xs)])), xs
