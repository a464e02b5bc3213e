"""How many inputs a second each backend runs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from importlib.util import find_spec

import shoal
from benchmarks.document.chapter import Chapter, Scale, table
from shoal.rasp.stock import STOCK
from shoal.rasp.values import Value

PROGRAMS = ("reverse", "sort", "shuffle_dyck2")
BATCHES = (1, 256)
BACKENDS = {"numpy": "numpy", "haiku": "jax", "torch": "torch"}
"""Backends, and the package that each needs."""


def throughput(scale: Scale, progress: Callable[[str], None]) -> Chapter:
    """Inputs a second of some programs."""
    backends = [name for name, package in BACKENDS.items() if find_spec(package)]
    rows = []
    for name in PROGRAMS[: scale.programs]:
        stock = STOCK[name]
        model = shoal.compile(
            stock.make(stock.max_seq_len), vocab=stock.vocab, max_seq_len=stock.max_seq_len
        )
        for batch in BATCHES:
            progress(f"{name}, batches of {batch}")
            inputs = random_inputs(model, batch)
            rates = [rate(model, inputs, backend, scale.seconds) for backend in backends]
            rows.append((f"{name}, {batch} at once", *(f"{each:,.0f}" for each in rates)))
    return Chapter(
        title="Throughput",
        command="python -m benchmarks.document throughput",
        text=(
            "Inputs of full length a second through `run_batch`, encoding and decoding included, "
            "after a first call that compiles where a backend does."
        ),
        tables=(table(("program", *backends), rows),),
    )


def random_inputs(model: shoal.Model, number: int) -> list[list[Value]]:
    """Inputs of full length, always the same."""
    generator = random.Random(0)
    encoder = model.input_encoder
    return [generator.choices(encoder.vocab, k=encoder.max_seq_len) for _ in range(number)]


def rate(model: shoal.Model, inputs: list[list[Value]], backend: str, seconds: float) -> float:
    """Inputs a second."""
    model.run_batch(inputs, backend=backend)
    started, done = time.perf_counter(), 0
    while True:
        model.run_batch(inputs, backend=backend)
        done += len(inputs)
        passed = time.perf_counter() - started
        if passed >= seconds:
            return done / passed
