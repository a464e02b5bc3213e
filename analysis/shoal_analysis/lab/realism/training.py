"""Training that begins with a compiled model: the circuit is known, and the weights are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from shoal.errors import InvalidInputError
from shoal.model import Model
from shoal.rasp.values import show_value
from shoal_analysis.lab.realism.changes import with_weights
from shoal_analysis.lab.realism.compression import Progress
from shoal_analysis.lab.realism.counting import require_none_that_counts
from shoal_analysis.lab.realism.interchange import named, pairs
from shoal_analysis.lab.realism.loading import load_with_torch
from shoal_analysis.lab.realism.samples import sampled
from shoal_analysis.lab.realism.schedule import Schedule
from shoal_analysis.lab.realism.seeds import require_seed

INPUTS = 1000
"""Random inputs that it is trained on."""

PAIRS = 200
"""Of inputs, for each name, between which it is interchanged in training."""

USUAL = Schedule(steps=500, learning_rate=3e-5, weight_decay=0.01, layer_weight=0.0)
"""The schedule if none is given: small steps, since heads of compiled models are sharp."""


def train_from(
    model: Model,
    schedule: Schedule | None = None,
    interchange: Sequence[str] = (),
    interchange_weight: float = 1.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Model:
    """Train all weights on what the program gives, beginning with those that the model has.

    With ``interchange`` the model is also trained on interchange interventions (Geiger et al. 2022,
    Inducing causal structure for interpretable neural networks): a named value, where the atlas
    says that it is, is set to what it is on another input, and the result is to be what the
    interpreter gives with that value. So the circuit is held in place while weights move.

    Args:
        model: compiled here, and rotated, noised or compressed since if you like.
        schedule: 500 steps at a learning rate of 3e-5 if None; its ``layer_weight`` must be 0,
            since there is no other model whose layers could be asked for.
        interchange: the names of values.
        interchange_weight: of the loss on interchanges, beside that on outputs.
        seed: of inputs and batches; the same seed gives the same weights on the same machine.
        progress: called after each step.

    Returns:
        The trained model, with the atlas of before, whose claims say that it was trained. What
        follows the compiled circuit, as patches do, refuses it; ``circuit_holds`` measures it.

    Raises:
        InvalidInputError: the model was loaded or has heads that write counts, there is no such
            name, seed or weight, or PyTorch is not installed.
    """
    schedule = USUAL if schedule is None else schedule
    require_seed(seed)
    _require_trainable(model, schedule, interchange_weight)
    names = named(model, interchange) if interchange else []
    sample = sampled(model, INPUTS, seed)
    chosen = [pairs(model, name, PAIRS, seed) for name in names]
    empty = [each.name for each in chosen if not each.bases]
    if empty:
        raise InvalidInputError(
            f"no interchange of {empty[0]!r} changes what the program gives, so that nothing is "
            "learnt from it; leave it out"
        )
    training = load_with_torch("trainer")
    weights, last = training.train(
        model, sample, chosen, schedule, interchange_weight, seed, progress
    )
    on = f" and on interchanges of {', '.join(names)}" if names else ""
    what = f"trained for {schedule.steps} steps on outputs{on}, to a loss of {last:.2g}"
    return with_weights(model, weights, what)


def _require_trainable(model: object, schedule: Schedule, weight: object) -> None:
    if not isinstance(model, Model) or model.stages is None:
        raise InvalidInputError(
            "only models that were compiled here are trained, since the program says what is right "
            f"and is not saved with a model; {show_value(model)} is none: compile it again"
        )
    if schedule.layer_weight:
        raise InvalidInputError(
            "there is no other model whose layers could be asked for here; give a schedule with "
            "layer_weight=0"
        )
    is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not (is_number and isfinite(weight) and weight >= 0):  # type: ignore[arg-type,operator]
        raise InvalidInputError(
            f"interchange_weight is a number from 0 on, and not {show_value(weight)}"
        )
    require_none_that_counts(model, "trained")
