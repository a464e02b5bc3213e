"""Interchange interventions: what a named value is on one input, put into the run on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shoal.atlas.atlas import NamedValue, Place
from shoal.atlas.basis import directions_of
from shoal.atlas.readers import Readers
from shoal.errors import InvalidInputError
from shoal.model import Model
from shoal.program.trace import Traced, trace_with_expressions
from shoal.rasp.interpreter import evaluate_all
from shoal.rasp.values import Value
from shoal.transformer.edits import Edit
from shoal_analysis.fuzzing.patching import answer_with
from shoal_analysis.lab.realism.samples import Tokens, sampled

TRIES = 6
"""Pairs that are looked at for each that is wanted: most interchanges change no answer."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of inputs between which a named value is interchanged.

    Attributes:
        name: of the value.
        bases: the inputs that are run.
        sources: the inputs of which the value is taken, of the same lengths.
        answers: what the interpreter gives for a base while the value is that of the source; all
            of them are other answers than those of the base.
    """

    name: str
    bases: tuple[Tokens, ...]
    sources: tuple[Tokens, ...]
    answers: tuple[tuple[Value, ...], ...]


def own_places(model: Model, name: str) -> tuple[Place, ...]:
    """The variables of the stream that are a value's alone; none if it has none of its own."""
    value = model.atlas.named(name)
    stands_for = any(v.replaced_by == value.label for v in model.atlas.values.values())
    if value.replaced_by is not None or stands_for:
        return ()
    own = Readers(model.atlas, model.weights).own(value)
    return tuple(model.atlas.places[reading.variables[0]] for reading in own)


def interchangeable(model: Model) -> list[str]:
    """The named values, but the result, that have variables of the stream of their own."""
    labels = [label for label, value in model.atlas.values.items() if label != model.atlas.output]
    return [label for label in labels if own_places(model, label)]


def pairs(model: Model, name: str, count: int, seed: int) -> Pairs:
    """Random pairs of inputs between which an interchange changes the answer.

    Args:
        model: compiled here, so that its program is known.
        name: of a value.
        count: how many pairs; fewer where few interchanges change anything.
        seed: of the inputs.

    Raises:
        InvalidInputError: there is no such value, or the model was loaded.
    """
    value = model.atlas.named(name)
    traced, number = _node_of(model, value)
    by_length: dict[int, list[Tokens]] = {}
    for tokens in sampled(model, 2 * TRIES * count, seed).inputs:
        by_length.setdefault(len(tokens), []).append(tokens)
    candidates = [
        (length, place)
        for length, inputs in sorted(by_length.items())
        for place in range(0, len(inputs) - 1, 2)
    ]
    order = np.random.default_rng(seed).permutation(len(candidates))
    found: list[tuple[Tokens, Tokens, tuple[Value, ...]]] = []
    for which in order:
        length, place = candidates[which]
        base, source = by_length[length][place : place + 2]
        answer = _counterfactual(model, traced, number, base, source)
        if answer is not None:
            found.append((base, source, answer))
        if len(found) == count:
            break
    bases, sources, answers = zip(*found, strict=True) if found else ((), (), ())
    return Pairs(value.label, bases, sources, answers)


def _node_of(model: Model, value: NamedValue) -> tuple[Traced, int]:
    """The program's graph, and the number of a value's node in it."""
    traced = trace_with_expressions(model.program, causal=model.weights.causal)
    program = model.optimised.original.program
    if len(list(traced.program)) != len(list(program)):
        raise InvalidInputError(
            f"{value.label!r} cannot be told from what is written twice in the program; compile "
            "without the pass common-subexpressions"
        )
    return traced, next(node.id for node in program if node.label == value.label)


def _counterfactual(
    model: Model, traced: Traced, number: int, base: Tokens, source: Tokens
) -> tuple[Value, ...] | None:
    """What the interpreter gives; None if nothing changes, or nothing is promised."""
    causal = model.weights.causal
    part = next(part for part, node in traced.numbers.items() if node == number)
    values = evaluate_all(model.program, source, causal=causal)[part]
    answer = answer_with(model.program, model, traced, number, base, list(values), causal)
    if answer is None or answer == list(model.program(base, causal=causal)):
        return None
    return tuple(answer)


def interchanged(model: Model, chosen: Pairs) -> list[list[Value]]:
    """What a model gives for each base while the value's coordinates are those of the source."""
    base, source = model.ids(chosen.bases), model.ids(chosen.sources)
    states, mask = model.run_ids(source).states, model.input_encoder.is_token(base)
    edits = []
    for place in own_places(model, chosen.name):
        along = directions_of(model.atlas, place.columns, model.d_model)
        target, bias = states[place.first] @ along, np.zeros(along.shape[1])
        back = np.linalg.pinv(along)
        edits.append(Edit(chosen.name, place.first, along, bias, back, target, mask, place.last))
    result = model.run_ids(base, edits=tuple(edits)).result
    return [
        model.output_encoder.decode(rows[1 : 1 + len(tokens)])
        for rows, tokens in zip(result, chosen.bases, strict=True)
    ]


def named(model: Model, names: Sequence[str] | None) -> list[str]:
    """The labels of names; all that can be interchanged if none are given.

    Raises:
        InvalidInputError: a value has no variables of its own.
    """
    if names is None:
        return interchangeable(model)
    for name in [names] if isinstance(names, str) else names:
        if not own_places(model, name):
            raise InvalidInputError(
                f"{name!r} has no columns or directions of its own that could be interchanged; "
                'compile with passes="none", or keep it by rasp.keep(...)'
            )
    return [model.atlas.named(n).label for n in ([names] if isinstance(names, str) else names)]
