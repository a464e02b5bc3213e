"""Planted faults that only strict oracles see: answers that are nearly right, or wrongly given.

Each passes an oracle that takes close numbers for equal ones, looks at some of the weights, or
believes the solvers' own counting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from itertools import count
from typing import Any

import numpy as np

from shoal.compiler import pipeline
from shoal.rasp.expressions import RASPExpr, Select, SelectorNot
from shoal.rasp.functions import Comparison
from shoal.rasp.traversal import postorder
from shoal.transformer import weights
from shoal.transformer.encoders import InputEncoder, OutputDecoder
from shoal_analysis.fuzzing.cases import Case, Line
from shoal_solvers import allocation
from tests.mutants.planting import Fault, Function, fault, has

_FAULTS: list[Fault] = []
_fault = partial(fault, _FAULTS)

_OPPOSITES = {
    Comparison.LT: Comparison.GEQ,
    Comparison.GEQ: Comparison.LT,
    Comparison.GT: Comparison.LEQ,
    Comparison.LEQ: Comparison.GT,
}


def _has_token(holds: Callable[[Any], bool]) -> Callable[[Case], bool]:
    return lambda case: any(holds(token) for token in case.vocab)


def _is_checked(name: str) -> Callable[[Case], bool]:
    return lambda case: name in case.options.checks


def _is_large_int(token: Any) -> bool:
    return type(token) is int and abs(token) > 2**53


@_fault(
    OutputDecoder,
    "decode",
    "floats in single precision",
    "categorical results that are floats are rounded to float32",
    can_show=has(r"half|reciprocal|quotient|rounded|Aggregate"),
)
def _floats_in_single_precision(correct: Function) -> Function:
    def decode(self: OutputDecoder, result: Any) -> Any:
        values = correct(self, result)
        return [float(np.float32(v)) if type(v) is float else v for v in values]

    return decode


@_fault(
    OutputDecoder,
    "decode",
    "ints as floats",
    "categorical results that are large ints are off by what a float cannot hold",
    can_show=_has_token(_is_large_int),
)
def _ints_as_floats(correct: Function) -> Function:
    def decode(self: OutputDecoder, result: Any) -> Any:
        return [float(v) if _is_large_int(v) else v for v in correct(self, result)]

    return decode


@_fault(
    pipeline,
    "print_weights",
    "another unembedding each time",
    "the unembedding is a little different whenever a program is compiled",
    can_show=_is_checked("recompile"),
)
def _another_unembedding(correct: Function) -> Function:
    times = count()

    def print_weights(*arguments: Any) -> Any:
        printed = correct(*arguments)
        factor = np.float32(1 + 1e-6 * next(times))
        return replace(printed, unembedding_w=printed.unembedding_w * factor)

    return print_weights


@_fault(
    InputEncoder,
    "_number",
    "tokens by equality",
    "a token that equals one of the vocab is taken for it, whatever its type",
    can_show=lambda case: (
        "tokens" in case.options.checks
        and any(isinstance(token, int | float) for token in case.vocab)
    ),
)
def _tokens_by_equality(correct: Function) -> Function:
    def number(self: InputEncoder, token: Any, position: int) -> int:
        equal = [i for i, other in enumerate(self.vocab) if other == token]
        return equal[0] if equal else correct(self, token, position)

    return number


_NOT_BEFORE = (
    Line("before", "Select(tokens, tokens, Comparison.LT)", ()),
    Line("others", "~before", ("before",)),
    Line("width", "SelectorWidth(others)", ("others",)),
)
"""A program that negates an order."""

_SETS = (frozenset(), frozenset({1}), frozenset({2}), frozenset({1, 2}))
"""Tokens that are ordered in part."""


@_fault(
    pipeline,
    "trace_with_expressions",
    "opposite comparison",
    "the complement of a comparison is taken for the opposite one, which sets do not have",
    # reading asks for expressions that the fault has replaced
    can_show=lambda case: "read" not in case.options.checks,
    adapted=lambda case: replace(case, vocab=_SETS, lines=_NOT_BEFORE),
)
def _opposite_comparison(correct: Function) -> Function:
    def trace(program: RASPExpr, causal: bool) -> Any:
        new: dict[int, RASPExpr] = {}
        for part in postorder(program):
            children = {
                field.name: new[id(child)]
                for field in fields(part)
                if isinstance(child := getattr(part, field.name), RASPExpr)
            }
            made = replace(part, **children) if children else part
            if isinstance(made, SelectorNot) and isinstance(made.inner, Select):
                opposite = _OPPOSITES.get(made.inner.predicate)  # type: ignore[call-overload]
                made = replace(made.inner, predicate=opposite) if opposite else made
            new[id(part)] = made
        return correct(new[id(program)], causal=causal)

    return trace


@_fault(
    allocation,
    "half_layer_sizes",
    "erasures for nothing",
    "the solvers count no neurons for erasures",
    can_show=lambda case: case.options.reuse,
)
def _erasures_for_nothing(correct: Function) -> Function:
    def half_layer_sizes(problem: Any, placements: Any, erasures: Any) -> Counter[int]:
        counted: Counter[int] = correct(problem, placements, {})
        return counted

    return half_layer_sizes


@_fault(
    weights,
    "_sizes",
    "a neuron too many",
    "every MLP is printed with a neuron more than the allocation promised",
)
def _a_neuron_too_many(correct: Function) -> Function:
    def sizes(*arguments: Any) -> Any:
        found = correct(*arguments)
        return replace(found, mlp_hidden_size=found.mlp_hidden_size + 1)

    return sizes


STRICT_FAULTS: tuple[Fault, ...] = tuple(_FAULTS)
"""All of them."""
