from __future__ import annotations

import numpy as np

from shoal.program.ir import Op
from shoal.program.passes.constants import fold_constants
from shoal.rasp import (
    Aggregate,
    Comparison,
    Full,
    LinearSequenceMap,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    indices,
    numerical,
    tokens,
)
from tests.program.passes.facts import node, rewrite

NOTHING = Select(tokens, tokens, Comparison.FALSE)


def test_what_has_one_value_is_a_constant() -> None:
    same = Map(lambda x: len(x), tokens).named("same")
    width = SelectorWidth(NOTHING).named("width")
    default = Aggregate(NOTHING, tokens, default="z").named("default")
    program = SequenceMap(lambda x, y: (x, y), SequenceMap(max, same, width), default)
    facts = rewrite(fold_constants, program).inferred
    fills = {n.label: n.value for n in facts.program if n.op is Op.CONSTANT}
    assert {"same": 1, "width": 0, "default": "z"}.items() <= fills.items()
    assert facts.program.node(facts.program.root).value == (1, "z")


def test_what_is_always_none_is_a_constant() -> None:
    program = SequenceMap(lambda x, y: x, Aggregate(NOTHING, tokens).named("none"), tokens)
    facts = rewrite(fold_constants, program).inferred
    assert node(facts, "none").value is None
    assert node(facts, "none").inputs == ()
    assert facts.program.node(facts.program.root).value is None


def test_a_constant_operand_is_dropped() -> None:
    program = SequenceMap(lambda x, y: x - y, Full(10), indices).named("rest")
    made = rewrite(fold_constants, program)
    rest = node(made.inferred, "rest")
    assert rest.inputs == (node(made.inferred, "indices").id,)
    domain = made.inferred.listed(rest, "the test")
    table = made.inferred.sops[rest.id].table
    assert table is not None
    assert [domain.values[i] for i in table([np.arange(3)])] == [10, 9, 8]
    assert made.saved == 1


def test_inputs_and_linear_combinations_stay() -> None:
    program = LinearSequenceMap(numerical(indices), numerical(Full(1)), 1, 2)
    assert rewrite(fold_constants, numerical(program), vocab=("a",)).saved == 0


def test_a_value_that_may_be_none_is_no_constant() -> None:
    first = Aggregate(Select(tokens, tokens, lambda key, query: key == "a"), Full(1))
    made = rewrite(fold_constants, Map(lambda x: x + 1, first.named("first")))
    assert node(made.inferred, "first").op is Op.AGGREGATE
