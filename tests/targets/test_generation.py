"""Causal programs whose results are tokens generate."""

from __future__ import annotations

import pytest

import shoal
from shoal.errors import InvalidInputError
from shoal.rasp import Aggregate, Map, Select, SOp, indices, tokens
from shoal.targets.target import RUNNERS, is_installed

BACKENDS = [n for n in ("numpy", "craft", "torch") if is_installed(RUNNERS[n])]


def compiled(program: SOp, **options: object) -> shoal.Model:
    return shoal.compile(
        program, **{"vocab": ("a", "b", "c"), "max_seq_len": 8, "causal": True, **options}
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_result_is_the_next_token(backend: str) -> None:
    model = compiled(Map({"a": "b", "b": "c", "c": "a"}.get, tokens))
    assert model.generate(["a"], 4, backend=backend) == ["a", "b", "c", "a", "b"]
    assert model.generate(["a"], 99, backend=backend) == list("abcabcab")
    assert model.generate("ab", 9, stop=["a"], backend=backend) == list("abca")
    assert model.generate("ab", 0, backend=backend) == ["a", "b"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_is_the_interpreter_that_goes_on(backend: str) -> None:
    two_before = Select(indices, indices, lambda key, query: key == query - 1)
    program = Aggregate(two_before, tokens)
    expected = ["a", "b"]
    while len(expected) < 8:
        expected.append(program(expected, causal=True)[-1])
    assert compiled(program).generate(["a", "b"], 6, backend=backend) == expected
    assert compiled(program).generate(["a"], 6, backend=backend) == ["a"]  # None ends it


def test_what_cannot_generate_says_why() -> None:
    with pytest.raises(InvalidInputError, match="compile with causal=True"):
        compiled(tokens, causal=False).generate(["a"], 1)
    with pytest.raises(InvalidInputError, match="the result 'A' is no token"):
        compiled(Map(str.upper, tokens)).generate(["a"], 1)
    with pytest.raises(InvalidInputError, match="give an int"):
        compiled(tokens).generate(["a"], True)
    with pytest.raises(InvalidInputError, match="the sequence is empty"):
        compiled(tokens).generate([], 1)
