"""The inputs that a model is for, where a promise leaves some out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shoal.errors import BudgetError, UnsupportedProgramError
from shoal.model import Model
from shoal.options import PARAMETERS, CompileOptions
from shoal.rasp.promised_inputs import inputs_of
from shoal.rasp.values import canonical_key
from shoal.transformer.encoders import PromisedInputs


def promised_inputs(options: CompileOptions) -> PromisedInputs | None:
    """All of them, as numbers of tokens; None if there may be any.

    Raises:
        InvalidOptionError: the promise has none, too many, or one that does not fit.
        InvalidInputError: its predicate raises.
    """
    promise = options.inputs
    if promise is None:
        return None
    number = {canonical_key(token): i for i, token in enumerate(options.vocab)}
    most = options.limits.promised_inputs
    found = inputs_of(promise, options.vocab, options.max_seq_len, most)
    numbers = (tuple(number[canonical_key(x)] for x in xs) for xs in found)
    return PromisedInputs(promise.words, frozenset(numbers))


def smaller(
    run: Callable[[PromisedInputs | None], Model],
    promised: PromisedInputs,
    objective: Sequence[str],
) -> Model:
    """The smaller one of two models: of what the promise allows, and of what holds without it.

    Functions and predicates with gaps are often smaller, but not always: an order of numbers of
    which one is missing may take more dimensions.

    Args:
        run: compiles by what is known under a promise, or without one.
        promised: the inputs that are promised.
        objective: what is to be small, the most important first.

    Raises:
        UnsupportedProgramError: neither can be compiled; says why the first one cannot.
        BudgetError: likewise.
    """
    first = _kept(run, promised)
    second = _kept(run, None)
    models = [found for found in (first, second) if isinstance(found, Model)]
    if not models and isinstance(first, Exception):
        raise first

    def sizes(model: Model) -> tuple[int, ...]:
        costs = model.allocated.costs
        return tuple(
            model.num_parameters if name == PARAMETERS else getattr(costs, name)
            for name in objective
        )

    return min(models, key=sizes)


def _kept(
    run: Callable[[PromisedInputs | None], Model], knowing: PromisedInputs | None
) -> Model | UnsupportedProgramError | BudgetError:
    try:
        return run(knowing)
    except (UnsupportedProgramError, BudgetError) as error:
        return error
