"""Each pass by itself, and together with others, leaves the meaning of programs alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from itertools import count, product

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

import shoal
from shoal.errors import UnreadableError, UnsupportedProgramError
from shoal.options import ALL, PASS_NAMES
from shoal.program.facts.infer import infer
from shoal.program.passes import PASSES, run_passes
from shoal.program.trace import trace
from shoal.rasp import Comparison, Map, Select, SelectorWidth, SOp, tokens
from shoal.rasp.expressions import RASPExpr, SelectorNot
from shoal.rasp.interpreter import evaluate_all
from shoal.rasp.traversal import postorder
from shoal_analysis.fuzzing.oracles import LIMITS, compare_results
from tests.program.programs import LONGEST, VOCAB, s_ops
from tests.support import accepted, defined

INPUTS = [list(xs) for n in range(1, LONGEST + 1) for xs in product(VOCAB, repeat=n)]


@pytest.mark.slow
@pytest.mark.parametrize("name", PASSES)
@settings(  # whether drawn programs are large is as the seed of a test's name has it
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.data_too_large]
)
@given(s_ops(), st.booleans(), st.sampled_from([(), ("views", "cones"), PASS_NAMES]))
def test_programs_mean_the_same(
    name: str, program: SOp, causal: bool, others: tuple[str, ...]
) -> None:
    expected = defined(program, INPUTS, causal)
    model = accepted(
        program,
        vocab=VOCAB,
        max_seq_len=LONGEST,
        causal=causal,
        passes=(name, *others),
        limits=LIMITS,
    )
    inputs = [xs for xs, _ in expected]
    compare_results("craft", program, expected, model.run_batch(inputs, "craft"))
    compare_results("numpy", program, expected, model.run_batch(inputs))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(s_ops(), st.booleans())
def test_everything_with_a_name_can_be_read(program: SOp, causal: bool) -> None:
    counter = count()
    program = with_names(program, lambda: f"name {next(counter)}")
    expected = defined(program, INPUTS[-6:], causal)
    model = accepted(program, vocab=VOCAB, max_seq_len=LONGEST, causal=causal)
    for xs, _ in expected:
        values = evaluate_all(program, xs, causal=causal)
        for part in postorder(program):
            if not isinstance(part, SOp):
                continue
            try:
                read = model.read(part.name, xs)
            except UnreadableError as error:
                assert not error.merged  # noqa: PT017 - what nothing needs may be in no column
                continue
            compare_results(part.name, part, [(xs, values[id(part)])], [read])


def with_names(expression: RASPExpr, name: Callable[[], str]) -> RASPExpr:
    """The expression with a name for each of its s-ops."""
    return with_parts(expression, lambda x: x.named(name()) if isinstance(x, SOp) else x)


def with_parts(expression: RASPExpr, change: Callable[[RASPExpr], RASPExpr]) -> RASPExpr:
    """The expression with each of its parts, and itself, changed."""
    parts = {
        field.name: with_parts(part, change)
        for field in fields(expression)
        if isinstance(part := getattr(expression, field.name), RASPExpr)
    }
    return change(replace(expression, **parts))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(s_ops(), st.booleans())
def test_passes_run_until_nothing_is_left_to_do(program: SOp, causal: bool) -> None:
    try:
        inferred = infer(trace(program, causal=causal), VOCAB, LONGEST, LIMITS)
    except UnsupportedProgramError:
        reject()
    optimised = run_passes(inferred, PASS_NAMES)
    again = run_passes(optimised.inferred, PASS_NAMES)
    assert [saving.count for saving in again.savings] == [0] * len(PASSES)
    graph = optimised.inferred.program.graph
    assert len(graph) <= len(inferred.program.graph) + 2  # a constant, and indices
    place = {number: i for i, number in enumerate(graph)}
    assert all(place[operand] < place[number] for operand, number in graph.edges)
    assert optimised.inferred.sops.keys() | optimised.inferred.widths.keys() == set(graph)


def test_the_report_says_what_each_pass_saved() -> None:
    nothing = SelectorNot(Select(tokens, tokens, Comparison.TRUE))
    program = Map(lambda n: n == 0, SelectorWidth(nothing))
    model = shoal.compile(program, vocab=VOCAB, max_seq_len=LONGEST)
    counts = {saving.name: saving.count for saving in model.savings}
    assert list(counts) == list(ALL)
    assert counts["selectors"] >= 1
    assert counts["constants"] >= 1
    assert counts["dead-code"] >= 1
    lines = model.report().splitlines()
    assert any(line.split()[:2] == ["constants", str(counts["constants"])] for line in lines)
    plain = shoal.compile(program, vocab=VOCAB, max_seq_len=LONGEST, passes="none")
    assert plain.savings == ()
