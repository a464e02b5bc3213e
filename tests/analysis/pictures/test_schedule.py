"""Schedules say when operations run, when they could, and what each half-layer uses."""

from __future__ import annotations

import pytest

import shoal
from shoal.rasp.stock import STOCK
from shoal_analysis.pictures.schedule import Run, schedule_of
from shoal_solvers import Kind
from tests.analysis.pictures.solved import ALLOCATION, PROBLEM, wide


def test_rows_are_erased_inputs_and_operations_in_the_order_in_which_they_run() -> None:
    plan = schedule_of(PROBLEM, ALLOCATION)
    assert plan.runs == (
        Run(("tokens",), None, 0, -1, 0, (1,)),
        Run(("look here",), 0, 0, 2, 1, (1,)),
        Run(("look there",), 0, 0, 0, 1),
        Run(("add",), 1, 1, 1, 9, (3,), alternative=1),
        Run(("never",), 1, 1, 3, 1),
        Run(("copy $x_1$",), 2, 2, 2, 2),
        Run(("finish",), 3, 3, 3, 12),
    )


def test_half_layers_use_shared_heads_once_and_neurons_that_erase() -> None:
    plan = schedule_of(PROBLEM, ALLOCATION)
    assert plan.sizes == (1, 9 + 1 + 3 + 1, 2, 12 + 2)
    assert (plan.most(Kind.ATTENTION), plan.most(Kind.MLP)) == (2, 14)


@pytest.mark.parametrize("name", ["sort", "shuffle_dyck2"])
def test_operations_run_when_they_can_and_cost_what_the_result_says(name: str) -> None:
    stock = STOCK[name]
    model = shoal.compile(stock.make(5), vocab=stock.vocab, max_seq_len=5)
    plan = schedule_of(model.problem, model.allocation)
    running = [run for run in plan.runs if run.half_layer is not None]
    assert {n for run in running for n in run.names} == set(model.allocation.placements)
    assert all(run.earliest <= (run.half_layer or 0) <= run.latest for run in running)
    assert sum(plan.sizes) == model.allocated.costs.total
    assert plan.most(Kind.MLP) == model.allocated.costs.neurons


def test_rows_are_joined_only_where_there_are_too_many() -> None:
    plan = schedule_of(PROBLEM, ALLOCATION)
    assert plan.grouped(7) is plan
    assert plan.grouped(2) == plan.grouped(6)  # there is a row for each half-layer, and no fewer
    assert [run.names for run in plan.grouped(6).runs] == [
        ("tokens",),
        ("look here", "look there"),
        ("add", "never"),
        ("copy $x_1$",),
        ("finish",),
    ]


def test_rows_of_one_half_layer_with_one_window_are_joined_first() -> None:
    plan = schedule_of(*wide(70))
    joined = plan.grouped(4)
    assert len(joined.runs) == 3
    assert sorted(n for run in joined.runs for n in run.names) == sorted(f"v{i}" for i in range(70))
    assert [(run.half_layer, run.earliest, run.latest) for run in joined.runs] == [
        (0, 0, 2),
        (1, 1, 3),
        (3, 1, 3),
    ]
    assert [run.size for run in joined.runs] == [14, 48, 8]
    assert joined.sizes == plan.sizes
