"""What a program does on the fixed inputs of its vocab, and whether a model does the same."""

from __future__ import annotations

from math import isfinite

from shoal.model import Model
from shoal.rasp.expressions import SOp
from shoal.rasp.values import Value, canonical_key
from shoal_analysis.corpora.structure import digest
from shoal_analysis.fuzzing.cases import Case
from shoal_analysis.fuzzing.oracles import answer_to, compare_results

INPUTS = 200
"""So many inputs a program is run on, of which some come twice where there are few; two programs
that do the same on all of them are one function."""

_DIGITS = 9
"""Numbers that agree in so many significant digits differ by rounding (``contract.SAME_FLOAT``)."""

Results = list[tuple[list[Value], list[Value] | None]]
"""Inputs, and what the interpreter says; None where it raises."""


def results_of(case: Case, program: SOp) -> Results:
    """What the interpreter says about a case's inputs; those that come twice are asked once."""
    different = {repr(sequence): sequence for sequence in case.inputs(INPUTS)}
    return [(sequence, answer_to(program, sequence, case)) for sequence in different.values()]


def function_of(case: Case, results: Results) -> str:
    """A digest of what a program computes: vocab, length, and results on the fixed inputs.

    Equal values are one value, whatever their types, as are floats that differ by rounding.
    """
    said = [None if result is None else [_shown(v) for v in result] for _, result in results]
    vocab = sorted(map(canonical_key, case.vocab))
    return digest(repr((vocab, case.options.max_seq_len, case.options.causal, said)))


def _shown(value: Value) -> str:
    if isinstance(value, tuple):
        return f"({','.join(map(_shown, value))})"
    if isinstance(value, frozenset):
        return f"{{{','.join(sorted(map(_shown, value)))}}}"
    if isinstance(value, float) and isfinite(value) and not value.is_integer():
        return f"{value:.{_DIGITS - 1}e}"
    if isinstance(value, int | float) and isfinite(value):
        return str(int(value))
    return repr(value)


def require_agreement(model: Model, program: SOp, results: Results) -> int:
    """Compare a model with the interpreter.

    Returns:
        On how many inputs.

    Raises:
        Difference: they differ on one.
    """
    expected = [(sequence, result) for sequence, result in results if result is not None]
    inputs = [sequence for sequence, _ in expected]
    compare_results("numpy", program, expected, model.run_batch(inputs))
    return len(expected)
