from __future__ import annotations

from shoal.rasp import Select, SelectorWidth, SequenceMap, indices, tokens
from shoal.rasp.functions import Comparison
from shoal.rasp.traversal import postorder


def test_children_come_first_and_everything_once() -> None:
    select = Select(tokens, tokens, Comparison.EQ)
    width = SelectorWidth(select)
    program = SequenceMap(max, width, width)
    order = postorder(program)
    assert [id(e) for e in order] == [id(e) for e in (tokens, select, width, program)]


def test_deep_programs_are_no_problem() -> None:
    deep = tokens
    for _ in range(5000):
        deep = SequenceMap(lambda x, _: x, deep, indices)
    assert len(postorder(deep)) == 5002
    assert deep(["a", "b"]) == ["a", "b"]
