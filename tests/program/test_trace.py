from __future__ import annotations

import inspect

import pytest

from shoal import ProgramError
from shoal.program.ir import Op
from shoal.program.trace import trace, trace_with_expressions
from shoal.rasp import (
    Aggregate,
    Comparison,
    ConstantSelector,
    ConstantSOp,
    LinearSequenceMap,
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
    inputs = [node for node in program if node.op is Op.TOKENS]
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
    ops = {node.op for node in trace(program, causal=False)}
    assert ops <= {Op.TOKENS, Op.INDICES, Op.MAP, Op.SELECT, Op.WIDTH, Op.AGGREGATE}


@pytest.mark.parametrize("program", [Select(tokens, tokens, Comparison.EQ), 5, None, make_hist])
def test_only_s_ops_are_programs(program: object) -> None:
    with pytest.raises(ProgramError, match="s-op"):
        trace(program, causal=False)


def test_outputs_are_the_kept_values_and_the_root() -> None:
    hist = keep(make_hist())
    program = trace(SelectorWidth(Select(hist, hist, Comparison.EQ)).named("root"), causal=False)
    assert [program.node(i).label for i in program.ends] == ["hist", "root"]
    assert program.outputs == {"result": program.root}


def test_a_function_of_one_operand_twice_is_a_map() -> None:
    for same in (tokens * tokens, LinearSequenceMap(tokens, tokens, 2, 0.5)):
        program = trace(same, causal=False)
        node = program.node(program.root)
        assert len(node.inputs) == 1
        assert node.function is not None
        assert node.function(3) == same([3])[0]
        assert sum(node.factors) in (0, 2.5)


def test_nodes_know_their_expression_and_where_it_was_written() -> None:
    first = tokens + 1
    program = numerical(first.named("first")) * 2  # the name is given to what is written above
    traced = trace_with_expressions(program, causal=False)
    nodes = {node.label: node for node in traced.program}
    assert traced.expressions[traced.program.root] is program
    line = inspect.currentframe().f_lineno  # type: ignore[union-attr]
    positions = [nodes["first"].position, nodes["map"].position]
    assert [p.line for p in positions if p] == [line - 5, line - 4]
    assert {p.file for p in positions if p} == {__file__}
    assert [p.column for p in positions if p] == [13, 15]
    assert str(positions[0]) == f"{__file__}:{line - 5}:13"
