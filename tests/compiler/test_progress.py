from __future__ import annotations

import pytest

import shoal
from shoal.rasp import Map, SequenceMap, indices, tokens


def test_stages_and_proofs_are_told_as_they_come() -> None:
    told: list[str] = []
    parity = Map(lambda total: total % 2, tokens + indices)
    model = shoal.compile(parity, vocab={1, 2}, max_seq_len=3, progress=told.append)
    stages = [text for text in told if ":" not in text]
    assert stages == list(model.seconds)
    proofs = [text for text in told if text.startswith("allocate: ")]
    assert len(proofs) == len(model.allocated.objectives)
    assert proofs[0] == "allocate: layers 1 (optimal)"


def test_refusals_say_where_the_expression_was_written() -> None:
    raising = Map(lambda x: 1 / 0, tokens).named("raising")
    program = SequenceMap(lambda x, y: x, raising, indices)
    with pytest.raises(shoal.UnsupportedProgramError) as caught:
        shoal.compile(program, vocab={1, 2}, max_seq_len=3)
    assert caught.value.position == raising.position
    line = raising.position.line if raising.position else 0
    assert str(caught.value).startswith(f"{__file__}, line {line}: raising: ")
