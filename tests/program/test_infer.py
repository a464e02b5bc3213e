"""Inferred values hold on every input, and are exact where they are said to be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shoal import UnsupportedProgramError
from shoal.limits import Limits, Work
from shoal.program.facts.domains import Enumerated, Interval
from shoal.program.facts.infer import infer
from shoal.program.facts.inferred import Inferred
from shoal.program.facts.lookup import NONE, UNDEFINED
from shoal.program.facts.tabulate import compared
from shoal.program.trace import trace, trace_with_expressions
from shoal.rasp import (
    Aggregate,
    Comparison,
    LinearSequenceMap,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    evaluate_all,
    indices,
    numerical,
    tokens,
)
from shoal.rasp.values import canonical_key
from tests.program.programs import LONGEST, VOCAB, local_s_ops, s_ops
from tests.support import all_sequences, defined

EVERYTHING = Select(tokens, tokens, Comparison.TRUE)
EARLIER = Select(indices, indices, Comparison.LT)


def inferred(program: SOp, causal: bool = False, limits: Limits | None = None) -> Inferred:
    return infer(trace(program, causal=causal), VOCAB, LONGEST, limits)


def values_of(program: SOp) -> set[object]:
    facts = inferred(program)
    found = facts.domain(facts.program.root)
    assert isinstance(found, Enumerated)
    return set(found.values) | ({None} if found.nullable else set())


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(s_ops(), st.booleans())
def test_every_value_that_occurs_is_inferred(program: SOp, causal: bool) -> None:
    try:
        facts = inferred(program, causal)
    except UnsupportedProgramError:
        assume(False)
    expressions = trace_with_expressions(program, causal=causal).expressions
    for xs, _ in defined(program, all_sequences(VOCAB, LONGEST), causal):
        values = evaluate_all(program, xs, causal=causal)
        for node in facts.program:
            if not node.is_sop:
                continue
            found = facts.domain(node.id)
            for value in values[id(expressions[node.id])]:
                if value is None:
                    assert found.nullable
                elif isinstance(found, Enumerated):
                    assert canonical_key(value) in found.class_of
                else:
                    assert found.low - 1e-9 <= value <= found.high + 1e-9


@settings(max_examples=200, deadline=None)
@given(local_s_ops())
def test_values_at_a_token_and_position_are_exact(program: SOp) -> None:
    try:
        facts = inferred(program)
    except UnsupportedProgramError:
        assume(False)
    root = facts.program.root
    local, values = facts.sops[root].local, facts.domain(root)
    assert local is not None
    assert isinstance(values, Enumerated)
    occurring = set()
    for xs, results in defined(program, all_sequences(VOCAB, LONGEST)):
        for position, (token, result) in enumerate(zip(xs, results, strict=True)):
            known = local[VOCAB.index(token), position]
            assert known == (NONE if result is None else values.class_of[canonical_key(result)])
            occurring.add(known)
    if (local != UNDEFINED).all():
        assert occurring - {NONE} == set(range(len(values)))


def test_reachable_joint_values_are_exact() -> None:
    assert values_of(SequenceMap(lambda x, y: (x, y), tokens, tokens + 1)) == {
        (0, 1),
        (1, 2),
        (3, 4),
    }


def test_widths_and_means() -> None:
    assert values_of(SelectorWidth(EVERYTHING)) == {1, 2, 3}
    assert values_of(SelectorWidth(EARLIER)) == {0, 1, 2}
    means = {0, 1, 3, 0.5, 1.5, 2, 1 / 3, 2 / 3, 4 / 3, 5 / 3, 7 / 3}
    assert values_of(Aggregate(EVERYTHING, tokens)) == means
    assert values_of(Aggregate(EARLIER, tokens)) == {0, 1, 3, 0.5, 1.5, 2, None}


def test_one_selected_position_is_never_averaged() -> None:
    opposite = Select(indices, SelectorWidth(EVERYTHING) - 1 - indices, Comparison.EQ)
    assert values_of(Aggregate(opposite, tokens, default="x")) == {0, 1, 3}


def test_a_default_that_is_never_used_is_no_value() -> None:
    assert values_of(Aggregate(Select(tokens, tokens, Comparison.EQ), tokens, default="x")) == {
        *VOCAB
    }


def test_too_many_means_become_a_range() -> None:
    program = numerical(Aggregate(EVERYTHING, tokens))
    facts = inferred(program, limits=Limits(averages=3))
    assert facts.domain(facts.program.root) == Interval(0.0, 3.0)
    combined = numerical(LinearSequenceMap(program, tokens, 1, -2))
    facts = inferred(combined, limits=Limits(averages=3))
    assert facts.domain(facts.program.root) == Interval(-6.0, 3.0)


def raises(_: object) -> object:
    raise KeyError("nothing here")


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (Map(raises, tokens), "raises on every value.*nothing here"),
        (
            Aggregate(Select(tokens, tokens, lambda k, q: raises(k)), tokens),
            "raises on every value",
        ),
        (numerical(Map(str, tokens)), "numerical.*'0'"),
        (numerical(Aggregate(EARLIER, tokens, default="x")), "numerical.*'x'"),
        (Map(lambda x: [x], tokens), "not hashable"),
        (Map(lambda x: float("nan"), tokens), "not equal to itself"),
        (Map(lambda x: type(x).__name__, Aggregate(EVERYTHING, tokens)), "'float'.*'int'"),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_a_reason(program: SOp, reason: str) -> None:
    with pytest.raises(UnsupportedProgramError, match=reason):
        inferred(program)


def test_large_tables_are_refused_before_they_are_filled() -> None:
    calls = []
    width = SelectorWidth(EVERYTHING)
    program = SequenceMap(lambda x, y: calls.append(1) or x, width, tokens)
    with pytest.raises(UnsupportedProgramError, match=r"3 x 3 = 9 entries; the limit is 8"):
        inferred(program, limits=Limits(table_entries=8))
    assert not calls
    program = Aggregate(Select(width, tokens, lambda k, q: calls.append(1) or True), tokens)
    with pytest.raises(UnsupportedProgramError, match=r"3 x 3 = 9 pairs"):
        inferred(program, limits=Limits(table_entries=8))
    assert not calls


@given(
    comparison=st.sampled_from([c for c in Comparison if c.value not in ("True", "False")]),
    keys=st.lists(st.sampled_from([0, 1, -3, 2**60, 2**60 + 1, 0.5, 1.0, True, -0.0]), min_size=1),
    words=st.booleans(),
)
def test_comparisons_at_once_are_those_one_by_one(
    comparison: Comparison, keys: list[Any], words: bool
) -> None:
    values = [str(key) for key in keys] if words else keys
    classes = [(value,) for value in dict.fromkeys(values)]
    found = compared(comparison, classes, classes[::-1], Work(), "select")
    assert found is not None
    for (query,), row in zip(classes[::-1], found.tolist(), strict=True):
        assert row == [comparison(key, query) for (key,) in classes]


def test_what_python_compares_one_by_one() -> None:
    for classes in ([(1, True)], [("a",), (1,)], [((1, 2),)], [(float("nan"),)]):
        assert compared(Comparison.EQ, classes, classes, Work(), "select") is None
