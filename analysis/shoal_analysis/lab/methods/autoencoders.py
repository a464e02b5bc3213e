"""Sparse autoencoders on the stream of a model, by the package ``sae-lens``.

Needs ``pip install 'shoal[discovery]'``, in an environment of its own (see ``discovery``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.errors import InvalidInputError, InvalidOptionError
from shoal.model import Model
from shoal.rasp.values import Value
from shoal_analysis.lab.scores.features import activations

BATCH = 256
"""Activations that an autoencoder sees at once."""


@dataclass(frozen=True, eq=False)
class Autoencoder:
    """What an autoencoder has learnt.

    Attributes:
        directions: [features, d_model], the rows of its decoder.
        activity: [tokens of all inputs, features], how active they are.
        explained: the share of the variance of the activations that it reconstructs.
        active: how many features are active at once, on average.
    """

    directions: npt.NDArray[np.float64]
    activity: npt.NDArray[np.float64]
    explained: float
    active: float


def train_autoencoder(
    model: Model,
    half_layer: int,
    inputs: Sequence[Sequence[Value]],
    features: int,
    active: int,
    steps: int = 2000,
    seed: int = 0,
) -> Autoencoder:
    """Train a top-k autoencoder (Gao et al. 2024) by ``sae-lens`` on a model's stream.

    The activations are scaled to a mean squared length of d_model, as the package expects them.

    Args:
        model: whose stream; a rotated one has no columns that could be guessed.
        half_layer: just before which the stream is looked at.
        inputs: on which it runs.
        features: of the autoencoder.
        active: features at a time, k.
        steps: of training, on batches of ``BATCH``.
        seed: of the start and of the batches.

    Raises:
        InvalidInputError: the package is not installed, or the stream is the same everywhere.
        InvalidOptionError: there are no features, or more are to be active than there are.
    """
    if not 0 < active <= features:
        raise InvalidOptionError(
            f"of {features} features {active} are to be active; it must be some, and not more "
            "than there are"
        )
    package, torch = _packages()
    stream = activations(model, half_layer, inputs)
    scale = np.sqrt((stream**2).sum(axis=1).mean() / model.d_model)
    if not np.ptp(stream, axis=0).any():
        raise InvalidInputError(
            f"the stream before half-layer {half_layer} is the same at all positions of all inputs"
        )
    data = torch.tensor(stream / scale, dtype=torch.float32)
    torch.manual_seed(seed)
    config = package.TopKTrainingSAEConfig(d_in=model.d_model, d_sae=features, k=active)
    autoencoder = package.TopKTrainingSAE(config)
    settings = import_module("sae_lens.config").SAETrainerConfig(**_settings(steps))
    trainer_of = import_module("sae_lens.training.sae_trainer").SAETrainer
    with redirect_stderr(StringIO()):  # a progress bar
        trainer_of(settings, autoencoder, _batches(data, seed)).fit()
    return _learnt(autoencoder, data)


def _packages() -> tuple[ModuleType, ModuleType]:
    try:
        return import_module("sae_lens"), import_module("torch")
    except ImportError as error:
        raise InvalidInputError(
            f"autoencoders need sae-lens ({error}); install it in an environment of its own by "
            "pip install 'shoal[discovery]'"
        ) from error


def _settings(steps: int) -> dict[str, Any]:
    """What the package's trainer asks for; nothing is written or sent anywhere."""
    logger = import_module("sae_lens.config").LoggingConfig(log_to_wandb=False)
    return {
        "total_training_samples": steps * BATCH,
        "train_batch_size_samples": BATCH,
        "lr": 2e-3,
        "lr_end": 2e-4,
        "lr_scheduler_name": "constant",
        "lr_warm_up_steps": steps // 20,
        "lr_decay_steps": steps // 4,
        "n_restart_cycles": 1,
        "adam_beta1": 0.9,
        "adam_beta2": 0.999,
        "device": "cpu",
        "autocast": False,
        "dead_feature_window": 500,
        "feature_sampling_window": 1000,
        "n_checkpoints": 0,
        "checkpoint_path": None,
        "save_final_checkpoint": False,
        "logger": logger,
        "n_batches_for_norm_estimate": 1,
    }


def _batches(data: Any, seed: int) -> Iterator[Any]:
    draw = np.random.default_rng(seed)
    while True:
        yield data[draw.integers(0, len(data), BATCH)]


def _learnt(autoencoder: Any, data: Any) -> Autoencoder:
    torch = import_module("torch")
    with torch.no_grad():
        codes = autoencoder.encode(data)
        missing = data - autoencoder.decode(codes)
    return Autoencoder(
        np.asarray(autoencoder.W_dec.detach().numpy(), dtype=np.float64),
        np.asarray(codes.numpy(), dtype=np.float64),
        float(1 - (missing**2).sum() / ((data - data.mean(dim=0)) ** 2).sum()),
        float((codes > 0).sum(dim=-1).float().mean()),
    )
