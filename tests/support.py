"""What tests share."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, reject

import shoal
from shoal.contract import all_agree
from shoal.errors import EvaluationError, Refusal, UnsupportedProgramError
from shoal.options import ALL, rules_alone
from shoal.rasp.annotations import is_numerical
from shoal.rasp.expressions import RASPExpr, SOp

BY_RULES = rules_alone("all")
"""All passes but the one that looks up what no rule can compute."""

WIDE = tuple(name for name in ALL if name != "narrow")
"""All passes but the one by which only what is read is stored: one column for each class."""


def agree(sop: RASPExpr, wanted: Sequence[Any], results: Sequence[Any]) -> bool:
    """Whether a model's values of an s-op are the interpreter's, by the contract."""
    assert isinstance(sop, SOp)
    return all_agree(wanted, results, numerical=is_numerical(sop))


def refused(
    because: Refusal,
    program: SOp,
    *,
    vocab: Sequence[Any],
    max_seq_len: int = 3,
    expression: str | None = None,
    **options: Any,
) -> UnsupportedProgramError:
    """Compile a program that rules refuse, for that reason and at that expression."""
    options.setdefault("passes", BY_RULES)
    with pytest.raises(UnsupportedProgramError) as caught:
        shoal.compile(program, vocab=vocab, max_seq_len=max_seq_len, **options)
    error = caught.value
    assert error.kind is because, error
    assert expression is None or error.expression == expression, error
    assert error.reason, error
    assert error.advice, error
    return error


def right(
    program: SOp,
    *,
    vocab: Sequence[Any],
    max_seq_len: int = 3,
    backends: Sequence[str] = ("craft", "numpy"),
    **options: Any,
) -> shoal.Model:
    """Compile a program; every backend agrees with the interpreter on all inputs up to length 4."""
    model = shoal.compile(program, vocab=vocab, max_seq_len=max_seq_len, **options)
    inputs = all_sequences(vocab, min(max_seq_len, 4))
    expected = interpreted(program, inputs, bool(options.get("causal", False)))
    assert expected
    for backend in backends:
        results = model.run_batch([xs for xs, _ in expected], backend)
        for (xs, wanted), result in zip(expected, results, strict=True):
            assert agree(program, wanted, result), (backend, xs, wanted, result)
    return model


def accepted(program: SOp, **options: Any) -> shoal.Model:
    """The compiled program; an example of a property that is refused does not count."""
    try:
        return shoal.compile(program, **options)
    except UnsupportedProgramError:
        reject()


def defined(
    expr: RASPExpr, sequences: Sequence[Sequence[Any]], causal: bool = False
) -> list[tuple[list[Any], list[Any]]]:
    """As ``interpreted``; an example of a property that is undefined everywhere does not count."""
    expected = interpreted(expr, sequences, causal)
    assume(expected)
    return expected


def all_sequences(vocab: Sequence[Any], longest: int) -> list[list[Any]]:
    """Every sequence of length 1 to ``longest``."""
    return [list(s) for n in range(1, longest + 1) for s in product(vocab, repeat=n)]


def random_sequences(
    vocab: Sequence[Any], shortest: int, longest: int, count: int, seed: int = 0
) -> list[list[Any]]:
    """Random sequences of random lengths."""
    generator = random.Random(seed)
    return [
        [generator.choice(vocab) for _ in range(generator.randint(shortest, longest))]
        for _ in range(count)
    ]


def interpreted(
    program: RASPExpr, sequences: Sequence[Sequence[Any]], causal: bool = False
) -> list[tuple[list[Any], list[Any]]]:
    """(sequence, result) for every sequence on which the interpreter returns."""
    results = []
    for sequence in sequences:
        try:
            result = program(sequence, causal=causal)
        except EvaluationError:
            continue
        if len(result) == len(sequence):  # constants may be too short
            results.append((list(sequence), result))
    return results
