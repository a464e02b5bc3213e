"""The weights of stock programs are bit by bit what they were, unless a commit says why not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import shoal
from benchmarks import weights
from shoal.rasp.stock import STOCK

KNOWN = json.loads(weights.GOLDEN.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("name", STOCK)
def test_weights_are_what_they_were(name: str) -> None:
    """If a change is meant: python -m benchmarks.weights --write"""
    if KNOWN["environment"] != weights.environment():
        pytest.skip(f"the golden file is of {KNOWN['environment']}")
    known = {key: digest for key, digest in KNOWN["digests"].items() if key.split()[0] == name}
    assert weights.digests([name]) == known


def test_every_stock_program_has_digests() -> None:
    assert {key.split()[0] for key in KNOWN["digests"]} == set(STOCK)
    assert len(KNOWN["digests"]) == 12 * len(STOCK)


def test_a_digest_sees_every_array() -> None:
    stock = STOCK["hist"]

    def compiled() -> shoal.Model:
        return shoal.compile(stock.make(4), vocab=stock.vocab, max_seq_len=4)

    before = weights.digest(compiled())
    assert weights.digest(compiled()) == before
    for change in (
        lambda model: model.weights.unembedding_b,
        lambda model: model.weights.unembedding_w,
        lambda model: model.weights.position_embedding,
        lambda model: model.weights.layers[0].hidden_w,
        lambda model: model.output_encoder.codes,
    ):
        model = compiled()
        array = change(model)
        array.flat[0] = np.nextafter(array.flat[0], np.inf, dtype=array.dtype)
        assert weights.digest(model) != before


KERNELS = ("Prescott", "Haswell", "SkylakeX")
"""Of OpenBLAS, each of which adds up in an order of its own; a processor has those it knows."""

OF_PROGRAMS = """\
import shoal
from benchmarks.weights import digest, digests
from tests.lowering.test_forms import copied_pair

print(digests(["dyck1_ptf", "most_freq"]))
for vocab in ("abcdef", "abcdefgh"):
    model = shoal.compile(copied_pair(), vocab=list(vocab), max_seq_len=6, passes=["binary"])
    print(digest(model), model.width_bound)
"""


@pytest.mark.slow
def test_weights_do_not_depend_on_the_order_in_which_a_library_adds_up() -> None:
    """Some forms are exact enough by a hair, and some slopes are a power of two by one."""
    seen = {
        subprocess.run(
            [sys.executable, "-c", OF_PROGRAMS],
            env={**os.environ, "OPENBLAS_CORETYPE": kernels},
            cwd=Path(__file__).parent.parent,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        ).stdout
        for kernels in KERNELS
    }
    assert len(seen) == 1
