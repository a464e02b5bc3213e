from __future__ import annotations

import pytest

import shoal
from shoal.program.ir import Op
from shoal.program.passes.positions import look_positions_up
from shoal.rasp import (
    Aggregate,
    Comparison,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    numerical,
    tokens,
)
from tests.program.passes.facts import node, rewrite
from tests.support import right

BEFORE = Select(indices, indices, Comparison.LEQ)
SO_FAR = SelectorWidth(Select(tokens, tokens, Comparison.TRUE)).named("so_far")
HALF = numerical(Aggregate(BEFORE, indices)).named("half")


def test_what_indices_determine_is_looked_up() -> None:
    made = rewrite(look_positions_up, SelectorWidth(BEFORE).named("rank"), max_seq_len=4)
    rank = node(made.inferred, "rank")
    assert made.saved == 1
    assert rank.op is Op.MAP
    table = made.inferred.sops[rank.id].table
    assert table is not None
    assert table.entries.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "program", [SO_FAR, SelectorWidth(Select(tokens, indices, Comparison.TRUE)), tokens, indices]
)
def test_nothing_else_is(program: SOp) -> None:
    assert rewrite(look_positions_up, program).saved == 0


def test_without_indices_in_the_program_there_are_some() -> None:
    model = right(SequenceMap(lambda n, t: (n, t), SO_FAR, tokens), vocab=["a", "b"], causal=True)
    assert model.num_layers == 0
    assert model.read("so_far", list("aba")) == [1, 2, 3]


def test_means_of_positions_need_no_head() -> None:
    model = right(SequenceMap(lambda h, t: h > 0.6 and t == "a", HALF, tokens), vocab=["a", "b"])
    assert model.num_heads == 1  # at least one, which does nothing
    assert model.allocated.costs.heads == 0
    assert model.read("half", list("aba")) == [0, 0.5, 1.0]


def test_what_would_change_with_the_indices_is_not_followed() -> None:
    program = SequenceMap(lambda h, t: h > 0.6 and t == "a", HALF, tokens)
    model = shoal.compile(program, vocab=["a", "b"], max_seq_len=3)
    with pytest.raises(shoal.UnwritableError, match="takes for granted what 'half' is"):
        model.write("indices", list("aba"), [0, 0, 0])
    assert model.write("half", list("aba"), [1.0, 1.0, 1.0]) == [True, False, True]
    plain = shoal.compile(program, vocab=["a", "b"], max_seq_len=3, passes="none")
    assert plain.write("indices", list("aba"), [0, 0, 0]) == [False] * 3
