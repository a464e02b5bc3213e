"""Why a program takes so many layers: two proofs that trust no solver.

Without a layer a network sees the token and the position, and nothing else: two inputs on which
these are the same and the results are not prove that one layer is needed, by whatever weights. That
deeper ones are needed is proven for the components that the rules offer, within the limits on heads
and neurons of a layer: everything is tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from shoal.compiler.pipeline import offered
from shoal.contract import agrees
from shoal.errors import EvaluationError, InvalidOptionError
from shoal.options import CompileOptions
from shoal.rasp.annotations import is_numerical
from shoal.rasp.expressions import SOp
from shoal.rasp.interpreter import evaluate
from shoal.rasp.values import Key, Value, canonical_key, show_value
from shoal_solvers.exhaustion import MOST_STEPS, exhaust

MOST_INPUTS = 2**16
"""Inputs that are looked at; every one up to the greatest length is, or none."""


@dataclass(frozen=True)
class Witness:
    """Two inputs that agree in a token and its position, and not in the result there.

    Attributes:
        position: of the token.
        inputs: both of them.
        results: the results at that position.
    """

    position: int
    inputs: tuple[tuple[Value, ...], tuple[Value, ...]]
    results: tuple[Value, Value]


@dataclass(frozen=True)
class DepthProof:
    """How few layers a program takes, and why no fewer do.

    Attributes:
        layers: the fewest of all components that are offered, within the limits; None if it is
            not known, or none up to those that were tried do.
        steps: placements of single operations that were tried in fewer layers, all in vain.
        is_complete: whether that was all there is, of all variants of the program.
        witness: why no network without a layer does, whatever its weights; None if there are no
            such inputs.
    """

    layers: int | None
    steps: int
    is_complete: bool
    witness: Witness | None


def prove_depth(
    program: SOp, *, most_layers: int, most_steps: int = MOST_STEPS, **options: Any
) -> DepthProof:
    """Prove how few layers a program takes, by trying everything that is offered.

    Neurons are counted as components are offered; the pass "narrow" may make some of them smaller.

    Args:
        program: the s-op to compute.
        most_layers: so many are tried at most.
        most_steps: so many placements of single operations are tried at most, for each variant.
        options: as of ``shoal.compile``: vocab, max_seq_len, causal, limits, passes, ...; not
            inputs, since all of them are looked at.

    Raises:
        InvalidOptionError: an option makes no sense, or there are more than ``MOST_INPUTS`` inputs.
        UnsupportedProgramError: the program cannot be compiled.
    """
    for name, number in (("most_layers", most_layers), ("most_steps", most_steps)):
        if type(number) is not int or number < 0:
            raise InvalidOptionError(
                f"{name} is {show_value(number)}; give a whole number of at least 0"
            )
    checked = CompileOptions(**options)
    if checked.inputs is not None:
        raise InvalidOptionError(
            "a proof of depth looks at all inputs, and inputs promises that there are fewer; leave "
            "inputs out"
        )
    witness = needs_a_layer(program, checked)
    found = [exhaust(p, most_layers, most_steps) for p in offered(program, checked)]
    known = [one.layers for one in found if one.layers is not None]
    return DepthProof(
        layers=min(known, default=None),
        steps=sum(one.steps for one in found),
        is_complete=all(one.is_complete for one in found),
        witness=witness,
    )


def needs_a_layer(program: SOp, options: CompileOptions) -> Witness | None:
    """Two inputs that no network without a layer tells apart; None if there are none."""
    number, inputs, length = len(options.vocab), 0, 0
    while inputs <= MOST_INPUTS and length < options.max_seq_len:
        length += 1
        inputs += number**length
    if inputs > MOST_INPUTS:
        raise InvalidOptionError(
            f"there are more than {MOST_INPUTS:,} inputs of up to {options.max_seq_len} tokens of "
            f"{number:,}; give a smaller vocab or max_seq_len"
        )
    seen: dict[tuple[Key, int], tuple[tuple[Value, ...], Value]] = {}
    numerical = is_numerical(program)
    for tokens, results in _answers(program, options):
        for position, (token, result) in enumerate(zip(tokens, results, strict=True)):
            before, other = seen.setdefault((canonical_key(token), position), (tokens, result))
            if not agrees(other, result, numerical=numerical):
                return Witness(position, (before, tokens), (other, result))
    return None


def _answers(
    program: SOp, options: CompileOptions
) -> Iterator[tuple[tuple[Value, ...], list[Value]]]:
    """Every input on which the program is defined, with what the interpreter says."""
    for length in range(1, options.max_seq_len + 1):
        for tokens in product(options.vocab, repeat=length):
            try:
                results = evaluate(program, tokens, causal=options.causal)
            except EvaluationError:
                continue
            if len(results) == length:
                yield tokens, results
