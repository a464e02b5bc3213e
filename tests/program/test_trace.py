from __future__ import annotations

import pytest

from shoal import ProgramError, UnsupportedProgramError
from shoal.program.trace import trace
from shoal.rasp import (
    Aggregate,
    Comparison,
    ConstantSelector,
    ConstantSOp,
    LengthType,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    TokensType,
    keep,
    length,
    numerical,
    tokens,
)
from shoal.rasp.library import make_hist


def test_operands_have_smaller_numbers_and_are_edges() -> None:
    program = trace(make_hist() + tokens, causal=False)
    assert [node.label for node in program] == ["tokens", "select", "hist", "sequence_map"]
    for node in program:
        assert all(operand < node.id for operand in node.inputs)
        assert set(program.graph.predecessors(node.id)) == set(node.inputs)
    assert program.node(program.root).label == "sequence_map"


def test_inputs_are_one_node_for_each_encoding() -> None:
    one = SequenceMap(max, TokensType(), TokensType())
    program = trace(SequenceMap(max, one, numerical(TokensType())), causal=False)
    inputs = [node for node in program if isinstance(node.expression, TokensType)]
    assert len(inputs) == 2


def test_labels_are_unique() -> None:
    same_names = make_hist() + make_hist() + Map(str, tokens).named("hist_2")
    labels = [node.label for node in trace(same_names, causal=False)]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    "program",
    [
        length,
        ConstantSOp([1, None, "x"], check_length=False),
        Aggregate(ConstantSelector([[0, 1, 0]] * 3, check_length=False), tokens),
    ],
)
def test_constants_over_positions_become_basic_expressions(program: object) -> None:
    kinds = {type(node.expression) for node in trace(program, causal=False)}
    assert not kinds & {LengthType, ConstantSOp, ConstantSelector}


def test_length_is_refused_under_a_causal_mask() -> None:
    with pytest.raises(UnsupportedProgramError, match="causal=False"):
        trace(length + 1, causal=True)


@pytest.mark.parametrize("program", [Select(tokens, tokens, Comparison.EQ), 5, None, make_hist])
def test_only_s_ops_are_programs(program: object) -> None:
    with pytest.raises(ProgramError, match="s-op"):
        trace(program, causal=False)


def test_outputs_are_the_kept_values_and_the_root() -> None:
    hist = keep(make_hist())
    program = trace(SelectorWidth(Select(hist, hist, Comparison.EQ)).named("root"), causal=False)
    assert [program.node(i).label for i in program.outputs] == ["hist", "root"]
