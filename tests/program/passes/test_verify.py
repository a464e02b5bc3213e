"""Facts are true before and after every pass; and what is not true is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from shoal.errors import EvaluationError, UnsupportedProgramError
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.infer import infer
from shoal.program.facts.inferred import Inferred
from shoal.program.facts.lookup import Lookup
from shoal.program.passes import PASSES, run_before_inference
from shoal.program.passes.verify import FalseFactError, verify
from shoal.program.trace import trace_with_expressions
from shoal.rasp import SOp, tokens
from shoal.rasp.interpreter import evaluate_all
from shoal.rasp.library import make_hist
from shoal.rasp.stock import STOCK
from shoal_analysis.fuzzing.oracles import LIMITS
from tests.program.passes.facts import inferred, node
from tests.program.programs import LONGEST, VOCAB, s_ops
from tests.support import random_sequences


def check(
    facts: Inferred, program: SOp, inputs: list[list[Any]], expressions: Mapping[int, Any]
) -> int:
    """Verify on inputs; how many facts were held against the interpreter."""
    checked = 0
    for xs in inputs:
        try:
            known = evaluate_all(program, xs, causal=facts.program.causal)
        except EvaluationError:
            continue
        values = {number: known[id(e)] for number, e in expressions.items() if id(e) in known}
        checked += verify(facts, xs, values)
    return checked


def check_passes(
    program: SOp, vocab: tuple[Any, ...], max_seq_len: int, causal: bool, inputs: list[list[Any]]
) -> int:
    """Verify the facts before and after each pass, twice over."""
    traced = trace_with_expressions(program, causal=causal)
    facts = infer(run_before_inference(traced.program, tuple(PASSES)), vocab, max_seq_len, LIMITS)
    checked = check(facts, program, inputs, traced.expressions)
    for _ in range(2):
        for each in PASSES.values():
            facts = each.run(facts).inferred
            checked += check(facts, program, inputs, traced.expressions)
    return checked


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(s_ops(), st.booleans())
def test_facts_are_true_after_every_pass(program: SOp, causal: bool) -> None:
    inputs = [[a, *rest] for a in VOCAB for rest in ([], [VOCAB[0]], list(VOCAB[1:]))]
    try:
        check_passes(program, VOCAB, LONGEST, causal, inputs)
    except UnsupportedProgramError:
        reject()


@pytest.mark.slow
@pytest.mark.parametrize("name", STOCK)
def test_facts_about_stock_programs_are_true(name: str) -> None:
    stock = STOCK[name]
    program = stock.make(stock.max_seq_len)
    inputs = random_sequences(stock.vocab, 1, stock.max_seq_len, 3)
    vocab = infer_vocab(stock.vocab)
    assert check_passes(program, vocab, stock.max_seq_len, False, inputs) > 0


def infer_vocab(vocab: Any) -> tuple[Any, ...]:
    return tuple(sorted(vocab, key=lambda token: (isinstance(token, str), token)))


@pytest.mark.parametrize("fault", ["domain", "table", "local", "widths"])
def test_what_is_not_true_is_found(fault: str) -> None:
    program = make_hist() * 2 + (tokens == "a")
    facts = inferred(program)
    sops, widths = dict(facts.sops), dict(facts.widths)
    doubled, equal = node(facts, "map").id, node(facts, "map_2").id
    known = sops[doubled]
    if fault == "domain":
        assert isinstance(known.domain, Enumerated)
        sops[doubled] = replace(known, domain=Enumerated(known.domain.classes[1:]))
    elif fault == "table":
        assert known.table is not None
        sops[doubled] = replace(known, table=Lookup(np.roll(known.table.entries, 1)))
    elif fault == "local":
        grid = sops[equal].local
        assert grid is not None
        sops[equal] = replace(sops[equal], local=1 - grid)
    else:
        number = node(facts, "select").id
        widths[number] = replace(widths[number], high=1)
    expressions = trace_with_expressions(program, causal=False).expressions
    inputs = [["a", "b", "a"]]
    assert check(facts, program, inputs, expressions) > 4
    with pytest.raises(FalseFactError):
        check(replace(facts, sops=sops, widths=widths), program, inputs, expressions)
