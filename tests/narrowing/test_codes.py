"""Components are chosen together with what is stored of what they read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings

import shoal
import shoal.compiler.place
import shoal.narrowing.codes
from shoal.lowering.lowered import LoweredProgram
from shoal.narrowing.codes import CodedProblem, coded
from shoal.rasp import (
    Aggregate,
    Comparison,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    keep,
    numerical,
    tokens,
)
from shoal.rasp.stock import STOCK
from shoal_solvers import AllocationProblem, check, solve
from tests.program.programs import LONGEST, VOCAB, s_ops
from tests.support import accepted, agree, interpreted, right

ABCD = ("a", "b", "c", "d")
ALL = Select(tokens, tokens, Comparison.TRUE)
BELOW_THE_MEAN = SequenceMap(lambda x, y: x < y, numerical(Aggregate(ALL, indices)), indices)
"""Scores for the decoder read four columns; one neuron more or less reads three."""

Asked = list[tuple[LoweredProgram, CodedProblem]]


@contextmanager
def asked_for(can_be: bool = True) -> Iterator[Asked]:
    """The problems with codes that are posed; or a compiler that poses none."""
    found: Asked = []

    def posed(lowered: LoweredProgram, problem: AllocationProblem) -> CodedProblem | None:
        made = coded(lowered, problem) if can_be else None
        if made is not None:
            found.append((lowered, made))
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shoal.compiler.place, "coded", posed)
        yield found


def test_fewer_columns_are_taken_if_they_take_no_more_parameters() -> None:
    with asked_for(can_be=False):
        before = shoal.compile(BELOW_THE_MEAN, vocab=ABCD, max_seq_len=5)
    after = right(BELOW_THE_MEAN, vocab=ABCD, max_seq_len=5)
    assert after.d_model < before.d_model
    assert after.num_parameters <= before.num_parameters
    first = shoal.compile(BELOW_THE_MEAN, vocab=ABCD, max_seq_len=5, objective="width")
    assert first.d_model == after.d_model


@settings(max_examples=60, deadline=None)
@given(s_ops())
def test_random_programs_are_no_worse_and_agree(program: SOp) -> None:
    with asked_for(can_be=False):
        before = accepted(program, vocab=VOCAB, max_seq_len=LONGEST)
    model = accepted(program, vocab=VOCAB, max_seq_len=LONGEST)
    assert model.allocated.costs.as_tuple() <= before.allocated.costs.as_tuple()
    if model.allocated.costs != before.allocated.costs:
        assert model.num_parameters <= before.num_parameters
    inputs = [[VOCAB[0]], list(VOCAB[:2]), [VOCAB[1]] * LONGEST]
    for xs, wanted in interpreted(program, inputs):
        assert agree(program, wanted, model.run(xs))


@settings(max_examples=60, deadline=None)
@given(s_ops())
def test_what_is_chosen_is_there(program: SOp) -> None:
    with asked_for() as problems:
        accepted(program, vocab=VOCAB, max_seq_len=LONGEST)
    for lowered, posed in problems:
        solution = solve(posed.problem, time_limit=2.0)
        check(posed.problem, solution.allocation)
        allocation = posed.chosen(solution.allocation)
        operations = {operation.name: operation for operation in lowered.operations}
        for name, placement in allocation.placements.items():
            for variable in operations[name].reads[placement.alternative]:
                assert variable in allocation.columns
                if variable in operations:
                    assert allocation.placements[variable].half_layer < placement.half_layer


@pytest.mark.parametrize("name", ["shuffle_dyck2", "most_freq", "sort", "dyck2_ptf"])
def test_operations_are_what_they_were_over_variables_that_are_no_wider(name: str) -> None:
    stock = STOCK[name]
    with asked_for() as problems:
        shoal.compile(stock.make(stock.max_seq_len), vocab=stock.vocab, max_seq_len=6)
    assert problems
    for lowered, posed in problems:
        wide = {name: len(variable.space) for name, variable in lowered.variables.items()}
        for variable in posed.problem.variables:
            assert variable.width <= wide[posed.before[variable.name]]
        for operation in posed.problem.operations:
            numbers = posed.alternatives[operation.name]
            assert len(numbers) == len(operation.alternatives)
            before = next(o for o in lowered.operations if o.name == posed.before[operation.name])
            for number, alternative in zip(numbers, operation.alternatives, strict=True):
                assert alternative.size == before.components[number].size
                read = {posed.before[variable] for variable in alternative.reads}
                assert read == set(before.reads[number])


def test_nothing_is_posed_where_there_is_nothing_to_choose_or_too_much() -> None:
    with asked_for() as problems:
        shoal.compile(keep(tokens), vocab=ABCD[:2], max_seq_len=2)
        assert not problems
        shoal.compile(BELOW_THE_MEAN, vocab=ABCD[:2], max_seq_len=3, allocator="critical-path")
        shoal.compile(BELOW_THE_MEAN, vocab=ABCD[:2], max_seq_len=3, passes="none")
        assert not problems
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shoal.narrowing.codes, "MOST_ALTERNATIVES", 1)
            shoal.compile(BELOW_THE_MEAN, vocab=ABCD[:2], max_seq_len=3)
        assert not problems
        shoal.compile(BELOW_THE_MEAN, vocab=ABCD[:2], max_seq_len=3)
        assert problems


def test_values_that_differ_hugely_take_no_fewer_columns_together() -> None:
    """What is added to 1e30 is lost when ranks are computed, so that more was less."""
    weighted = SequenceMap(lambda x, y: 3 * x + y, tokens, tokens)
    apart = numerical(SequenceMap(lambda x, y: 100 * x + y, weighted, tokens))
    same = SelectorWidth(Select(apart, apart, Comparison.EQ))
    right(tokens & same, vocab=(1e30, 2, -1e30), max_seq_len=2)
