"""Targets: what they give, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt

from shoal.errors import InvalidInputError
from shoal.shown import shown_fields
from shoal.transformer.encoders import InputEncoder, OutputDecoder
from shoal.transformer.weights import Array, Weights
from shoal.views import arrays_card


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

    __repr__ = shown_fields

    residuals: tuple[Array, ...]
    layer_outputs: tuple[Array, ...]
    attn_logits: tuple[Array, ...]
    input_embeddings: Array
    result: Array
    logits: npt.NDArray[Any] | None = None

    @property
    def states(self) -> tuple[Array, ...]:
        """The stream before each half-layer, and at the end."""
        return (self.input_embeddings, *self.residuals)

    def _repr_html_(self) -> str:
        """What a notebook shows: what was computed, and the shapes of that."""
        return arrays_card("forward pass", self)


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


Runner = Callable[..., ForwardPass]
"""From numbers of tokens [batch, positions], which begin with BOS and may end with PAD.

Those of targets that ``can_edit`` take edits of the stream as a second argument.
"""


@dataclass(frozen=True)
class Target:
    """Something that runs models, or writes them down for others.

    Attributes:
        name: what users call it.
        what: it is, in words.
        module: where it is; imported when it is asked for, since it may be slow, or not be there.
        install: what to install where its packages are missing.
        is_slow: whether it takes long to begin, so that it is not asked as a matter of course.
        runs: whether the module has a function ``runner`` from a ``Runnable`` to a ``Runner``.
        can_edit: whether its runner takes edits of the stream.
        writes: "file" or "folder", if it has a function ``write`` of a model and a path; else "".
    """

    name: str
    what: str
    module: str
    install: str = ""
    is_slow: bool = False
    runs: bool = True
    can_edit: bool = False
    writes: str = ""


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for target in (
            Target(
                "numpy",
                "NumPy in single precision, at once",
                "shoal.targets.in_numpy",
                can_edit=True,
            ),
            Target(
                "haiku", "Haiku, compiled by JAX", "shoal.targets.in_haiku", "jax dm-haiku", True
            ),
            Target("craft", "the assembly, in double precision", "shoal.targets.in_craft"),
            Target(
                "torch",
                "a PyTorch module, its state dict in a .pt file",
                "shoal.targets.in_torch",
                "'shoal[torch]'",
                is_slow=True,
                can_edit=True,
                writes="file",
            ),
            Target(
                "transformer-lens",
                "TransformerLens, its state dict in a .pt file",
                "shoal.targets.to_transformer_lens",
                "'shoal[lens]'",
                runs=False,
                writes="file",
            ),
            Target(
                "huggingface",
                "a stock GPT-2 with tokenizer and card, in a folder",
                "shoal.targets.to_huggingface",
                "'shoal[huggingface]'",
                runs=False,
                writes="folder",
            ),
            Target(
                "onnx",
                "an ONNX graph of any batch size and length",
                "shoal.targets.to_onnx",
                "'shoal[onnx]'",
                runs=False,
                writes="file",
            ),
            Target(
                "safetensors",
                "Shoal's own file, which shoal.load reads with all that is known",
                "shoal.targets.to_safetensors",
                runs=False,
                writes="file",
            ),
        )
    }
)
"""All targets by name, the usual one first."""

RUNNERS: Mapping[str, Target] = MappingProxyType({n: t for n, t in TARGETS.items() if t.runs})
"""Those that run models."""

WRITERS: Mapping[str, Target] = MappingProxyType({n: t for n, t in TARGETS.items() if t.writes})
"""Those that write them down."""


def runner_of(name: str, model: Runnable) -> Runner:
    """What runs a model on a target.

    Raises:
        InvalidInputError: there is no such target, its packages are missing, or the model has not
            what it needs.
    """
    if name not in RUNNERS:
        raise InvalidInputError(f"there is no backend {name!r}; known: {', '.join(RUNNERS)}")
    runner: Runner = module_of(name).runner(model)
    return runner


def editing_runner_of(name: str, model: Runnable) -> Runner:
    """The same on a target whose runner takes edits of the stream.

    Raises:
        InvalidInputError: besides, the target cannot be edited.
    """
    if name in TARGETS and not TARGETS[name].can_edit:
        able = ", ".join(n for n, target in TARGETS.items() if target.can_edit)
        raise InvalidInputError(
            f"the target {name!r} does not patch; these do: {able}; for transformer-lens see "
            "Model.hooks"
        )
    return runner_of(name, model)


def write_to(name: str, model: Runnable, path: str | Path, **options: Any) -> None:
    """Write a model down for a target.

    Args:
        name: of the target.
        model: what is written.
        path: of the file or folder, which is there whole or as it was before.
        options: of the target.

    Raises:
        InvalidInputError: there is no such target, its packages are missing, it cannot hold the
            model, or the path cannot be written.
    """
    if name not in WRITERS:
        raise InvalidInputError(f"nothing is written for {name!r}; known: {', '.join(WRITERS)}")
    module_of(name).write(model, Path(path), **options)


def module_of(name: str) -> ModuleType:
    """The module of a target.

    Raises:
        InvalidInputError: its packages are missing.
    """
    target = TARGETS[name]
    try:
        return import_module(target.module)
    except ModuleNotFoundError as error:
        if not target.install or (error.name or "").split(".")[0] == "shoal":
            raise
        raise InvalidInputError(
            f"the target {name!r} needs the package {error.name!r}, which is not installed; "
            f'install it by "pip install {target.install}"'
        ) from error


def is_installed(target: Target) -> bool:
    """Whether the packages of a target are there."""
    try:
        module_of(target.name)
    except InvalidInputError:
        return False
    return True
