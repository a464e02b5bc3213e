"""How far the circuit that was compiled still holds in a model that was changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shoal.contract import agrees, all_agree
from shoal.errors import InvalidInputError, UnreadableError
from shoal.interventions import reader_of
from shoal.model import Model
from shoal.program.trace import trace_with_expressions
from shoal.rasp.interpreter import evaluate_all
from shoal.rasp.values import show_value
from shoal_analysis.lab.realism.compression import TOLERANCE
from shoal_analysis.lab.realism.interchange import interchanged, named, pairs
from shoal_analysis.lab.realism.samples import Sample, sampled
from shoal_analysis.lab.realism.seeds import require_seed


@dataclass(frozen=True)
class CircuitHolds:
    """Three measures, each from 0 to 1; numbers count as right within ``TOLERANCE``.

    Attributes:
        agreement: the share of inputs on which all of the result is what the interpreter gives.
        readable: by name, the share of positions at which the value that is read is right.
        interchange: by name, the share of pairs of inputs at which the model, with the value that
            it has on the other input, gives what the interpreter gives with that value; only pairs
            of which the interpreter's answer changes. A name without such pairs is left out.
        inputs: on how many inputs.
        pairs: by name, how many pairs.
    """

    agreement: float
    readable: Mapping[str, float]
    interchange: Mapping[str, float]
    inputs: int
    pairs: Mapping[str, int]

    def __str__(self) -> str:
        lines = [f"right on {self.agreement:.1%} of {self.inputs} inputs"]
        for name in dict.fromkeys((*self.readable, *self.interchange)):
            read, swapped = self.readable.get(name), self.interchange.get(name)
            parts = ["-" if share is None else f"{share:.1%}" for share in (read, swapped)]
            lines.append(f"{name}: read {parts[0]}, interchanged {parts[1]}")
        return "\n".join(lines)


def circuit_holds(
    model: Model,
    names: Sequence[str] | None = None,
    inputs: int = 200,
    pairs_each: int = 50,
    seed: int = 0,
) -> CircuitHolds:
    """Measure on random inputs how far a model still is what the atlas says.

    Args:
        model: compiled here, and rotated, noised, compressed or trained on since.
        names: of values; None for all that have columns or directions of their own.
        inputs: how many are run, and read.
        pairs_each: of inputs, for each name, between which it is interchanged.
        seed: of the inputs.

    Raises:
        InvalidInputError: the model was loaded, so that the program is not known; or there is no
            such name, seed or number.
    """
    require_seed(seed)
    for what, number in (("inputs", inputs), ("pairs_each", pairs_each)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise InvalidInputError(f"{what} is a number from 1 on, not {show_value(number)}")
    chosen = named(model, names)
    sample = sampled(model, inputs, seed)
    swapped, counts = {}, {}
    numerical = model.output_encoder.is_numerical
    for name in chosen:
        asked = pairs(model, name, pairs_each, seed)
        if asked.bases:
            right = [
                all_agree(wanted, found, numerical=numerical, tolerance=TOLERANCE)
                for wanted, found in zip(asked.answers, interchanged(model, asked), strict=True)
            ]
            swapped[name], counts[name] = sum(right) / len(right), len(right)
    agreement = sample.share_right(model, TOLERANCE)
    return CircuitHolds(agreement, _readable(model, chosen, sample), swapped, inputs, counts)


def _readable(model: Model, names: Sequence[str], sample: Sample) -> dict[str, float]:
    """By name the share of positions at which what is read is right."""
    ids = model.ids(sample.inputs)
    passed = model.run_ids(ids)
    traced = trace_with_expressions(model.program, causal=model.weights.causal)
    labels = {node.id: node.label for node in model.optimised.original.program}
    parts = {labels.get(node): part for part, node in traced.numbers.items()}
    right: dict[str, list[bool]] = {}
    for row, tokens in enumerate(sample.inputs):
        values = evaluate_all(model.program, tokens, causal=model.weights.causal)
        reader = reader_of(model.atlas, passed, ids, row, len(tokens))
        for name in names:
            if name not in parts:
                continue
            numerical = model.atlas.values[name].is_numerical
            try:
                found = reader.read(name)
            except UnreadableError:
                continue
            right.setdefault(name, []).extend(
                agrees(one, other, numerical=numerical, tolerance=TOLERANCE)
                for one, other in zip(values[parts[name]], found, strict=True)
            )
    return {name: sum(each) / len(each) for name, each in right.items()}
