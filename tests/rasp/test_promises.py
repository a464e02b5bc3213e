"""Selectors of which it is promised that they select one key at most."""

from __future__ import annotations

import pytest

import shoal
from shoal.errors import EvaluationError, ProgramError
from shoal.rasp import (
    Aggregate,
    Comparison,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    listing,
    tokens,
    unique,
)
from tests.program.passes.facts import inferred
from tests.support import all_sequences, defined

PARTNER = {"a": "b", "b": "a", "c": "c"}
AT_PARTNER = Select(tokens, Map(PARTNER.get, tokens), Comparison.EQ)
POSITION = Map(lambda index: index * index, indices)


def test_the_interpreter_says_which_input_breaks_which_promise() -> None:
    program = SelectorWidth(unique(AT_PARTNER))
    assert program(["c", "a", "b"]) == [1, 1, 1]
    message = r"Select\(tokens, .*unique.*on \['a', 'b', 'b'\] position 0 selects 1, 2"
    with pytest.raises(EvaluationError, match=message):
        program(["a", "b", "b"])
    assert program(["b", "a"], causal=True) == [0, 1]
    assert unique(Select(tokens, tokens, Comparison.TRUE))(["a"], causal=True) == [[True]]


def accepted(program: SOp, causal: bool = False, passes: str = "all") -> shoal.Model:
    """A model that agrees wherever the interpreter does not raise."""
    model = shoal.compile(program, vocab=list("abc"), max_seq_len=3, causal=causal, passes=passes)
    known = list(defined(program, all_sequences("abc", 3), causal))
    assert 0 < len(known) < 39
    for xs, wanted in known:
        assert model.run(xs) == wanted
    return model


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("passes", ["all", "none"])
def test_what_is_promised_is_relied_on(causal: bool, passes: str) -> None:
    accepted(Aggregate(unique(AT_PARTNER), POSITION, default=-1), causal, passes)
    free, promised = (
        inferred(Aggregate(selector, POSITION), max_seq_len=3)
        for selector in (AT_PARTNER, unique(AT_PARTNER))
    )
    assert 0.5 in free.domain(free.program.root).values  # type: ignore[attr-defined]
    assert promised.domain(promised.program.root).values == (0, 1, 4)  # type: ignore[attr-defined]


def test_promises_hold_of_what_is_written_twice_and_of_what_is_made_of_them() -> None:
    both = SequenceMap(
        lambda x, y: (x, y), SelectorWidth(AT_PARTNER), Aggregate(unique(AT_PARTNER), POSITION)
    )
    accepted(both)
    early = Select(indices, indices, Comparison.LEQ)
    accepted(Aggregate(unique(AT_PARTNER) & early, POSITION))
    accepted(Aggregate(unique(AT_PARTNER | AT_PARTNER), POSITION))


def test_programs_show_their_promises() -> None:
    assert "unique(Select(" in listing(SelectorWidth(unique(AT_PARTNER)))


def test_only_selectors_can_be_promised_of() -> None:
    with pytest.raises(ProgramError, match="unique"):
        unique(tokens)  # type: ignore[type-var]
