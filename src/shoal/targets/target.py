"""Targets: what they give, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt

from shoal.errors import InvalidInputError
from shoal.transformer.encoders import InputEncoder, OutputDecoder
from shoal.transformer.weights import Array, Weights


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """What a forward pass computes, whichever target ran it.

    Attributes:
        residuals: the stream [batch, positions, d_model] after each half-layer.
        layer_outputs: what each half-layer adds to it, likewise.
        attn_logits: [batch, heads, queries, keys] of each layer, after masking.
        input_embeddings: the stream before half-layer 0.
        result: [batch, positions, coordinates of the result].
        logits: [batch, positions, values, and None after them if there is None]; None for results
            that are numbers.
    """

    residuals: tuple[Array, ...]
    layer_outputs: tuple[Array, ...]
    attn_logits: tuple[Array, ...]
    input_embeddings: Array
    result: Array
    logits: npt.NDArray[Any] | None = None


@runtime_checkable
class Runnable(Protocol):
    """What a target runs."""

    @property
    def weights(self) -> Weights:
        """The NumPy arrays."""

    @property
    def input_encoder(self) -> InputEncoder:
        """From tokens to numbers."""

    @property
    def output_encoder(self) -> OutputDecoder:
        """From the result's coordinates to values."""


Runner = Callable[[npt.NDArray[Any]], ForwardPass]
"""From numbers of tokens [batch, positions], which begin with BOS and may end with PAD."""


@dataclass(frozen=True)
class Target:
    """Something that runs models.

    Attributes:
        name: what users call it.
        what: it is, in words.
        module: where it is; imported when it is asked for, since it may be slow, or not be there.
            It has a function ``runner`` from a ``Runnable`` to a ``Runner``.
        install: what to install where its packages are missing.
        is_slow: whether it takes long to begin, so that it is not asked as a matter of course.
    """

    name: str
    what: str
    module: str
    install: str = ""
    is_slow: bool = False


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for target in (
            Target("numpy", "NumPy in single precision, at once", "shoal.targets.in_numpy"),
            Target(
                "haiku", "Haiku, compiled by JAX", "shoal.targets.in_haiku", "jax dm-haiku", True
            ),
            Target("craft", "the assembly, in double precision", "shoal.targets.in_craft"),
        )
    }
)
"""All targets by name, the usual one first."""


def runner_of(name: str, model: Runnable) -> Runner:
    """What runs a model on a target.

    Raises:
        InvalidInputError: there is no such target, its packages are missing, or the model has not
            what it needs.
    """
    target = TARGETS.get(name)
    if target is None:
        raise InvalidInputError(f"there is no backend {name!r}; known: {', '.join(TARGETS)}")
    try:
        module = import_module(target.module)
    except ModuleNotFoundError as error:
        if not target.install:
            raise
        raise InvalidInputError(
            f"the backend {name!r} needs the package {error.name!r}, which is not installed; "
            f'install it by "pip install {target.install}", or use another of {", ".join(TARGETS)}'
        ) from error
    runner: Runner = module.runner(model)
    return runner
