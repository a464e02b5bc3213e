"""Interpreter = craft = NumPy = Haiku on every stock program, under every allocator."""

from __future__ import annotations

import pytest

import shoal
from shoal.rasp.stock import STOCK
from shoal_solvers import SOLVERS
from tests.support import agree, all_sequences, interpreted, random_sequences

TRACR = {
    "length": (1, 29, 1),
    "reverse": (4, 73, 4),
    "hist": (1, 29, 1),
    "frac_prevs": (2, 19, 2),
    "pair_balance": (2, 22, 2),
    "shuffle_dyck1": (6, 53, 5),
    "shuffle_dyck2": (8, 70, 7),
    "shuffle_dyck3": (9, 85, 8),
    "sort_unique": (2, 37, 2),
    "sort": (3, 101, 3),
    "sort_freq": (5, 128, 5),
    "count_less_freq": (2, 41, 2),
    "detect_pattern": (3, 30, 3),
    "count": (1, 29, 1),
    "nary_sum": (4, 77, 4),
}
"""Tracr's layers and residual width, and the layers of an exact placement (see the design)."""


def compiled(name: str, **options: object) -> shoal.Model:
    stock = STOCK[name]
    program = stock.make(stock.max_seq_len)
    return shoal.compile(program, vocab=stock.vocab, max_seq_len=stock.max_seq_len, **options)


def inputs(name: str) -> list[list[object]]:
    stock = STOCK[name]
    return [
        *all_sequences(stock.vocab, 4 if len(stock.vocab) <= 4 else 3),
        *random_sequences(stock.vocab, 4, stock.max_seq_len, 500),
    ]


def test_the_benchmark_programs_are_the_rows_of_the_reference_table() -> None:
    assert [name for name, stock in STOCK.items() if stock.benchmark] == list(TRACR)


@pytest.mark.parametrize("name", TRACR)
def test_longest_path_has_tracrs_layers_and_no_more_width(name: str) -> None:
    model = compiled(name, passes="none", allocator="longest-path")
    layers, width, _ = TRACR[name]
    assert model.num_layers == layers
    assert model.d_model <= width


@pytest.mark.parametrize("name", TRACR)
def test_critical_path_has_the_layers_of_an_exact_placement(name: str) -> None:
    model = compiled(name, passes="none", allocator="critical-path")
    assert model.num_layers == TRACR[name][2]


@pytest.mark.slow
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", STOCK)
def test_all_numpy_stages_agree_with_the_interpreter(name: str, causal: bool) -> None:
    stock = STOCK[name]
    expected = interpreted(stock.make(stock.max_seq_len), inputs(name), causal)
    assert len(expected) > 100
    for passes, allocator in [*(("none", solver) for solver in SOLVERS), ("all", "cp-sat")]:
        model = compiled(name, passes=passes, allocator=allocator, causal=causal)
        results = model.run_batch([sequence for sequence, _ in expected])
        for (sequence, wanted), result in zip(expected, results, strict=True):
            assert agree(model.program, wanted, result), (passes, allocator, sequence)
    for sequence, wanted in expected[:: len(expected) // 50]:
        assert agree(model.program, wanted, model.run(sequence, "craft")), sequence


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reverse", "pair_balance", "shuffle_dyck1", "sort", "most_freq"])
def test_haiku_agrees_with_the_interpreter(name: str) -> None:
    stock = STOCK[name]
    expected = interpreted(stock.make(stock.max_seq_len), inputs(name))
    model = compiled(name)
    results = model.run_batch([sequence for sequence, _ in expected], "haiku")
    for (sequence, wanted), result in zip(expected, results, strict=True):
        assert agree(model.program, wanted, result), sequence


@pytest.mark.slow
def test_haiku_agrees_under_a_causal_mask() -> None:
    stock = STOCK["frac_prevs"]
    program = stock.make(stock.max_seq_len)
    expected = interpreted(program, inputs("frac_prevs"), causal=True)
    model = compiled("frac_prevs", causal=True)
    results = model.run_batch([sequence for sequence, _ in expected], "haiku")
    assert all(
        agree(program, wanted, result)
        for (_, wanted), result in zip(expected, results, strict=True)
    )


def test_reuse_can_be_switched_off() -> None:
    kept = compiled("sort_freq", passes="none", allocator="critical-path", reuse=False)
    assert not kept.allocation.erasures
    assert kept.d_model > compiled("sort_freq", passes="none", allocator="critical-path").d_model
