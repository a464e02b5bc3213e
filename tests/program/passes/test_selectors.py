from __future__ import annotations

import numpy as np
import pytest

import shoal
from shoal.program.ir import Op
from shoal.program.passes.selectors import CONSTANT, simplify_selectors
from shoal.rasp import (
    Aggregate,
    Comparison,
    Select,
    Selector,
    SelectorWidth,
    indices,
    tokens,
)
from shoal.rasp.expressions import SelectorAnd, SelectorNot, SelectorOr
from tests.program.passes.facts import inferred, node, rewrite

SAME = Select(tokens, tokens, Comparison.EQ)
EARLIER = Select(indices, indices, Comparison.LT)
ALL = Select(tokens, indices, Comparison.TRUE)
NOTHING = Select(tokens, indices, Comparison.FALSE)


def simplified(selector: Selector) -> list[str]:
    """The labels of the selectors that a width reads, the last one first."""
    facts = rewrite(simplify_selectors, SelectorWidth(selector)).inferred
    agenda = [facts.program.node(facts.program.root).inputs[0]]
    labels = []
    for number in agenda:
        labels.append(facts.program.node(number).label)
        agenda += [i for i in facts.program.node(number).inputs if not facts.program.node(i).is_sop]
    return labels


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (
            SelectorNot(SelectorNot(SelectorAnd(SAME, EARLIER))),
            ["selector_and", "select", "select_2"],
        ),
        (SelectorAnd(SAME, SAME), ["select"]),
        (SelectorAnd(SAME.named("same"), ALL), ["same"]),
        (SelectorAnd(SAME, NOTHING.named("nothing")), ["nothing"]),
        (SelectorOr(SAME, ALL.named("all")), ["all"]),
        (SelectorOr(NOTHING, SAME.named("same")), ["same"]),
        (SelectorOr(SAME, SelectorNot(SAME)).named("both"), ["both"]),
        (SelectorAnd(SAME, Select(tokens, tokens, Comparison.LT)).named("one"), ["one"]),
        (SelectorAnd(SAME, EARLIER).named("two"), ["two", "select", "select_2"]),
    ],
)  # fmt: skip
def test_boolean_algebra(selector: Selector, expected: list[str]) -> None:
    assert simplified(selector) == expected


def test_what_makes_no_difference_is_not_read() -> None:
    facts = rewrite(simplify_selectors, SelectorWidth(ALL.named("all"))).inferred
    constant = node(facts, CONSTANT).id
    assert node(facts, "all").inputs == (constant, constant)
    assert facts.predicates[node(facts, "all").id].tolist() == [[1]]
    only_keys = Select(tokens, indices, lambda key, query: key == "a").named("a")
    facts = rewrite(simplify_selectors, SelectorWidth(only_keys)).inferred
    assert node(facts, "a").inputs == (node(facts, "tokens").id, constant)
    assert facts.predicates[node(facts, "a").id].tolist() == [[1, 0, 0]]


def test_a_predicate_that_raises_is_known_where_it_does_not() -> None:
    selector = Select(indices, tokens, lambda key, query: 1 / key > 0.6).named("positive")
    facts = rewrite(simplify_selectors, SelectorWidth(selector)).inferred
    assert facts.predicates[node(facts, "positive").id].tolist() == [[-2, 1, 0]]


def test_bounds_on_widths_get_tighter_and_never_looser() -> None:
    selector = SelectorOr(SAME, SelectorNot(SAME)).named("all")
    program = Aggregate(selector, indices)
    before = inferred(program)
    after = simplify_selectors(before).inferred
    assert before.widths[node(before, "all").id].low == 1
    assert after.widths[node(after, "all").id].low == 1


def test_negated_selects_are_selects() -> None:
    facts = rewrite(simplify_selectors, SelectorWidth(SelectorNot(SAME).named("other"))).inferred
    assert node(facts, "other").op is Op.SELECT
    holds = facts.predicates[node(facts, "other").id] == 1
    assert (holds == ~np.eye(3, dtype=bool)).all()


def test_a_name_that_is_taken_is_avoided() -> None:
    program = SelectorWidth(Select(tokens.named(CONSTANT), indices, lambda key, query: key == "a"))
    model = shoal.compile(program, vocab=("a", "b"), max_seq_len=3, passes="selectors")
    assert model.run(["a", "b", "a"]) == [2, 2, 2]
