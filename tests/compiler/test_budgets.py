"""Budgets and allocators: what is asked for is kept, and the outputs stay the same."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal
from shoal.rasp.stock import STOCK
from shoal_analysis.fuzzing.oracles import LIMITS, compare_results
from shoal_analysis.fuzzing.programs import cases
from shoal_solvers import SOLVERS, check
from tests.support import accepted, agree, defined, random_sequences


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(cases(most_steps=8), st.tuples(*[st.none() | st.integers(0, 4)] * 4))
def test_random_programs_agree_under_random_budgets_and_every_solver(case, slack) -> None:
    program, options = case.build(), case.options
    common = {
        "vocab": case.vocab,
        "max_seq_len": options.max_seq_len,
        "causal": options.causal,
        "passes": options.passes,
        "reuse": options.reuse,
        "limits": LIMITS,
    }
    expected = defined(program, case.inputs(), options.causal)
    models = [accepted(program, **common, allocator=name) for name in SOLVERS]
    best = models[SOLVERS.index("cp-sat")].allocated.costs
    budget = shoal.Budgets(
        *(
            None if extra is None else max(1, cost + extra)
            for cost, extra in zip(best.as_tuple(), slack, strict=False)
        )
    )
    models.append(shoal.compile(program, **common, budget=budget))
    for model in models:
        check(replace(model.problem, budgets=shoal.Budgets()), model.allocation)
        compare_results("numpy", program, expected, model.run_batch([xs for xs, _ in expected]))
    limited = models[-1].allocated.costs
    for field in fields(shoal.Budgets):
        limit = getattr(budget, field.name)
        assert limit is None or getattr(limited, field.name.removeprefix("max_")) <= limit


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ({"max_width": 20}, "max_width=20 is in the way: the smallest value that works is 29"),
        ({"max_layers": 3}, "max_layers=3 is in the way: the smallest value that works is 4"),
        ({"max_neurons": 10}, "max_neurons=10 is in the way: the smallest value that works is 18"),
    ],
)
def test_budgets_that_cannot_be_met_are_named(budget: dict[str, int], message: str) -> None:
    with pytest.raises(shoal.BudgetError, match=message):
        compile_reverse(budget=shoal.Budgets(**budget))


def test_heuristics_do_not_look_at_budgets() -> None:
    with pytest.raises(shoal.BudgetError, match="longest-path does not look at budgets"):
        compile_reverse(allocator="longest-path", budget=shoal.Budgets(max_width=40))


def test_fewer_neurons_can_be_had_for_more_width() -> None:
    tight = compile_reverse(budget=shoal.Budgets(max_neurons=18))
    assert tight.allocated.costs.neurons <= 18
    assert tight.d_model > compile_reverse().d_model
    stock = STOCK["reverse"]
    for xs in random_sequences(stock.vocab, 1, 10, 20):
        assert agree(tight.program, stock.make(10)(xs), tight.run(xs))


@pytest.mark.parametrize(
    "options",
    [
        {"time_limit": 0},
        {"time_limit": float("nan")},
        {"time_limit": "soon"},
        {"wall_clock_limit": -1},
        {"workers": 0},
        {"budget": shoal.Budgets(max_width=0)},
        {"budget": {"max_width": 3}},
    ],
)
def test_unusable_limits_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(shoal.InvalidOptionError):
        compile_reverse(**options)


@pytest.mark.slow
def test_sums_of_layers_and_width() -> None:
    """The exact layers, and at most 70% of the sum of Tracr's widths, all proven."""
    models = [
        shoal.compile(
            stock.make(stock.max_seq_len),
            vocab=stock.vocab,
            max_seq_len=stock.max_seq_len,
            passes="none",
        )
        for stock in STOCK.values()
        if stock.benchmark
    ]
    assert all(model.allocated.proven for model in models)
    assert sum(model.num_layers for model in models) == 50
    assert sum(model.d_model for model in models) <= 0.7 * 823


def compile_reverse(**options: object) -> shoal.Model:
    stock = STOCK["reverse"]
    program = stock.make(stock.max_seq_len)
    return shoal.compile(
        program,
        vocab=stock.vocab,
        max_seq_len=stock.max_seq_len,
        passes="none",
        **options,  # type: ignore[arg-type]
    )
