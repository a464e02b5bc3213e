"""Programs that are refused, of which all inputs can be looked at."""

from __future__ import annotations

from collections.abc import Callable

from shoal.errors import Refusal, UnsupportedProgramError
from shoal.model import Model
from shoal.options import CompileOptions
from shoal.program.look_ups import (
    LOOK_UPS,
    LookUps,
    interpreted,
    nodes_to_look_up,
    with_look_ups,
)
from shoal.program.trace import Traced
from shoal.rasp.expressions import SOp
from shoal.rasp.promised_inputs import every_input, number_of_inputs
from shoal.transformer.encoders import PromisedInputs

_CAN_HELP = frozenset(
    {
        Refusal.INDISTINGUISHABLE,
        Refusal.TOO_CLOSE,
        Refusal.TOO_INEXACT,
        Refusal.NO_NUMBER,
        Refusal.TOO_MANY_VALUES,
        Refusal.TABLE_TOO_LARGE,
        Refusal.MODEL_TOO_LARGE,
        Refusal.TOO_MUCH_WORK,
    }
)
"""What may be in the way of rules, and not of a table of all inputs."""

Run = Callable[[PromisedInputs | None, LookUps | None], Model]
"""Compiles by what is known of inputs, with look-ups or as the program is written."""


def from_all_inputs(
    run: Run,
    traced: Traced,
    program: SOp,
    options: CompileOptions,
    promised: PromisedInputs | None,
    refusal: UnsupportedProgramError,
) -> Model:
    """The model of a program that rules alone cannot compute, from what it is on every input.

    What is known of values is exact then, which may be all that is needed. If not, what is in the
    way is looked up by the whole input, and in the end the result itself.

    Args:
        run: compiles.
        traced: the program.
        program: the same as an expression.
        options: what for, and how.
        promised: the inputs that are promised; None if there may be any.
        refusal: why it was refused.

    Raises:
        UnsupportedProgramError: the same, if this does not help, or there are too many inputs.
    """
    most, tokens = options.limits.looked_up_inputs, range(len(options.vocab))
    count = number_of_inputs(len(tokens), options.max_seq_len, most)[0]
    is_few = (count if promised is None else len(promised.inputs)) <= most
    root = traced.program.node(traced.program.root)
    can_help = LOOK_UPS in options.passes and refusal.kind in _CAN_HELP and not root.is_input
    if not can_help or not is_few:
        raise refusal
    every = every_input(tokens, options.max_seq_len)
    numbers = list(every) if promised is None else sorted(promised.inputs)
    knowing = promised or PromisedInputs("", frozenset(numbers))
    inputs = [tuple(options.vocab[i] for i in xs) for xs in numbers]
    tried = _attempt(run, knowing, None) if promised is None else refusal
    if isinstance(tried, Model):
        return tried
    known = interpreted(traced, program, inputs)
    wanted: frozenset[int] = frozenset()
    while isinstance(tried, UnsupportedProgramError):
        if root.id in wanted or tried.kind not in _CAN_HELP or not known.rows:
            raise refusal
        more = nodes_to_look_up(traced.program, tried.expression)
        wanted = wanted | more if more - wanted else frozenset((root.id,))
        look_ups = with_look_ups(known, wanted, options.bos, options.passes)
        tried = _attempt(run, knowing, look_ups)
    return tried


def _attempt(
    run: Run, knowing: PromisedInputs, look_ups: LookUps | None
) -> Model | UnsupportedProgramError:
    try:
        return run(knowing, look_ups)
    except UnsupportedProgramError as error:
        return error
