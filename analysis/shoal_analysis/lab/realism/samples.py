"""Inputs on which models are tried and trained, with what the interpreter says of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, product

import numpy as np

from shoal.contract import TOLERANCE, agrees, all_agree
from shoal.errors import EvaluationError, InvalidInputError
from shoal.model import Model
from shoal.rasp.values import Value
from shoal.runnable import Transformer

Tokens = tuple[Value, ...]

MOST_TRIES = 20
"""Draws for each input that is wanted, where the interpreter raises on some."""


@dataclass(frozen=True)
class Sample:
    """Inputs with their answers.

    Attributes:
        inputs: without BOS.
        answers: what the interpreter gives for each; for models that were loaded, what these give.
    """

    inputs: tuple[Tokens, ...]
    answers: tuple[tuple[Value, ...], ...]

    def share_right(self, model: Transformer, tolerance: float = TOLERANCE) -> float:
        """On which part of the inputs a model answers as it should, at all positions.

        Args:
            model: which is asked.
            tolerance: of numbers, relative to max(1, size).
        """
        results = model.run_batch(self.inputs)
        numerical = model.output_encoder.is_numerical
        right = [
            all_agree(wanted, found, numerical=numerical, tolerance=tolerance)
            for wanted, found in zip(self.answers, results, strict=True)
        ]
        return sum(right) / len(right)

    def share_of_positions(self, model: Transformer, tolerance: float = TOLERANCE) -> float:
        """At which part of all positions a model answers as it should.

        Args:
            model: which is asked.
            tolerance: of numbers, relative to max(1, size).
        """
        numerical = model.output_encoder.is_numerical
        right = [
            agrees(one, other, numerical=numerical, tolerance=tolerance)
            for wanted, found in zip(self.answers, model.run_batch(self.inputs), strict=True)
            for one, other in zip(wanted, found, strict=True)
        ]
        return sum(right) / len(right)


def sampled(model: Model, count: int, seed: int) -> Sample:
    """Random inputs on which the interpreter gives an answer.

    All lengths are alike; of promised inputs all are.

    Args:
        model: over whose vocab they are.
        count: how many.
        seed: of the draws.

    Raises:
        InvalidInputError: the interpreter raises on nearly all inputs.
    """
    encoder, generator = model.input_encoder, np.random.default_rng(seed)
    listed = encoder.listed

    def draw() -> Tokens:
        if listed is not None:
            return listed[int(generator.integers(len(listed)))]
        length = int(generator.integers(1, encoder.max_seq_len + 1))
        numbers = generator.integers(len(encoder.vocab), size=length)
        return tuple(encoder.vocab[number] for number in numbers)

    found = _answered(model, (draw() for _ in range(MOST_TRIES * count)), count)
    if len(found.inputs) < count:
        raise InvalidInputError(
            f"the interpreter raises on nearly all inputs: of {MOST_TRIES * count:,} random ones "
            f"it answers {len(found.inputs):,}; compile for a vocab on which the program is defined"
        )
    return found


def shortest(model: Model, count: int) -> Sample:
    """The shortest inputs on which the interpreter gives an answer, up to so many."""
    encoder = model.input_encoder
    lengths = range(1, encoder.max_seq_len + 1)
    every = (tokens for length in lengths for tokens in product(encoder.vocab, repeat=length))
    listed = encoder.listed
    return _answered(model, islice(every if listed is None else listed, count), count)


def joined(one: Sample, other: Sample) -> Sample:
    """The inputs of two samples."""
    return Sample(one.inputs + other.inputs, one.answers + other.answers)


def _answered(model: Model, inputs: Iterable[Tokens], count: int) -> Sample:
    """The first inputs that have an answer."""
    found: list[Tokens] = []
    answers: list[tuple[Value, ...]] = []
    for tokens in inputs:
        try:
            answers.append(_answer(model, tokens))
        except EvaluationError:
            continue
        found.append(tokens)
        if len(found) == count:
            break
    return Sample(tuple(found), tuple(answers))


def _answer(model: Model, tokens: Tokens) -> tuple[Value, ...]:
    if model.stages is None:
        return tuple(model.run(tokens))
    return tuple(model.program(tokens, causal=model.weights.causal))
