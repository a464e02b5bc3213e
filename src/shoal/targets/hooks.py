"""What the stream is called in each target: names for hooks, and columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shoal.errors import InvalidInputError
from shoal_solvers import ALTERNATING, Kind

_NAMES = {
    "numpy": ("input_embeddings", "residuals[{half_layer}]", "residuals[{half_layer}]"),
    "haiku": ("input_embeddings", "residuals[{half_layer}]", "residuals[{half_layer}]"),
    "torch": ("start", "blocks.{layer}.mid", "blocks.{layer}.end"),
    "transformer-lens": (
        "blocks.0.hook_resid_pre",
        "blocks.{layer}.hook_resid_mid",
        "blocks.{layer}.hook_resid_post",
    ),
    "huggingface": ("transformer.drop", "transformer.h.{layer}.ln_2", "transformer.h.{layer}"),
    "onnx": ("embedding", "layer_{layer}/after_attention", "layer_{layer}/after_mlp"),
}
"""The stream after the embedding, after attention, and after the MLP of a layer."""


@dataclass(frozen=True)
class Hook:
    """Where a value is found while a target runs.

    In all of them token i stands at position i + 1, since BOS comes first.

    Attributes:
        name: of a module, a hook, a tensor, or what ``apply`` returns.
        columns: of the last axis. In Hugging Face the next column holds the same with another sign.
        is_input: whether it is what comes into a module, and not what comes out of it.
    """

    name: str
    columns: tuple[int, ...]
    is_input: bool = False


def stream_hook(target: str, state: int) -> str:
    """What the stream is called in a target.

    Args:
        target: one of those that say.
        state: counted in half-layers, 0 after the embedding.

    Raises:
        InvalidInputError: the target is not known to have names.
    """
    if target not in _NAMES:
        raise InvalidInputError(
            f"no hooks are known for {target!r}; they are for: {', '.join(_NAMES)}"
        )
    start, middle, end = _NAMES[target]
    if state == 0:
        return start
    name = middle if _is_after_attention(state) else end
    return name.format(layer=ALTERNATING.layer(state - 1), half_layer=state - 1)


def _is_after_attention(state: int) -> bool:
    return state > 0 and ALTERNATING.kind(state - 1) is Kind.ATTENTION


def value_hook(target: str, state: int, columns: Sequence[int]) -> Hook:
    """Where columns of the model are found in a target."""
    name = stream_hook(target, state)
    if target != "huggingface":
        return Hook(name, tuple(columns))
    return Hook(name, tuple(2 * column for column in columns), is_input=_is_after_attention(state))
