"""Patched models against a patched interpreter."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import shoal
from shoal.atlas.atlas import NamedValue
from shoal.contract import all_agree
from shoal.errors import EvaluationError, UnwritableError
from shoal.program.trace import Traced, trace_with_expressions
from shoal.rasp.annotations import is_numerical
from shoal.rasp.expressions import SOp
from shoal.rasp.interpreter import evaluate_all
from shoal.rasp.values import Value, canonical_key


def wrong_patches(
    program: SOp,
    model: shoal.Model,
    inputs: Sequence[Sequence[Value]],
    seed: int,
    causal: bool = False,
) -> list[str]:
    """Where a model with replaced s-ops does not do what the interpreter does with them.

    S-ops get random values of theirs. What leads another s-op to a value that it has on no input is
    left out: nothing is promised of it.

    Args:
        program: what the model computes.
        model: it, compiled.
        inputs: on which it is compared.
        seed: of the random values.
        causal: whether it is.

    Returns:
        A line for each difference. What the model refuses to replace is none.
    """
    generator = random.Random(seed)
    traced = trace_with_expressions(program, causal=causal)
    here = model.optimised.original.program
    nodes = [node for node in here if node.is_sop and node.id in traced.program.graph]
    if not model.atlas.looked_up and len(list(traced.program)) != len(list(here)):
        return []  # equal parts became one, and are replaced together
    wrong = []
    for node in nodes:
        value = model.atlas.values[node.label]
        choices = [*(members[0] for members in value.classes or ()), *([None] * value.nullable)]
        for tokens in inputs if choices else ():
            values = [generator.choice(choices) for _ in tokens]
            wanted = answer_with(program, model, traced, node.id, tokens, values, causal)
            if wanted is None:
                continue
            try:
                result = model.write(node.label, tokens, values)
            except UnwritableError:
                continue
            if not all_agree(wanted, result, numerical=is_numerical(program)):
                wrong.append(
                    f"{node.label} = {values!r} on {tokens!r} gives {result!r}, expected {wanted!r}"
                )
    return wrong


def answer_with(
    program: SOp,
    model: shoal.Model,
    traced: Traced,
    number: int,
    tokens: Sequence[Value],
    values: Sequence[Value],
    causal: bool,
) -> list[Value] | None:
    """What the interpreter says while an s-op has other values.

    Args:
        program: what is asked.
        model: it, compiled.
        traced: of the program.
        number: of the s-op's node.
        tokens: the input.
        values: of the s-op, one for each token.
        causal: whether it is.

    Returns:
        The result; None if it raises, or something has a value that it has on no input.
    """
    replaced = {part: values for part, node in traced.numbers.items() if node == number}
    try:
        found: Mapping[int, Any] = evaluate_all(program, tokens, causal=causal, replaced=replaced)
    except EvaluationError:
        return None
    for part, node in traced.numbers.items():
        value = model.atlas.values.get(traced.program.node(node).label)
        if value is not None and not all(_is_known(v, value) for v in found.get(part, ())):
            return None
    return list(found[id(program)])


def _is_known(value: Value, known: NamedValue) -> bool:
    if value is None:
        return known.nullable
    if known.classes is not None:
        return canonical_key(value) in known.class_of
    low, high = known.bounds
    return isinstance(value, int | float) and low <= value <= high
